//! Objects in, each into the lake once: the pipeline under the protocol of the [ledger](crate::ledger).

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use crate::catalog::Catalog;
use crate::ledger::{Group, Lease, Ledger, LedgerError, Standing};
use crate::notification::ObjectRef;
use crate::pipeline::{Failure, Pipeline, Read, Report};
use crate::store::Store;

/// How often objects are claimed that others claim at the same time.
const CLAIMS: usize = 3;

/// Objects that the store is asked for at the same time what tells their content.
const IDENTIFIED_AT_ONCE: usize = 16;

/// A pipeline and its ledger.
#[derive(Debug)]
pub struct Intake<S, C, L> {
    pipeline: Pipeline<S, C>,
    ledger: Option<L>,
    progress: Progress,
}

/// What is told the stored size of each object that has been dealt with.
struct Progress(Box<dyn Fn(u64) + Send + Sync>);

impl std::fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Progress")
    }
}

/// One invocation.
struct Invocation<'a> {
    lease: &'a Lease,
    /// Places of an object among those that were to be ingested, by its identity.
    places: BTreeMap<String, Vec<usize>>,
    report: Report,
}

impl<S: Store, C: Catalog, L: Ledger> Intake<S, C, L> {
    /// An intake for `pipeline`. Without a ledger objects are ingested as they come, and again when they come again.
    pub fn new(pipeline: Pipeline<S, C>, ledger: Option<L>) -> Self {
        Self { pipeline, ledger, progress: Progress(Box::new(|_| {})) }
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
    /// more than once is read once; one that is in the lake already is not read again and is no failure.
    pub async fn ingest(&self, objects: Vec<ObjectRef>, lease: &Lease) -> Report {
        let (logs, others): (Vec<usize>, Vec<usize>) =
            (0..objects.len()).partition(|&index| self.pipeline.is_log(&objects[index]));
        let mut invocation = Invocation { lease, places: BTreeMap::new(), report: Report::default() };
        if !others.is_empty() {
            let rest = others.iter().map(|&index| objects[index].clone()).collect();
            let report = self.pipeline.ingest(rest, &|_| {}).await;
            invocation.add(report, |index| vec![others[index]]);
        }
        let mut wanted = Vec::new();
        for indexes in logs.chunks(IDENTIFIED_AT_ONCE) {
            let identified = indexes.iter().map(|&index| self.pipeline.identify(&objects[index]));
            for (&index, object) in indexes.iter().zip(join_all(identified).await) {
                match object {
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
        }
        match &self.ledger {
            Some(ledger) => self.ingest_logs(ledger, &mut invocation, wanted).await,
            None => {
                let places: Vec<Vec<usize>> =
                    wanted.iter().map(|object| invocation.places_of(object)).collect();
                let report = self.pipeline.ingest(wanted, &|_| {}).await;
                invocation.add(report, |index| places[index].clone());
            }
        }
        let mut report = invocation.report;
        report.failures.sort_by_key(|failure| failure.index);
        report.failures.dedup_by_key(|failure| failure.index);
        report
    }

    async fn ingest_logs(&self, ledger: &L, invocation: &mut Invocation<'_>, mut wanted: Vec<ObjectRef>) {
        let lease = invocation.lease;
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
                    Ok(Some(group)) => self.run(ledger, invocation, group).await,
                    Ok(None) => {
                        invocation.fail_objects(&objects, "another invocation is at it; left to the queue");
                    }
                    Err(error) => invocation.fail_objects(&objects, &error.to_string()),
                }
            }
            wanted = Vec::new();
            for members in free.chunks(ledger.max_members()) {
                let group = Group::new(members.to_vec(), self.pipeline.output_settings());
                match ledger.claim(&group, lease).await {
                    Ok(true) => {
                        begun.insert(group.id.clone());
                        self.run(ledger, invocation, group).await;
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
    async fn run(&self, ledger: &L, invocation: &mut Invocation<'_>, group: Group) {
        let as_begun = group.settings.as_ref().map(|settings| self.pipeline.as_begun(settings)).transpose();
        let outcome = match as_begun {
            Ok(None) => self.run_with(&self.pipeline, ledger, invocation, &group).await,
            Ok(Some(pipeline)) => self.run_with(&pipeline, ledger, invocation, &group).await,
            Err(unknown) => Err(Stopped::letting_go(&unknown)),
        };
        if let Err(stopped) = outcome {
            invocation.fail_objects(&group.members, &stopped.reason);
            if stopped.lets_go {
                invocation.let_go(ledger, &group).await;
            }
        }
    }

    async fn run_with(
        &self,
        pipeline: &Pipeline<S, C>,
        ledger: &L,
        invocation: &mut Invocation<'_>,
        begun: &Group,
    ) -> Result<(), Stopped> {
        let Some((group, read)) = self.decided(pipeline, ledger, invocation, begun.clone()).await? else {
            return Ok(()); // nobody is left
        };
        let outputs = read.output_keys();
        let stale: Vec<&String> = group.outputs.iter().filter(|key| !outputs.contains(key)).collect();
        let mut report = pipeline.publish(read).await;
        let failures = std::mem::take(&mut report.failures);
        invocation.report.merge(report);
        let remaining = group.remaining();
        for failure in &failures {
            let object = &group.members[remaining[failure.index]];
            invocation.fail_member(object, &failure.reason, failure.partial);
        }
        if let Some(torn) = failures.first() {
            return Err(Stopped::letting_go(&format!("its group is not whole: {}", torn.reason)));
        }
        // Another version of the code, or a member that has left since, named them; their rows are elsewhere now.
        for key in stale {
            let failed = |error| format!("its group is not whole: {key} of an earlier run stays: {error}");
            pipeline.remove_output(key).await.map_err(|error| Stopped::letting_go(&failed(error)))?;
        }
        // If this fails, the rows are there; the next delivery runs the group again, which changes nothing, and tries again.
        ledger.finish(&group).await.map_err(|error| Stopped::holding(&error))
    }

    /// Reads the members until it is settled who of them remains, and what outputs are about to be completed. Then
    /// both are written down. `None` if no member remains.
    async fn decided<'p>(
        &self,
        pipeline: &'p Pipeline<S, C>,
        ledger: &L,
        invocation: &mut Invocation<'_>,
        mut group: Group,
    ) -> Result<Option<(Group, Read<'p, S>)>, Stopped> {
        let lease = invocation.lease;
        let identities: Vec<String> = group.members.iter().map(ObjectRef::identity).collect();
        let mut progress: &(dyn Fn(u64) + Sync) = &self.progress.0;
        loop {
            let remaining = group.remaining();
            let members = remaining.iter().map(|&member| group.members[member].clone()).collect();
            let read = pipeline.read(members, &identities, progress).await;
            progress = &|_| {}; // who is read again has been told before
            let unreadable: Vec<usize> =
                read.failures().iter().map(|failure| remaining[failure.index]).collect();
            if let (Some(_), Some(failure), false) =
                (&group.left_out, read.failures().first(), ledger.is_exclusive())
            {
                let reason = format!("a member of its group cannot be read any more: {}", failure.reason);
                invocation.report.merge(read.discard().await);
                return Err(Stopped::letting_go(&reason));
            }
            let outputs = if unreadable.is_empty() { read.output_keys() } else { Vec::new() };
            let noted: BTreeSet<&String> = group.outputs.iter().chain(&outputs).collect();
            let noted: Vec<String> = noted.into_iter().cloned().collect();
            let left_out = [group.left_out.as_deref().unwrap_or_default(), &unreadable].concat();
            if left_out.len() == group.members.len() {
                self.withdraw(pipeline, &group).await?;
            }
            let held = match &group.left_out {
                Some(_) if unreadable.is_empty() && noted == group.outputs => Ok(true),
                Some(_) if unreadable.is_empty() => ledger.note_outputs(&group, &noted, lease).await,
                _ => ledger.decide(&group, &left_out, &noted, lease).await,
            };
            if held != Ok(true) {
                invocation.report.merge(read.discard().await);
                return Err(Stopped::holding(&undecided(held)));
            }
            if unreadable.is_empty() {
                return Ok(Some((Group { left_out: Some(left_out), ..group }, read)));
            }
            for failure in read.failures() {
                let object = &group.members[remaining[failure.index]];
                invocation.fail_member(object, &failure.reason, failure.partial);
            }
            // Where the buffer runs full depends on all that was read, so the outputs may have been cut in another
            // way than a later run cuts them, which does not read those that have left. So the others are read again.
            invocation.report.merge(read.discard().await);
            if left_out.len() == group.members.len() {
                return Ok(None); // the group is gone
            }
            (group.left_out, group.outputs) = (Some(left_out), noted);
        }
    }

    /// Takes back all that a group may have in the lake, before it is gone.
    async fn withdraw(&self, pipeline: &Pipeline<S, C>, group: &Group) -> Result<(), Stopped> {
        for key in &group.outputs {
            pipeline.remove_output(key).await.map_err(|error| Stopped::letting_go(&error))?;
        }
        Ok(())
    }
}

/// Why a run of a group has not come to its end.
struct Stopped {
    reason: String,
    /// True if the lease is given back: the next delivery may try at once.
    lets_go: bool,
}

impl Stopped {
    fn letting_go(reason: &impl ToString) -> Self {
        Self { reason: reason.to_string(), lets_go: true }
    }

    fn holding(reason: &impl ToString) -> Self {
        Self { reason: reason.to_string(), lets_go: false }
    }
}

fn undecided(outcome: Result<bool, LedgerError>) -> String {
    match outcome {
        Ok(_) => "another invocation has taken its group over; left to the queue".to_owned(),
        Err(error) => error.to_string(),
    }
}

impl Invocation<'_> {
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

    /// None for a member of an earlier invocation's group that was not named this time.
    fn places_of(&self, object: &ObjectRef) -> Vec<usize> {
        self.places.get(&object.identity()).cloned().unwrap_or_default()
    }

    async fn let_go<L: Ledger>(&mut self, ledger: &L, group: &Group) {
        // If this fails, the next delivery waits for the lease's end.
        let _ = ledger.release(group, self.lease).await;
    }
}
