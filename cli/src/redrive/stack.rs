//! The dead-letter queues of a deployment.

mod diagnose;
mod give_up;
mod letters;

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;

use self::diagnose::{Diagnosis, Doctor};
use self::letters::{DeadLetter, Letters};
use super::RedriveArgs;
use super::reason::Reason;
use super::summary::{self, Entry, Summary};
use crate::deployment::send::{MAX_BYTES, MAX_MESSAGES, Pace, send};
use crate::deployment::{DeployedSource, Deployment, StackName};

/// Runs the command.
pub(super) async fn run(
    args: &RedriveArgs,
    name: &StackName,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let deployment = Deployment::find(name).await?;
    if let Some(group) = &args.give_up {
        return give_up::run(args, group, &deployment, out).await;
    }
    let mut summaries = Vec::new();
    let mut failure = None;
    for source in deployment.chosen(&args.source)? {
        let mut redrive = Redrive::new(args, &deployment, source)?;
        let outcome = redrive.run().await;
        // What was only looked at is there for others again at once, also if something failed.
        let given_back = redrive.letters.give_back().await;
        summaries.push(redrive.summary);
        failure = outcome.and(given_back).err();
        if failure.is_some() {
            break;
        }
    }
    summary::print(&summaries, args, "dead letters", out)?;
    match failure {
        Some(error) => Err(error.context("run it again: nothing is lost, and what was moved stays moved")),
        None => Ok(ExitCode::SUCCESS),
    }
}

struct Redrive<'a> {
    args: &'a RedriveArgs,
    deployment: &'a Deployment,
    source: &'a DeployedSource,
    letters: Letters<'a>,
    doctor: Doctor<'a>,
    pace: Pace,
    summary: Summary,
}

impl<'a> Redrive<'a> {
    fn new(
        args: &'a RedriveArgs,
        deployment: &'a Deployment,
        source: &'a DeployedSource,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            args,
            deployment,
            source,
            letters: Letters::new(&deployment.clients.sqs, &source.dead_letters, args.hide_seconds),
            doctor: Doctor::new(deployment, source)?,
            pace: Pace::new(args.rate),
            summary: Summary::new(source.name, source.dead_letters.url.clone(), args.entries),
        })
    }

    /// Goes through the queue once.
    async fn run(&mut self) -> anyhow::Result<()> {
        while let Some(letters) = self.letters.receive().await? {
            let mut moving = Vec::new();
            for letter in letters {
                let diagnosis = self.doctor.diagnose(&letter.body).await?;
                *self.summary.reasons.entry(diagnosis.reason).or_default() += 1;
                if self.args.moves(diagnosis.reason) {
                    moving.push((letter, diagnosis));
                } else {
                    self.note(&letter, diagnosis, None);
                    self.letters.keep(letter);
                }
            }
            let (known, ready): (Vec<_>, Vec<_>) =
                moving.into_iter().partition(|(_, diagnosis)| diagnosis.reason == Reason::Known);
            for (letter, diagnosis) in known {
                self.letters.delete(std::slice::from_ref(&letter)).await?;
                self.summary.deleted += 1;
                self.note(&letter, diagnosis, Some("deleted"));
            }
            for batch in by_bytes(ready) {
                self.move_back(batch).await?;
            }
        }
        Ok(())
    }

    /// Sends messages to the queue, then deletes them here. Between the two they are in both: that they are announced
    /// twice is the ledger's to settle, and a message that is in neither would be lost.
    async fn move_back(&mut self, batch: Vec<(DeadLetter, Diagnosis)>) -> anyhow::Result<()> {
        self.pace.wait(batch.len()).await;
        let bodies: Vec<&str> = batch.iter().map(|(letter, _)| letter.body.as_str()).collect();
        let sent = send(&self.deployment.clients.sqs, &self.source.queue, &bodies).await?;
        let (mut gone, mut told) = (Vec::new(), Vec::new());
        for (place, (letter, diagnosis)) in batch.into_iter().enumerate() {
            if sent.taken.contains(&place) {
                told.push(diagnosis);
                gone.push(letter);
            } else {
                self.note(&letter, diagnosis, None);
                self.letters.keep(letter);
            }
        }
        self.letters.delete(&gone).await?;
        self.summary.moved += gone.len() as u64;
        for (letter, diagnosis) in gone.iter().zip(told) {
            self.note(letter, diagnosis, Some("moved"));
        }
        match sent.refused {
            Some(reason) => bail!(reason),
            None => Ok(()),
        }
    }

    fn note(&mut self, letter: &DeadLetter, diagnosis: Diagnosis, done: Option<&'static str>) {
        let entry = Entry {
            id: letter.id.clone(),
            sent: letter.sent.map(shared::time::to_rfc3339),
            reason: diagnosis.reason,
            detail: diagnosis.detail,
            objects: diagnosis.objects,
            delivery_error: letter.delivery_error.clone(),
            done,
        };
        self.summary.note(self.args, entry);
    }
}

/// Batches that one call can send.
fn by_bytes(letters: Vec<(DeadLetter, Diagnosis)>) -> Vec<Vec<(DeadLetter, Diagnosis)>> {
    let (mut batches, mut bytes): (Vec<Vec<_>>, usize) = (Vec::new(), 0);
    for (letter, diagnosis) in letters {
        let length = letter.body.len();
        match batches.last_mut().filter(|batch| batch.len() < MAX_MESSAGES && bytes + length <= MAX_BYTES) {
            Some(batch) => {
                bytes += length;
                batch.push((letter, diagnosis));
            }
            None => {
                bytes = length;
                batches.push(vec![(letter, diagnosis)]);
            }
        }
    }
    batches
}
