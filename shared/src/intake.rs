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
//! A panic is a mistake of ours in some object's data. It is counted, and leaves other groups alone. If it happens while a
//! group is undecided, the group is dissolved, and each of its members is a group of its own, last of all; so the one
//! object fails alone.
//!
//! # Objects that end the invocation
//! Nobody hears of an invocation that dies for lack of memory. Its messages come back together, and would take each other
//! along to the dead-letter queue. So the ledger counts the runs of a group that nobody saw the end of, and after
//! [`LOST_RUNS`] of them the group is dissolved in the same way. One that cannot be, as it has a single member or may have
//! rows in the lake, is passed over every third time, so that what came with it is acknowledged meanwhile. New
//! objects go before open groups, so that these cannot hold them up. With five deliveries, as in the template, a batch
//! with one such object loses two to the group, two to the object, and is rid of all others with the last.

mod run;
mod weight;
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::FutureExt as _;
use futures::future::join_all;

use self::weight::Pace;
use self::work::Work;
use crate::catalog::Catalog;
use crate::cost;
use crate::deadline::Deadline;
use crate::ledger::{Group, Lease, Ledger, Standing};
use crate::notification::ObjectRef;
use crate::pipeline::{Pipeline, Report};
use crate::store::Store;

/// Stored bytes of a group, where nothing else is configured: 64 MiB.
pub const MAX_GROUP_BYTES: u64 = 64 << 20;

/// How often objects are claimed that others claim at the same time.
const CLAIMS: usize = 3;

/// Runs of a group that did not come to an end, before it is dissolved.
pub const LOST_RUNS: u32 = 2;

/// Objects that the store is asked for at the same time what tells their content.
const IDENTIFIED_AT_ONCE: usize = 16;

/// A pipeline and its ledger.
#[derive(Debug)]
pub struct Intake<S, C, L> {
    pipeline: Pipeline<S, C>,
    ledger: Option<L>,
    max_group_bytes: u64,
    progress: Progress,
}

/// What is told the stored size of each object that has been dealt with.
struct Progress(Box<dyn Fn(u64) + Send + Sync>);

impl std::fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Progress")
    }
}

impl<S: Store, C: Catalog, L: Ledger> Intake<S, C, L> {
    /// An intake for `pipeline`. Without a ledger objects are ingested as they come, and again when they come again.
    pub fn new(pipeline: Pipeline<S, C>, ledger: Option<L>) -> Self {
        let progress = Progress(Box::new(|_| {}));
        Self { pipeline, ledger, max_group_bytes: MAX_GROUP_BYTES, progress }
    }

    /// The same intake, which puts objects of at most so many stored bytes into one group.
    #[must_use]
    pub fn with_max_group_bytes(self, max_group_bytes: u64) -> Self {
        Self { max_group_bytes, ..self }
    }

    /// The same intake, which tells `progress` the stored size of each object that it has dealt with.
    #[must_use]
    pub fn with_progress(self, progress: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self { progress: Progress(Box::new(progress)), ..self }
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
            settled: BTreeSet::new(),
            alone: BTreeSet::new(),
            may_be_decided: false,
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
        work.into_report(&logs)
    }

    /// The objects with what tells their content, each once.
    async fn identify(&self, work: &mut Work<'_>, objects: &[ObjectRef], logs: &[usize]) -> Vec<ObjectRef> {
        let mut wanted = Vec::new();
        for indexes in logs.chunks(IDENTIFIED_AT_ONCE) {
            if work.deadline.is_over() {
                break;
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
        for members in weight::groups(wanted, usize::MAX, self.max_group_bytes) {
            if !work.has_time_for(&members) {
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
                    let read = (0..members.len()).filter(|index| !left.contains(index));
                    work.settle(read.map(|index| &members[index]));
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
                    Standing::Done => {
                        work.report.objects_known += 1;
                        work.settle([&object]);
                    }
                }
            }
            wanted = Vec::new();
            let (alone, free) = free.into_iter().partition(|object| work.is_alone(object));
            let together = weight::groups(free, ledger.max_members(), self.max_group_bytes);
            let alone = weight::groups(alone, 1, self.max_group_bytes);
            for members in together.into_iter().chain(alone) {
                if !work.has_time_for(&members) {
                    continue;
                }
                let group = Group::new(members, self.pipeline.output_settings());
                work.report.requests.ledger_writes += cost::claim(group.members.len());
                match ledger.claim(&group, lease).await {
                    Ok(true) => {
                        begun.insert(group.id.clone());
                        wanted.extend(self.run(ledger, work, group).await);
                    }
                    Ok(false) if attempt < CLAIMS => wanted.extend(group.members),
                    Ok(false) => {
                        let reason = "others claim it at the same time; left to the queue";
                        work.fail_objects(&group.members, reason);
                    }
                    Err(error) => work.fail_objects(&group.members, &error.to_string()),
                }
            }
            // In another order each time, so that one which ends the invocation is not always before the same others.
            let mut open: Vec<(String, Vec<ObjectRef>)> = open.into_iter().collect();
            let first = usize::try_from(lease.now).unwrap_or_default() % open.len().max(1);
            open.rotate_left(first);
            for (id, objects) in open {
                if !begun.insert(id.clone()) {
                    continue; // it was run just now, and failed with all its members
                }
                if !work.has_time_for(&objects) {
                    continue;
                }
                work.report.requests.ledger_writes += cost::group_units(objects.len());
                match ledger.take_over(&id, lease).await {
                    Ok(Some(group)) => {
                        // Who has left it since it was looked up is free.
                        wanted.extend(objects.into_iter().filter(|object| group.has_left(object)));
                        wanted.extend(self.go_on(ledger, work, group).await);
                    }
                    Ok(None) => work.fail_objects(&objects, "another invocation is at it; left to the queue"),
                    Err(error) => work.fail_objects(&objects, &error.to_string()),
                }
            }
            if wanted.is_empty() {
                return;
            }
        }
    }
}
