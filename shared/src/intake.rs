//! Objects in, each into the lake once: the pipeline under the protocol of the [ledger](crate::ledger).
//!
//! # How much at a time
//! A group takes objects up to a sum of their stored sizes, so that what one failure costs, and what has to fit the time
//! that is left, does not follow the number of messages. A batch below that is one group, and so one Parquet object a
//! partition.
//!
//! # Stopping in time
//! An invocation that is ended in the middle costs its whole batch a long wait. So it begins no group that would not be
//! done before its [deadline](crate::deadline), by the bytes of the group and the pace of the groups before, and what
//! is not begun is left to the queue. If the deadline passes while a group is read, between two objects or two pieces of
//! one:
//!
//! | the group is | then | the next delivery |
//! |---|---|---|
//! | undecided, and what was read so far is as if the rest had never been there | the rest leaves the group, what was read is published | claims the rest |
//! | undecided, and one was unreadable or was cut off in the middle | these leave with the rest, and the lease is given back | takes the group over, and claims the rest |
//! | undecided, and nothing of it was read | all leave: there is no group | claims them again |
//! | decided, by a run before | the lease is given back | takes the group over |
//!
//! Nothing is lost by that: what was not read is free or a member of an open group, and its message goes back. Nothing is
//! doubled: an object is left out by the same decision that leaves out an unreadable one, before any output is complete;
//! and after a decision nothing is decided again. There is progress: half of an invocation's time at least is for work,
//! its first group is always begun, the objects read before the deadline stay read or at least decided, and a decided
//! group takes no longer to read than it took to decide on it. An object that takes longer than all that time comes back
//! as often as the queue allows, and ends in the dead-letter queue, where a person sees it.
//!
//! # Panics
//! A panic is a mistake of ours in some object's data. It fails the group that it happens in, is counted, and leaves the
//! others alone.

mod weight;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::FutureExt as _;
use futures::future::join_all;
use tracing::warn;

use self::weight::Pace;
use crate::catalog::Catalog;
use crate::cost;
use crate::deadline::Deadline;
use crate::ledger::{Group, Lease, Ledger, LedgerError, Standing};
use crate::notification::ObjectRef;
use crate::pipeline::{Failure, Pipeline, Read, Report};
use crate::store::Store;

/// Stored bytes of a group, where nothing else is configured: 64 MiB.
pub const MAX_GROUP_BYTES: u64 = 64 << 20;

/// How often objects are claimed that others claim at the same time.
const CLAIMS: usize = 3;

/// Objects that the store is asked for at the same time what tells their content.
const IDENTIFIED_AT_ONCE: usize = 16;

const PANICKED: &str = "the function panicked; this is a bug to report";

/// A pipeline and its ledger.
#[derive(Debug)]
pub struct Intake<S, C, L> {
    pipeline: Pipeline<S, C>,
    ledger: Option<L>,
    max_group_bytes: u64,
}

/// What one call of [`Intake::ingest`] has to do and has done.
struct Work<'a> {
    lease: &'a Lease,
    deadline: &'a Deadline<'a>,
    /// Places of an object among those that were to be ingested, by its identity.
    places: BTreeMap<String, Vec<usize>>,
    report: Report,
    pace: Pace,
    /// Groups that were begun.
    begun: usize,
    /// True if it was said that what was last seen could not be noted.
    not_noted: bool,
}

impl<S: Store, C: Catalog, L: Ledger> Intake<S, C, L> {
    /// An intake for `pipeline`. Without a ledger objects are ingested as they come, and again when they come again.
    pub fn new(pipeline: Pipeline<S, C>, ledger: Option<L>) -> Self {
        Self { pipeline, ledger, max_group_bytes: MAX_GROUP_BYTES }
    }

    /// The same intake, which puts objects of at most so many stored bytes into one group.
    #[must_use]
    pub fn with_max_group_bytes(self, max_group_bytes: u64) -> Self {
        Self { max_group_bytes, ..self }
    }

    /// The source's name.
    pub fn source_name(&self) -> &'static str {
        self.pipeline.source_name()
    }

    /// Ingests raw objects, and finishes groups of earlier invocations that they belong to. An object that is named
    /// more than once is read once; one that is in the lake already is not read again and is no failure. Those that
    /// would not be done before the deadline are left.
    pub async fn ingest(&self, objects: Vec<ObjectRef>, lease: &Lease, deadline: &Deadline<'_>) -> Report {
        let mut work = Work {
            lease,
            deadline,
            places: BTreeMap::new(),
            report: Report::default(),
            pace: Pace::default(),
            begun: 0,
            not_noted: false,
        };
        let (mut logs, mut others) = (Vec::new(), Vec::new());
        for (index, object) in objects.iter().enumerate() {
            match catch_unwind(AssertUnwindSafe(|| self.pipeline.is_log(object))) {
                Ok(true) => logs.push(index),
                Ok(false) => others.push(index),
                Err(_panic) => work.panicked(&[index], object),
            }
        }
        if !others.is_empty() {
            let rest = others.iter().map(|&index| objects[index].clone()).collect();
            let report = self.pipeline.ingest(rest, &|_| {}).await;
            work.add(report, |index| vec![others[index]]);
        }
        let wanted = self.identify(&mut work, &objects, &logs).await;
        match &self.ledger {
            Some(ledger) => self.ingest_logs(ledger, &mut work, wanted).await,
            None => self.ingest_each_time(&mut work, wanted).await,
        }
        let mut report = work.report;
        report.failures.sort_by_key(|failure| failure.index);
        report.failures.dedup_by_key(|failure| failure.index);
        let has_failed =
            |index: &usize| report.failures.binary_search_by_key(index, |failure| failure.index).is_ok();
        report.left.retain(|index| !has_failed(index));
        report.left.sort_unstable();
        report.left.dedup();
        report
    }

    /// The objects with what tells their content, each once.
    async fn identify(&self, work: &mut Work<'_>, objects: &[ObjectRef], logs: &[usize]) -> Vec<ObjectRef> {
        let mut wanted = Vec::new();
        for indexes in logs.chunks(IDENTIFIED_AT_ONCE) {
            if work.deadline.is_over() {
                work.report.left.extend_from_slice(indexes);
                continue;
            }
            let identified = indexes
                .iter()
                .map(|&index| AssertUnwindSafe(self.pipeline.identify(&objects[index])).catch_unwind());
            for (&index, outcome) in indexes.iter().zip(join_all(identified).await) {
                match outcome {
                    Ok(Ok(object)) => {
                        let places = work.places.entry(object.identity()).or_default();
                        places.push(index);
                        if places.len() == 1 {
                            wanted.push(object);
                        }
                    }
                    Ok(Err(error)) => work.fail(&[index], &error.to_string(), false),
                    Err(_panic) => work.panicked(&[index], &objects[index]),
                }
            }
        }
        wanted
    }

    /// Ingests objects of which nobody writes down that they were.
    async fn ingest_each_time(&self, work: &mut Work<'_>, wanted: Vec<ObjectRef>) {
        for members in weight::groups(wanted, self.max_group_bytes) {
            if !work.has_time_for(&members) {
                work.leave(&members);
                continue;
            }
            let started = work.begin();
            let run = async {
                let identities: Vec<String> = members.iter().map(ObjectRef::identity).collect();
                let read = self.pipeline.read(members.clone(), &identities, &|_| {}, work.deadline).await;
                let left: Vec<usize> = read.left().to_vec();
                (self.pipeline.publish(read).await, left)
            };
            match AssertUnwindSafe(Box::pin(run)).catch_unwind().await {
                Ok((report, left)) => {
                    let places: Vec<Vec<usize>> =
                        members.iter().map(|object| work.places_of(object)).collect();
                    work.add(report, |index| places[index].clone());
                    left.into_iter().for_each(|index| work.report.left.extend_from_slice(&places[index]));
                }
                Err(_panic) => work.group_panicked(&members),
            }
            work.end(&members, started);
        }
    }

    async fn ingest_logs(&self, ledger: &L, work: &mut Work<'_>, mut wanted: Vec<ObjectRef>) {
        let lease = work.lease;
        let mut begun = BTreeSet::new();
        for attempt in 1..=CLAIMS {
            let standings = match ledger.look_up(&wanted).await {
                Ok(standings) => standings,
                Err(error) => return work.fail_objects(&wanted, &error.to_string()),
            };
            let grouped = standings.iter().filter(|standing| **standing != Standing::Free).count();
            work.report.requests.ledger_reads += (wanted.len() + grouped) as u64;
            let mut free = Vec::new();
            let mut open: BTreeMap<String, Vec<ObjectRef>> = BTreeMap::new();
            for (object, standing) in wanted.into_iter().zip(standings) {
                match standing {
                    Standing::Free => free.push(object),
                    Standing::Open(group) => open.entry(group).or_default().push(object),
                    Standing::Done => work.report.objects_known += 1,
                }
            }
            for (id, objects) in open {
                if !begun.insert(id.clone()) {
                    continue; // it was run just now, and failed with all its members
                }
                if !work.has_time_for(&objects) {
                    work.leave(&objects);
                    continue;
                }
                work.report.requests.ledger_writes += cost::group_units(objects.len());
                match ledger.take_over(&id, lease).await {
                    Ok(Some(group)) if !work.has_time_for(&group.members) => {
                        work.leave_rest_of(&group);
                        work.let_go(ledger, &group).await;
                    }
                    Ok(Some(group)) => self.run(ledger, work, group).await,
                    Ok(None) => work.fail_objects(&objects, "another invocation is at it; left to the queue"),
                    Err(error) => work.fail_objects(&objects, &error.to_string()),
                }
            }
            wanted = Vec::new();
            for members in weight::groups(free, self.max_group_bytes) {
                if !work.has_time_for(&members) {
                    work.leave(&members);
                    continue;
                }
                let group = Group::new(members);
                work.report.requests.ledger_writes += cost::claim(group.members.len());
                match ledger.claim(&group, lease).await {
                    Ok(true) => {
                        begun.insert(group.id.clone());
                        self.run(ledger, work, group).await;
                    }
                    Ok(false) if attempt < CLAIMS => wanted.extend(group.members),
                    Ok(false) => {
                        let reason = "others claim it at the same time; left to the queue";
                        work.fail_objects(&group.members, reason);
                    }
                    Err(error) => work.fail_objects(&group.members, &error.to_string()),
                }
            }
            if wanted.is_empty() {
                return;
            }
        }
    }

    /// Runs a group whose lease is ours, to its end or to a failure of all its members.
    async fn run(&self, ledger: &L, work: &mut Work<'_>, group: Group) {
        let started = work.begin();
        let run = self.run_leased(ledger, work, group.clone());
        if AssertUnwindSafe(Box::pin(run)).catch_unwind().await.is_err() {
            // Wherever it was: whoever runs the group again completes what this run may have completed.
            work.group_panicked(&group.members);
            work.let_go(ledger, &group).await;
        }
        work.end(&group.members, started);
    }

    async fn run_leased(&self, ledger: &L, work: &mut Work<'_>, mut group: Group) {
        let identities: Vec<String> = group.members.iter().map(ObjectRef::identity).collect();
        let started = work.deadline.now();
        let mut read = self.read(&group, &identities, work.deadline).await;
        if group.left_out.is_none() {
            match self.decide(ledger, work, &mut group, &read).await {
                Ok(true) => {}
                Ok(false) => return work.report.merge(read.discard().await), // the group is gone
                Err(reason) => {
                    work.report.merge(read.discard().await);
                    return work.fail_objects(&group.members, &reason);
                }
            }
            if read.is_undisturbed() {
                return self.publish(ledger, work, &group, read).await;
            }
            // Another run does not read those that have left, and may cut the outputs in another way.
            let took = work.deadline.now() - started;
            work.report.merge(read.discard().await);
            if !work.deadline.has(took) {
                work.leave_rest_of(&group);
                return work.let_go(ledger, &group).await;
            }
            read = self.read(&group, &identities, work.deadline).await;
        }
        if let Some(failure) = read.failures().first() {
            let reason = format!("a member of its group cannot be read any more: {}", failure.reason);
            work.report.merge(read.discard().await);
            work.fail_objects(&group.members, &reason);
            return work.let_go(ledger, &group).await;
        }
        if !read.left().is_empty() {
            work.report.merge(read.discard().await);
            work.leave_rest_of(&group);
            return work.let_go(ledger, &group).await;
        }
        self.publish(ledger, work, &group, read).await;
    }

    /// Decides who leaves a group that was read: whoever could not be read, in itself or for lack of time. False if
    /// that is everybody.
    async fn decide(
        &self,
        ledger: &L,
        work: &mut Work<'_>,
        group: &mut Group,
        read: &Read<'_, S>,
    ) -> Result<bool, String> {
        let unreadable = read.failures().iter().map(|failure| failure.index);
        let mut left_out: Vec<usize> = unreadable.chain(read.left().iter().copied()).collect();
        left_out.sort_unstable();
        work.report.requests.ledger_writes += cost::decide(group.members.len(), left_out.len());
        match ledger.decide(group, &left_out, work.lease).await {
            Ok(true) => {}
            outcome => return Err(undecided(outcome)),
        }
        for failure in read.failures() {
            work.fail_member(&group.members[failure.index], &failure.reason, failure.partial);
        }
        let mut left = read.left().iter().map(|&index| &group.members[index]);
        if work.begun == 1 && read.cut() == Some(0) {
            // The first of an invocation's first group has had all the time there is.
            if let Some(object) = left.next() {
                let reason =
                    "it cannot be read in the time of one invocation: give the function more memory or time";
                work.fail_member(object, &format!("{object}: {reason}"), false);
            }
        }
        left.for_each(|object| work.leave(std::slice::from_ref(object)));
        let is_gone = left_out.len() == group.members.len();
        group.left_out = Some(left_out);
        Ok(!is_gone)
    }

    /// Makes visible what was read of a decided group, and marks it as done.
    async fn publish(&self, ledger: &L, work: &mut Work<'_>, group: &Group, read: Read<'_, S>) {
        let mut report = self.pipeline.publish(read).await;
        let failures = std::mem::take(&mut report.failures);
        let arrivals = report.arrivals.clone();
        work.report.merge(report);
        let remaining = group.remaining();
        for failure in &failures {
            work.fail_member(&group.members[remaining[failure.index]], &failure.reason, failure.partial);
        }
        if let Some(torn) = failures.first() {
            let reason = format!("its group is not whole: {}", torn.reason);
            work.fail_objects(&group.members, &reason);
            return work.let_go(ledger, group).await;
        }
        let accounts: BTreeSet<&str> = arrivals.keys().map(|origin| origin.account.as_str()).collect();
        work.report.requests.ledger_writes += accounts.len() as u64 + cost::group_units(group.members.len());
        if let Err(error) = ledger.note(&arrivals, work.deadline.now()).await
            && !std::mem::replace(&mut work.not_noted, true)
        {
            warn!(%error, "what was last seen is not up to date; nothing else is amiss");
        }
        if let Err(error) = ledger.finish(group).await {
            // The rows are there; the next delivery runs the group again, which changes nothing, and tries again.
            work.fail_objects(&group.members, &error.to_string());
        }
    }

    /// Reads the members that have not left the group.
    async fn read(&self, group: &Group, identities: &[String], deadline: &Deadline<'_>) -> Read<'_, S> {
        let members = group.remaining().into_iter().map(|member| group.members[member].clone()).collect();
        self.pipeline.read(members, identities, &|_| {}, deadline).await
    }
}

fn undecided(outcome: Result<bool, LedgerError>) -> String {
    match outcome {
        Ok(_) => "another invocation has taken its group over; left to the queue".to_owned(),
        Err(error) => error.to_string(),
    }
}

impl Work<'_> {
    /// Adds the figures of a part; `places` tells where the objects of its failures stand.
    fn add(&mut self, mut report: Report, places: impl Fn(usize) -> Vec<usize>) {
        for failure in std::mem::take(&mut report.failures) {
            self.fail(&places(failure.index), &failure.reason, failure.partial);
        }
        self.report.merge(report);
    }

    fn fail(&mut self, places: &[usize], reason: &str, partial: bool) {
        let failure = |&index: &usize| Failure { index, reason: reason.to_owned(), partial };
        self.report.failures.extend(places.iter().map(failure));
    }

    fn fail_objects(&mut self, objects: &[ObjectRef], reason: &str) {
        for object in objects {
            self.fail_member(object, &format!("{object}: {reason}"), false);
        }
    }

    fn fail_member(&mut self, object: &ObjectRef, reason: &str, partial: bool) {
        let places = self.places_of(object);
        self.fail(&places, reason, partial);
    }

    fn panicked(&mut self, places: &[usize], object: &ObjectRef) {
        self.report.panics += 1;
        self.fail(places, &format!("{object}: {PANICKED}"), false);
    }

    fn group_panicked(&mut self, members: &[ObjectRef]) {
        self.report.panics += 1;
        self.fail_objects(members, PANICKED);
    }

    /// Leaves objects to the queue.
    fn leave(&mut self, objects: &[ObjectRef]) {
        for object in objects {
            let places = self.places_of(object);
            self.report.left.extend(places);
        }
    }

    /// Leaves the members that have not left the group.
    fn leave_rest_of(&mut self, group: &Group) {
        for member in group.remaining() {
            self.leave(std::slice::from_ref(&group.members[member]));
        }
    }

    /// None for a member of an earlier invocation's group that was not named this time.
    fn places_of(&self, object: &ObjectRef) -> Vec<usize> {
        self.places.get(&object.identity()).cloned().unwrap_or_default()
    }

    /// True if these objects would be read in time, as far as can be told.
    fn has_time_for(&self, objects: &[ObjectRef]) -> bool {
        self.deadline.has(self.pace.millis_of(weight::bytes(objects)))
    }

    /// Begins a group. Answers the time now.
    fn begin(&mut self) -> i64 {
        self.begun += 1;
        self.deadline.now()
    }

    fn end(&mut self, members: &[ObjectRef], started: i64) {
        self.pace.add(weight::bytes(members), self.deadline.now().saturating_sub(started));
    }

    async fn let_go<L: Ledger>(&mut self, ledger: &L, group: &Group) {
        // If this fails, the next delivery waits for the lease's end.
        let _ = ledger.release(group, self.lease).await;
    }
}
