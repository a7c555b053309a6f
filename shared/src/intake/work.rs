//! What one call of [`Intake::ingest`](super::Intake::ingest) has to do and has done.

use std::collections::{BTreeMap, BTreeSet};

use super::weight::{self, Pace};
use crate::deadline::Deadline;
use crate::ledger::{Group, Lease, Ledger};
use crate::notification::ObjectRef;
use crate::pipeline::{Failure, Read, Report};
use crate::store::Store;

const PANICKED: &str = "the function panicked; this is a bug to report";

/// What one call of [`Intake::ingest`] has to do and has done.
pub(super) struct Work<'a> {
    pub(super) lease: &'a Lease,
    pub(super) deadline: &'a Deadline<'a>,
    /// Places of an object among those that were to be ingested, by its identity.
    pub(super) places: BTreeMap<String, Vec<usize>>,
    /// Identities of the objects that are in the lake, or in quarantine. Every other goes back to the queue, so that what
    /// nobody has thought of costs a delivery and not a log.
    pub(super) settled: BTreeSet<String>,
    /// Identities of the objects that are to be in no group with others.
    pub(super) alone: BTreeSet<String>,
    /// True if the ledger was asked to decide on the group that is run, or was before.
    pub(super) may_be_decided: bool,
    pub(super) report: Report,
    pub(super) pace: Pace,
    /// Groups that were begun.
    pub(super) begun: usize,
    /// True if it was said that what was last seen could not be noted.
    pub(super) not_noted: bool,
}

impl Work<'_> {
    /// Adds the figures of a part; `places` tells where the objects of its failures stand.
    pub(super) fn add(&mut self, mut report: Report, places: impl Fn(usize) -> Vec<usize>) {
        for failure in std::mem::take(&mut report.failures) {
            self.fail(&places(failure.index), &failure.reason, failure.partial);
        }
        self.report.merge(report);
    }

    pub(super) fn fail(&mut self, places: &[usize], reason: &str, partial: bool) {
        let failure = |&index: &usize| Failure { index, reason: reason.to_owned(), partial };
        self.report.failures.extend(places.iter().map(failure));
    }

    pub(super) fn fail_objects(&mut self, objects: &[ObjectRef], reason: &str) {
        for object in objects {
            self.fail_member(object, &format!("{object}: {reason}"), false);
        }
    }

    pub(super) fn fail_member(&mut self, object: &ObjectRef, reason: &str, partial: bool) {
        let places = self.places_of(object);
        self.fail(&places, reason, partial);
    }

    pub(super) fn panicked(&mut self, places: &[usize], object: &ObjectRef) {
        self.report.panics += 1;
        self.fail(places, &format!("{object}: {PANICKED}"), false);
    }

    pub(super) fn group_panicked(&mut self, members: &[ObjectRef]) {
        self.report.panics += 1;
        self.fail_objects(members, PANICKED);
    }

    /// Tells what becomes of those that leave a group: whoever could not be read.
    /// `remaining` are the members that were read.
    pub(super) fn tell_who_leaves<S: Store>(
        &mut self,
        group: &Group,
        remaining: &[usize],
        read: &Read<'_, S>,
    ) {
        let member = |index: usize| &group.members[remaining[index]];
        for failure in read.failures() {
            self.fail_member(member(failure.index), &failure.reason, failure.partial);
        }
        // The first of an invocation's first group has had all the time there is.
        if self.begun == 1
            && read.cut() == Some(0)
            && let Some(&index) = read.left().first()
        {
            let object = member(index);
            let reason =
                "it cannot be read in the time of one invocation: give the function more memory or time";
            self.fail_member(object, &format!("{object}: {reason}"), false);
        }
    }

    /// Notes that objects are in the lake.
    pub(super) fn settle<'o>(&mut self, objects: impl IntoIterator<Item = &'o ObjectRef>) {
        self.settled.extend(objects.into_iter().map(ObjectRef::identity));
    }

    /// The report. Of the objects at the places `logs`, those that are neither settled nor have failed are left.
    pub(super) fn into_report(self, logs: &[usize]) -> Report {
        let mut report = self.report;
        report.failures.sort_by_key(|failure| failure.index);
        report.failures.dedup_by_key(|failure| failure.index);
        let has_failed =
            |index: &usize| report.failures.binary_search_by_key(index, |failure| failure.index).is_ok();
        let settled: BTreeSet<usize> =
            self.settled.iter().filter_map(|identity| self.places.get(identity)).flatten().copied().collect();
        let is_left = |index: &&usize| !settled.contains(*index) && !has_failed(index);
        report.left = logs.iter().filter(is_left).copied().collect();
        report
    }

    /// None for a member of an earlier invocation's group that was not named this time.
    pub(super) fn places_of(&self, object: &ObjectRef) -> Vec<usize> {
        self.places.get(&object.identity()).cloned().unwrap_or_default()
    }

    /// True if these objects would be read in time, as far as can be told.
    pub(super) fn has_time_for(&self, objects: &[ObjectRef]) -> bool {
        self.deadline.has(self.pace.millis_of(weight::bytes(objects)))
    }

    /// Begins a group. Answers the time now.
    pub(super) fn begin(&mut self) -> i64 {
        self.begun += 1;
        self.deadline.now()
    }

    pub(super) fn end(&mut self, members: &[ObjectRef], started: i64) {
        self.pace.add(weight::bytes(members), self.deadline.now().saturating_sub(started));
    }

    /// True if the object is to be in no group with others.
    pub(super) fn is_alone(&self, object: &ObjectRef) -> bool {
        self.alone.contains(&object.identity())
    }

    /// Gives the lease of a group back, of which `runs` have not come to an end.
    pub(super) async fn let_go<L: Ledger>(&mut self, ledger: &L, group: &Group, runs: u32) {
        // If this fails, the next delivery waits for the lease's end.
        let _ = ledger.release(&Group { runs, ..group.clone() }, self.lease).await;
    }
}
