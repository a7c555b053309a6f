//! One group, from its claim to its end: read, decided, made visible, done.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use tracing::warn;

use super::work::Work;
use super::{Intake, LOST_RUNS};
use crate::catalog::Catalog;
use crate::cost;
use crate::ledger::{Group, Ledger, LedgerError};
use crate::notification::ObjectRef;
use crate::pipeline::{Pipeline, Read};
use crate::store::Store;

impl<S: Store, C: Catalog, L: Ledger> Intake<S, C, L> {
    /// Goes on with a group that was taken over. The answer are members that are free by now, to be claimed.
    pub(super) async fn go_on(&self, ledger: &L, work: &mut Work<'_>, group: Group) -> Vec<ObjectRef> {
        if !work.has_time_for(&group.members) {
            let runs = group.runs.saturating_sub(1); // this was none
            work.let_go(ledger, &group, runs).await;
            return Vec::new();
        }
        if group.runs > LOST_RUNS {
            if group.left_out.is_none() && group.members.len() > 1 {
                return self.dissolve(ledger, work, group).await;
            }
            let reason = format!(
                "its last {LOST_RUNS} runs have not come to an end, so this time it is passed over; give the function more \
                 memory, or report it as a bug"
            );
            work.fail_objects(&group.members, &reason);
            work.let_go(ledger, &group, 0).await;
            return Vec::new();
        }
        self.run(ledger, work, group).await
    }

    /// Frees the members of an undecided group, to be ingested one by one.
    async fn dissolve(&self, ledger: &L, work: &mut Work<'_>, group: Group) -> Vec<ObjectRef> {
        let members = group.members.len();
        warn!(group = group.id, members, "one of this group ends its runs; they are ingested one by one");
        let all: Vec<usize> = (0..group.members.len()).collect();
        work.report.requests.ledger_writes += cost::decide(all.len(), all.len());
        match ledger.decide(&group, &all, &[], work.lease).await {
            Ok(true) => {
                work.alone.extend(group.members.iter().map(ObjectRef::identity));
                group.members
            }
            held => {
                work.fail_objects(&group.members, &undecided(held));
                Vec::new()
            }
        }
    }

    /// Runs a group whose lease is ours, to its end or to a failure of all its members. The answer are members that are
    /// free by now, to be claimed.
    pub(super) async fn run(&self, ledger: &L, work: &mut Work<'_>, group: Group) -> Vec<ObjectRef> {
        let started = work.begin();
        work.may_be_decided = group.left_out.is_some();
        let mut free = Vec::new();
        let run = AssertUnwindSafe(Box::pin(self.run_as_begun(ledger, work, &group))).catch_unwind();
        match run.await {
            Ok(Ok(())) => {}
            Ok(Err(stopped)) => {
                if let Some(reason) = &stopped.reason {
                    work.fail_objects(&group.members, reason);
                }
                if stopped.lets_go {
                    work.let_go(ledger, &group, 0).await;
                }
            }
            Err(_panic) if !work.may_be_decided && group.members.len() > 1 => {
                work.report.panics += 1;
                free = self.dissolve(ledger, work, group.clone()).await;
            }
            Err(_panic) => {
                // Wherever it was: whoever runs the group again completes what this run may have completed.
                work.group_panicked(&group.members);
                work.let_go(ledger, &group, group.runs).await;
            }
        }
        work.end(&group.members, started);
        free
    }

    async fn run_as_begun(&self, ledger: &L, work: &mut Work<'_>, group: &Group) -> Result<(), Stopped> {
        let as_begun = group.settings.as_ref().map(|settings| self.pipeline.as_begun(settings)).transpose();
        match as_begun.map_err(|unknown| Stopped::letting_go(&unknown))? {
            None => self.run_with(&self.pipeline, ledger, work, group).await,
            Some(pipeline) => self.run_with(&pipeline, ledger, work, group).await,
        }
    }

    async fn run_with(
        &self,
        pipeline: &Pipeline<S, C>,
        ledger: &L,
        work: &mut Work<'_>,
        begun: &Group,
    ) -> Result<(), Stopped> {
        let Some((group, read)) = self.decided(pipeline, ledger, work, begun.clone()).await? else {
            return Ok(()); // nobody is left
        };
        let outputs = read.output_keys();
        let stale: Vec<&String> = group.outputs.iter().filter(|key| !outputs.contains(key)).collect();
        let mut report = pipeline.publish(read).await;
        let failures = std::mem::take(&mut report.failures);
        let arrivals = report.arrivals.clone();
        work.report.merge(report);
        let remaining = group.remaining();
        for failure in &failures {
            work.fail_member(&group.members[remaining[failure.index]], &failure.reason, failure.partial);
        }
        if let Some(torn) = failures.first() {
            return Err(Stopped::letting_go(&format!("its group is not whole: {}", torn.reason)));
        }
        // Another version of the code, or a member that has left since, named them; their rows are elsewhere now.
        for key in stale {
            let failed = |error| format!("its group is not whole: {key} of an earlier run stays: {error}");
            pipeline.remove_output(key).await.map_err(|error| Stopped::letting_go(&failed(error)))?;
        }
        let accounts: BTreeSet<&str> = arrivals.keys().map(|origin| origin.account.as_str()).collect();
        work.report.requests.ledger_writes += accounts.len() as u64 + cost::group_units(group.members.len());
        if let Err(error) = ledger.note(&arrivals, work.deadline.now()).await
            && !std::mem::replace(&mut work.not_noted, true)
        {
            warn!(%error, "what was last seen is not up to date; nothing else is amiss");
        }
        // If this fails, the rows are there; the next delivery runs the group again, which changes nothing, and tries again.
        ledger.finish(&group).await.map_err(|error| Stopped::holding(&error))?;
        work.settle(remaining.iter().map(|&member| &group.members[member]));
        Ok(())
    }

    /// Reads the members until it is settled who of them remains, and what outputs are about to be completed. Then
    /// both are written down. `None` if no member remains.
    async fn decided<'p>(
        &self,
        pipeline: &'p Pipeline<S, C>,
        ledger: &L,
        work: &mut Work<'_>,
        mut group: Group,
    ) -> Result<Option<(Group, Read<'p, S>)>, Stopped> {
        let lease = work.lease;
        let identities: Vec<String> = group.members.iter().map(ObjectRef::identity).collect();
        let mut progress: &(dyn Fn(u64) + Sync) = &self.progress.0;
        group.left_out.iter_mut().for_each(|left_out| left_out.sort_unstable());
        loop {
            let started = work.deadline.now();
            let remaining = group.remaining();
            let members = remaining.iter().map(|&member| group.members[member].clone()).collect();
            let read = pipeline.read(members, &identities, progress, work.deadline).await;
            progress = &|_| {}; // who is read again has been told before
            let is_decided = group.left_out.is_some();
            if let (true, Some(failure), false) = (is_decided, read.failures().first(), ledger.is_exclusive())
            {
                let reason = format!("a member of its group cannot be read any more: {}", failure.reason);
                work.report.merge(read.discard().await);
                return Err(Stopped::letting_go(&reason));
            }
            if is_decided && !read.left().is_empty() {
                work.report.merge(read.discard().await);
                return Err(Stopped::out_of_time());
            }
            let leaving =
                read.failures().iter().map(|failure| failure.index).chain(read.left().iter().copied());
            let leaving = leaving.map(|index| remaining[index]);
            let mut left_out: Vec<usize> = group.left_out.iter().flatten().copied().chain(leaving).collect();
            left_out.sort_unstable();
            let is_gone = left_out.len() == group.members.len();
            let is_settled = read.is_undisturbed() && !is_gone;
            let outputs = if is_settled { read.output_keys() } else { Vec::new() };
            let noted: BTreeSet<&String> = group.outputs.iter().chain(&outputs).collect();
            let noted: Vec<String> = noted.into_iter().cloned().collect();
            if is_gone {
                self.withdraw(pipeline, &group).await?;
            }
            work.report.requests.ledger_writes += cost::decide(group.members.len(), left_out.len());
            work.may_be_decided = true;
            let held = match &group.left_out {
                Some(before) if *before == left_out && noted == group.outputs => Ok(true),
                Some(before) if *before == left_out => ledger.note_outputs(&group, &noted, lease).await,
                _ => ledger.decide(&group, &left_out, &noted, lease).await,
            };
            if held != Ok(true) {
                work.report.merge(read.discard().await);
                return Err(Stopped::holding(&undecided(held)));
            }
            work.tell_who_leaves(&group, &remaining, &read);
            // The names from before are kept: what they name and this run does not is removed.
            (group.left_out, group.outputs) = (Some(left_out), noted);
            if is_settled {
                return Ok(Some((group, read)));
            }
            let took = work.deadline.now().saturating_sub(started);
            work.report.merge(read.discard().await);
            if is_gone {
                return Ok(None);
            }
            // Where the buffer runs full depends on all that was read, so the outputs may have been cut in another
            // way than a later run cuts them, which does not read those that have left. So the others are read again.
            if !work.deadline.has(took) {
                work.let_go(ledger, &group, 0).await;
                return Ok(None);
            }
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
    /// `None` for lack of time: then its members are left to the queue, and have not failed.
    reason: Option<String>,
    /// True if the lease is given back: the next delivery may try at once.
    lets_go: bool,
}

impl Stopped {
    fn letting_go(reason: &impl ToString) -> Self {
        Self { reason: Some(reason.to_string()), lets_go: true }
    }

    fn holding(reason: &impl ToString) -> Self {
        Self { reason: Some(reason.to_string()), lets_go: false }
    }

    fn out_of_time() -> Self {
        Self { reason: None, lets_go: true }
    }
}

fn undecided(outcome: Result<bool, LedgerError>) -> String {
    match outcome {
        Ok(_) => "another invocation has taken its group over; left to the queue".to_owned(),
        Err(error) => error.to_string(),
    }
}
