//! Objects in, each into the lake once: the pipeline under the protocol of the [ledger](crate::ledger).

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Catalog;
use crate::ledger::{Group, Lease, Ledger, LedgerError, MAX_MEMBERS, Standing};
use crate::notification::ObjectRef;
use crate::pipeline::{Failure, Pipeline, Report};
use crate::store::Store;

/// How often objects are claimed that others claim at the same time.
const CLAIMS: usize = 3;

/// A pipeline and its ledger.
#[derive(Debug)]
pub struct Intake<S, C, L> {
    pipeline: Pipeline<S, C>,
    ledger: Option<L>,
}

/// One invocation.
struct Invocation<'a, L> {
    ledger: &'a L,
    lease: &'a Lease,
    /// Places of an object among those that were to be ingested, by its identity.
    places: BTreeMap<String, Vec<usize>>,
    report: Report,
}

impl<S: Store, C: Catalog, L: Ledger> Intake<S, C, L> {
    /// An intake for `pipeline`. Without a ledger objects are ingested as they come, and again when they come again.
    pub fn new(pipeline: Pipeline<S, C>, ledger: Option<L>) -> Self {
        Self { pipeline, ledger }
    }

    /// The source's name.
    pub fn source_name(&self) -> &'static str {
        self.pipeline.source_name()
    }

    /// Ingests raw objects, and finishes groups of earlier invocations that they belong to. An object that is in the
    /// lake already is not read again and is no failure.
    pub async fn ingest(&self, objects: Vec<ObjectRef>, lease: &Lease) -> Report {
        let Some(ledger) = &self.ledger else { return self.pipeline.ingest(objects, &|_| {}).await };
        let (logs, others): (Vec<usize>, Vec<usize>) =
            (0..objects.len()).partition(|&index| self.pipeline.is_log(&objects[index]));
        let rest = others.iter().map(|&index| objects[index].clone()).collect();
        let mut invocation = Invocation { ledger, lease, places: BTreeMap::new(), report: Report::default() };
        let report = self.pipeline.ingest(rest, &|_| {}).await;
        invocation.add(report, |index| vec![others[index]]);
        let mut wanted = Vec::new();
        for index in logs {
            match self.pipeline.identify(&objects[index]).await {
                Ok(object) => {
                    let places = invocation.places.entry(object.identity()).or_default();
                    places.push(index);
                    if places.len() == 1 {
                        wanted.push(object);
                    }
                }
                Err(error) => invocation.fail(&[index], &error.to_string(), false),
            }
        }
        self.ingest_logs(&mut invocation, wanted).await;
        let mut report = invocation.report;
        report.failures.sort_by_key(|failure| failure.index);
        report.failures.dedup_by_key(|failure| failure.index);
        report
    }

    async fn ingest_logs(&self, invocation: &mut Invocation<'_, L>, mut wanted: Vec<ObjectRef>) {
        let (ledger, lease) = (invocation.ledger, invocation.lease);
        let mut begun = BTreeSet::new();
        for attempt in 1..=CLAIMS {
            let standings = match ledger.look_up(&wanted).await {
                Ok(standings) => standings,
                Err(error) => return invocation.fail_objects(&wanted, &error.to_string()),
            };
            let mut free = Vec::new();
            let mut open: BTreeMap<String, Vec<ObjectRef>> = BTreeMap::new();
            for (object, standing) in wanted.into_iter().zip(standings) {
                match standing {
                    Standing::Free => free.push(object),
                    Standing::Open(group) => open.entry(group).or_default().push(object),
                    Standing::Done => invocation.report.objects_known += 1,
                }
            }
            for (id, objects) in open {
                if !begun.insert(id.clone()) {
                    continue; // it was run just now, and failed with all its members
                }
                match ledger.take_over(&id, lease).await {
                    Ok(Some(group)) => self.run(invocation, group).await,
                    Ok(None) => {
                        invocation.fail_objects(&objects, "another invocation is at it; left to the queue");
                    }
                    Err(error) => invocation.fail_objects(&objects, &error.to_string()),
                }
            }
            wanted = Vec::new();
            for members in free.chunks(MAX_MEMBERS) {
                let group = Group::new(members.to_vec());
                match ledger.claim(&group, lease).await {
                    Ok(true) => {
                        begun.insert(group.id.clone());
                        self.run(invocation, group).await;
                    }
                    Ok(false) if attempt < CLAIMS => wanted.extend_from_slice(members),
                    Ok(false) => invocation
                        .fail_objects(members, "others claim it at the same time; left to the queue"),
                    Err(error) => invocation.fail_objects(members, &error.to_string()),
                }
            }
            if wanted.is_empty() {
                return;
            }
        }
    }

    /// Runs a group whose lease is ours, to its end or to a failure of all its members.
    async fn run(&self, invocation: &mut Invocation<'_, L>, group: Group) {
        let (ledger, lease) = (invocation.ledger, invocation.lease);
        let identities: Vec<String> = group.members.iter().map(ObjectRef::identity).collect();
        let remaining = group.remaining();
        let members = remaining.iter().map(|&member| group.members[member].clone()).collect();
        let read = self.pipeline.read(members, &identities, &|_| {}).await;
        let unreadable: Vec<usize> = read.failures().iter().map(|failure| remaining[failure.index]).collect();
        if group.left_out.is_none() {
            match ledger.decide(&group, &unreadable, lease).await {
                Ok(true) => {}
                outcome => {
                    read.discard().await;
                    return invocation.fail_objects(&group.members, &undecided(outcome));
                }
            }
        } else if let Some(failure) = read.failures().first() {
            let reason = format!("a member of its group cannot be read any more: {}", failure.reason);
            read.discard().await;
            invocation.fail_objects(&group.members, &reason);
            return invocation.let_go(&group).await;
        }
        let mut report = self.pipeline.publish(read).await;
        let failures = std::mem::take(&mut report.failures);
        invocation.report.merge(report);
        for failure in &failures {
            let object = &group.members[remaining[failure.index]];
            invocation.fail_member(object, &failure.reason, failure.partial);
        }
        if unreadable.len() == group.members.len() {
            return; // the group is gone
        }
        let Some(torn) = failures.iter().find(|failure| failure.partial) else {
            if let Err(error) = ledger.finish(&group).await {
                // The rows are there; the next delivery runs the group again, which changes nothing, and tries again.
                invocation.fail_objects(&group.members, &error.to_string());
            }
            return;
        };
        invocation.fail_objects(&group.members, &format!("its group is not whole: {}", torn.reason));
        invocation.let_go(&group).await;
    }
}

fn undecided(outcome: Result<bool, LedgerError>) -> String {
    match outcome {
        Ok(_) => "another invocation has taken its group over; left to the queue".to_owned(),
        Err(error) => error.to_string(),
    }
}

impl<L: Ledger> Invocation<'_, L> {
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
        // A member of an earlier invocation's group may not have been named this time.
        let places = self.places.get(&object.identity()).cloned().unwrap_or_default();
        self.fail(&places, reason, partial);
    }

    async fn let_go(&mut self, group: &Group) {
        // If this fails, the next delivery waits for the lease's end.
        let _ = self.ledger.release(group, self.lease).await;
    }
}
