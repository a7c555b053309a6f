//! A group that cannot end, given up: what it has in the lake is removed, then its objects are free, so that those that
//! can be read come in afresh.
//!
//! In this order nothing doubles: while the group's lease is held, nobody runs the group, and no object goes into another
//! before all rows are gone. If this is interrupted, the group is there as before, and the same command goes on with it.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use serde::Serialize;
use shared::ledger::dynamodb::DynamoLedger;
use shared::ledger::dynamodb::open::OpenGroup;
use shared::ledger::{Group, Lease, Ledger as _};
use shared::notification::ObjectRef;
use shared::store::Upkeep as _;
use shared::time::to_rfc3339;

use super::diagnose::{Doctor, unread};
use crate::clock;
use crate::deployment::{DeployedSource, Deployment};
use crate::grid::{self, Grid};
use crate::redrive::RedriveArgs;

/// How long the group is held, in milliseconds.
const HOLDS: i64 = 900_000;

/// What of that is left at least when an output is removed. A call that fails is tried again for less than that.
const SPARE: i64 = 300_000;

/// How far this clock may be from the function's, in milliseconds: AWS takes no request that is signed with a worse one. A
/// lease that was given back needs no clock.
const SKEW: i64 = 300_000;

/// What is given up, and what was done. The names of its members are those in the JSON.
#[derive(Debug, Serialize)]
struct GivenUp {
    dry_run: bool,
    /// Name of the source.
    source: &'static str,
    /// Id of the group.
    group: String,
    /// Objects that cannot be read, and why: their rows leave the lake.
    lost: Vec<Lost>,
    /// Objects that can be read, as bucket and key: their rows leave the lake until they are redriven.
    read_afresh: Vec<String>,
    /// Keys of the lake's objects that hold the group's rows and entries of the quarantine.
    outputs: Vec<String>,
    /// True if it was done.
    done: bool,
}

#[derive(Debug, Serialize)]
struct Lost {
    object: String,
    reason: String,
}

/// Runs the command for the group of that id.
///
/// # Errors
/// If there is no such group, it can end, somebody is at work on it, or something cannot be read or changed.
pub(super) async fn run(
    args: &RedriveArgs,
    id: &str,
    deployment: &Deployment,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let (source, ledger, open) = find(args, id, deployment).await?;
    let mut plan = plan(deployment, source, &open).await?;
    if args.go {
        carry_out(deployment, source, &ledger, id).await.context("nothing can double; run it again")?;
        (plan.dry_run, plan.done) = (false, true);
    }
    print(args, &plan, &deployment.stack, out)?;
    Ok(ExitCode::SUCCESS)
}

/// The group, and the source and the ledger that have it.
async fn find<'a>(
    args: &RedriveArgs,
    id: &str,
    deployment: &'a Deployment,
) -> anyhow::Result<(&'a DeployedSource, DynamoLedger, OpenGroup)> {
    for source in deployment.chosen(&args.source)? {
        let ledger = DynamoLedger::connect(&deployment.clients.settings, &source.ledger);
        if let Some(open) = ledger.open_group(id).await.map_err(|error| unread(&error, source))? {
            return Ok((source, ledger, open));
        }
    }
    bail!("no group {id} is open: it is done, or was given up, or `lake redrive --entries` names another")
}

/// What would be done.
async fn plan(deployment: &Deployment, source: &DeployedSource, open: &OpenGroup) -> anyhow::Result<GivenUp> {
    let group = &open.group;
    let mut plan = GivenUp {
        dry_run: true,
        source: source.name,
        group: group.id.clone(),
        lost: Vec::new(),
        read_afresh: Vec::new(),
        outputs: outputs(open)?.to_vec(),
        done: false,
    };
    let doctor = Doctor::new(deployment, source)?;
    for index in group.remaining() {
        let member = &group.members[index];
        let object = format!("{}/{}", member.bucket, member.key);
        match doctor.lacks(member).await? {
            Some(reason) => plan.lost.push(Lost { object, reason: reason.to_owned() }),
            None => plan.read_afresh.push(object),
        }
    }
    if plan.lost.is_empty() {
        bail!(
            "all objects of group {} are there, so it can end: `lake redrive --stack {} --go` sends their messages back",
            group.id,
            deployment.stack
        );
    }
    Ok(plan)
}

/// The keys of all that the group may have in the lake.
fn outputs(open: &OpenGroup) -> anyhow::Result<&[String]> {
    let id = &open.group.id;
    if open.group.left_out.is_none() {
        bail!(
            "group {id} is not decided: nothing of it is in the lake, and objects that cannot be read leave it by themselves \
             when the messages of the others are redriven"
        );
    }
    if !open.names_outputs {
        bail!(
            "group {id} has more outputs than its entry in the ledger could name, so nobody knows what to remove; restore the \
             object that is gone"
        );
    }
    Ok(&open.group.outputs)
}

/// Removes what the group has in the lake, and frees its objects.
async fn carry_out(
    deployment: &Deployment,
    source: &DeployedSource,
    ledger: &DynamoLedger,
    id: &str,
) -> anyhow::Result<()> {
    let now = clock::now();
    let owner = format!("lake-{}@{now}", std::process::id());
    let lease = Lease { owner, now: now.saturating_sub(SKEW), until: now.saturating_add(HOLDS) };
    let refused = |error| {
        let table = &source.ledger;
        anyhow!("{error}; your credentials need dynamodb:UpdateItem and DeleteItem on the table {table}")
    };
    let Some(group) = ledger.take_over(id, &lease).await.map_err(refused)? else {
        let held = ledger.open_group(id).await.map_err(|error| unread(&error, source))?;
        match held {
            Some(held) => bail!(
                "the function is at work on group {id}, or was killed a moment ago; run this again after {}",
                to_rfc3339(held.lease_until.saturating_add(SKEW))
            ),
            None => bail!("group {id} came to its end just now"),
        }
    };
    let cleared = clear(deployment, source, ledger, &lease, &group).await;
    match cleared {
        Ok(()) if ledger.give_up(&group, &lease).await.map_err(refused)? => Ok(()),
        unfinished => {
            // Otherwise it waits until the lease is over.
            let _ = ledger.release(&group, &lease).await;
            unfinished.and_then(|()| bail!("the ledger's entries of group {id} have changed meanwhile"))
        }
    }
}

/// Removes what the group has in the lake.
async fn clear(
    deployment: &Deployment,
    source: &DeployedSource,
    ledger: &DynamoLedger,
    lease: &Lease,
    group: &Group,
) -> anyhow::Result<()> {
    // As it stands under our lease: another run may have named more meanwhile.
    let open = ledger.open_group(&group.id).await.map_err(|error| unread(&error, source))?;
    let open = open.with_context(|| format!("group {} came to its end just now", group.id))?;
    let store = deployment.store();
    for key in outputs(&open)? {
        // Later on the function may run it again and complete what would be removed here.
        if clock::now() > lease.until.saturating_sub(SPARE) {
            bail!("it took too long to remove what group {} has in the lake", group.id);
        }
        let output = ObjectRef::new(&deployment.lake_bucket, key);
        let removed = store.remove(&output).await;
        removed.with_context(|| {
            format!("what the group has written stays; your credentials need s3:DeleteObject on {output}")
        })?;
    }
    Ok(())
}

fn print(args: &RedriveArgs, plan: &GivenUp, stack: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    if args.json {
        serde_json::to_writer(&mut *out, plan)?;
        writeln!(out)?;
        return Ok(());
    }
    let objects = plan.lost.len() + plan.read_afresh.len();
    let count = |count: usize| grid::number(count as u64);
    writeln!(out, "{}: group {} of {} objects", plan.source, plan.group, count(objects))?;
    let mut members = Grid::new(&["", ""]);
    for lost in &plan.lost {
        members.row([lost.reason.clone(), lost.object.clone()]);
    }
    for object in &plan.read_afresh {
        members.row(["is read afresh".to_owned(), object.clone()]);
    }
    for key in &plan.outputs {
        members.row([if plan.done { "removed" } else { "is removed" }.to_owned(), key.clone()]);
    }
    members.print(out, "  ")?;
    if plan.done {
        writeln!(
            out,
            "\nits objects are free; `lake redrive --stack {stack} --go` brings in those that are there"
        )?;
    } else {
        writeln!(
            out,
            "\nnothing was changed; --go removes these {} objects of the lake and frees those of the group",
            count(plan.outputs.len())
        )?;
    }
    Ok(())
}
