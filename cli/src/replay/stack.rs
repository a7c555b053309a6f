//! A replay on a deployment: list, look up, announce.
//!
//! It goes page by page, so memory does not follow the number of objects, and what was announced stays announced if it
//! is interrupted. Running it again announces what is not in the lake by then.

mod listing;
mod tally;

use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

use anyhow::bail;
use indicatif::ProgressBar;
use shared::ledger::dynamodb::DynamoLedger;
use shared::ledger::{Ledger as _, Standing, TTL_DAYS};
use shared::notification::{ObjectRef, announce};
use shared::source::{KeyClass, Source};

use self::listing::{Listed, Listing};
use self::tally::Tally;
use super::ReplayArgs;
use crate::deployment::send::{MAX_BYTES, MAX_MESSAGES, Pace, send};
use crate::deployment::{DeployedSource, Deployment, StackName, matches};
use crate::{Usage, clock};

/// Objects of one message at most. One that fails brings back its message, and the others of it are known then.
const MESSAGE_OBJECTS: usize = 10;

/// Stored bytes of one message at most, unless one object alone has more: what a function takes on with a message.
const MESSAGE_OBJECT_BYTES: u64 = 4 << 20;

/// Runs the command.
pub(super) async fn run(
    args: &ReplayArgs,
    name: &StackName,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let deployment = Deployment::find(name).await?;
    let chosen = deployment.chosen(&args.source)?;
    let mut jobs = Vec::new();
    for source in &chosen {
        match prefix(source, args.prefix.as_deref()) {
            Some(prefix) => jobs.push((*source, prefix)),
            // Of several sources, those with such keys are meant.
            None if chosen.len() > 1 => {}
            None => {
                let message = format!("no key of {} begins so: its keys are {}", source.name, source.keys);
                return Err(Usage(message).into());
            }
        }
    }
    if jobs.is_empty() {
        return Err(Usage("no source has keys that begin so".to_owned()).into());
    }
    let mut tallies = Vec::new();
    for (source, prefix) in jobs {
        let mut replay = Replay::new(args, &deployment, source)?;
        let outcome = replay.run(prefix).await;
        replay.bar.finish_and_clear();
        tallies.push(replay.tally);
        if let Err(error) = outcome {
            tally::print(&tallies, args, out)?;
            return Err(error.context("run it again: what is in the lake by then is not announced again"));
        }
    }
    tally::print(&tallies, args, out)?;
    Ok(ExitCode::SUCCESS)
}

/// What to list: the longer of the fixed part of the source's keys and what was asked for. `None` if no key can begin
/// with both.
fn prefix<'a>(source: &'a DeployedSource, wanted: Option<&'a str>) -> Option<&'a str> {
    let (fixed, wanted) = (source.key_prefix(), wanted.unwrap_or_default());
    match (wanted.starts_with(fixed), fixed.starts_with(wanted)) {
        (true, _) => Some(wanted),
        (_, true) => Some(fixed),
        _ => None,
    }
}

/// The replay of one source.
struct Replay<'a> {
    args: &'a ReplayArgs,
    deployment: &'a Deployment,
    deployed: &'a DeployedSource,
    source: Box<dyn Source>,
    ledger: DynamoLedger,
    /// Objects that were written before this, in milliseconds, may be forgotten by the ledger.
    remembered_from: i64,
    pace: Pace,
    bar: ProgressBar,
    tally: Tally,
}

impl<'a> Replay<'a> {
    fn new(
        args: &'a ReplayArgs,
        deployment: &'a Deployment,
        deployed: &'a DeployedSource,
    ) -> anyhow::Result<Self> {
        let Some(source) = deployed.source() else { bail!("the source {} is unknown here", deployed.name) };
        let show = !args.json && io::stderr().is_terminal();
        Ok(Self {
            args,
            deployment,
            deployed,
            source,
            ledger: DynamoLedger::connect(&deployment.clients.settings, &deployed.ledger),
            remembered_from: clock::now() - TTL_DAYS * 86_400_000,
            pace: Pace::new(args.rate),
            bar: if show { ProgressBar::new_spinner() } else { ProgressBar::hidden() },
            tally: Tally::new(deployed),
        })
    }

    async fn run(&mut self, prefix: &str) -> anyhow::Result<()> {
        let clients = &self.deployment.clients;
        let owner = self.deployed.raw_account.as_ref().unwrap_or(&self.deployment.account);
        let mut listing = Listing::new(&clients.s3, &self.deployed.raw_bucket, prefix, owner);
        while let Some(page) = listing.next().await? {
            let (name, tally) = (self.deployed.name, &self.tally);
            self.bar.set_message(format!("{name}: {} listed, {} announced", tally.listed, tally.announced));
            self.bar.tick();
            let logs: Vec<Listed> = page.into_iter().filter(|listed| self.takes(listed)).collect();
            self.page(logs).await?;
        }
        Ok(())
    }

    /// Whether an object is a log of the source in the range. What is not is counted.
    fn takes(&mut self, listed: &Listed) -> bool {
        let key = &listed.object.key;
        self.tally.listed += 1;
        let reason = if !matches(&self.deployed.keys, key) {
            Some("other_keys")
        } else if !self.args.range().has(key, listed.written) {
            Some("out_of_range")
        } else if listed.deleted {
            Some("deleted")
        } else if listed.object.size == Some(0) {
            Some("empty_object")
        } else {
            // A function takes an object whose key says nothing for its source's log.
            match self.source.classify(key) {
                KeyClass::Log(_) | KeyClass::Unknown => None,
                KeyClass::NotALog(reason) => Some(reason),
            }
        };
        if let Some(reason) = reason {
            self.tally.skip(reason);
        }
        reason.is_none()
    }

    /// Announces the logs of a page that are not in the lake.
    async fn page(&mut self, logs: Vec<Listed>) -> anyhow::Result<()> {
        let objects: Vec<ObjectRef> = logs.iter().map(|listed| listed.object.clone()).collect();
        let standings = self.ledger.look_up(&objects).await.map_err(|error| {
            anyhow::anyhow!(
                "{error}; your credentials need dynamodb:BatchGetItem on the table {}",
                self.deployed.ledger
            )
        })?;
        let mut missing = Vec::new();
        for (listed, standing) in logs.into_iter().zip(standings) {
            self.tally.logs += 1;
            match standing {
                Standing::Done => self.tally.known += 1,
                Standing::Free if listed.written < self.remembered_from && !self.args.not_in_lake => {
                    self.tally.forgotten += 1;
                }
                Standing::Free | Standing::Open(_) => {
                    self.tally.take(&listed);
                    missing.push(listed.object);
                }
            }
        }
        if self.args.go { self.announce(&missing).await } else { Ok(()) }
    }

    async fn announce(&mut self, objects: &[ObjectRef]) -> anyhow::Result<()> {
        let most = MESSAGE_OBJECTS.min(usize::try_from(self.args.rate)?);
        let (mut waiting, mut bytes, mut count): (Vec<(String, usize)>, _, _) = (Vec::new(), 0, 0);
        for objects in by_message(objects, most) {
            let body = announce(objects, &self.deployment.region);
            let is_full = waiting.len() == MAX_MESSAGES
                || bytes + body.len() > MAX_BYTES
                || count + objects.len() > usize::try_from(self.args.rate)?;
            if is_full && !waiting.is_empty() {
                self.send(std::mem::take(&mut waiting)).await?;
                (bytes, count) = (0, 0);
            }
            bytes += body.len();
            count += objects.len();
            waiting.push((body, objects.len()));
        }
        if waiting.is_empty() { Ok(()) } else { self.send(waiting).await }
    }

    async fn send(&mut self, messages: Vec<(String, usize)>) -> anyhow::Result<()> {
        self.pace.wait(messages.iter().map(|(_, objects)| objects).sum()).await;
        let bodies: Vec<&str> = messages.iter().map(|(body, _)| body.as_str()).collect();
        let sent = send(&self.deployment.clients.sqs, &self.deployed.queue, &bodies).await?;
        self.tally.announced += sent.taken.iter().map(|&place| messages[place].1 as u64).sum::<u64>();
        match sent.refused {
            Some(reason) => bail!(reason),
            None => Ok(()),
        }
    }
}

/// Cuts objects into messages of at most `most`, and of [`MESSAGE_OBJECT_BYTES`].
fn by_message(objects: &[ObjectRef], most: usize) -> Vec<&[ObjectRef]> {
    let (mut messages, mut first, mut bytes) = (Vec::new(), 0, 0_u64);
    for (index, object) in objects.iter().enumerate() {
        let size = object.size.unwrap_or_default();
        if index > first && (index - first == most || bytes.saturating_add(size) > MESSAGE_OBJECT_BYTES) {
            messages.push(&objects[first..index]);
            (first, bytes) = (index, 0);
        }
        bytes = bytes.saturating_add(size);
    }
    if first < objects.len() {
        messages.push(&objects[first..]);
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_few_objects_and_few_bytes() {
        let object = |size| ObjectRef { size: Some(size), ..ObjectRef::new("raw", "key") };
        let mut objects = vec![object(1); 23];
        objects.insert(3, object(MESSAGE_OBJECT_BYTES + 1));
        let lengths: Vec<usize> = by_message(&objects, 10).into_iter().map(<[ObjectRef]>::len).collect();
        assert_eq!(lengths, [3, 1, 10, 10]);
        assert!(by_message(&[], 10).is_empty());
        assert_eq!(by_message(&objects, 1).len(), 24);
    }
}
