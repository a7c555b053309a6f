//! One step of a retry: records of one file, which go to the same tables.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};
use shared::catalog::Catalog;
use shared::layout::Codec;
use shared::pipeline::{Pipeline, Retried, Settings};
use shared::quarantine::Entry;
use shared::store::Upkeep;
use shared::table::TableDefinition;

use super::Run;
use crate::quarantine::QuarantineFile;
use crate::quarantine::note::Note;
use crate::quarantine::rewrite::Rewrite;
use crate::sources;

/// Records of one file that go to the same tables.
pub(super) struct Step<'a> {
    pub(super) file: &'a QuarantineFile,
    pub(super) lines: BTreeSet<u64>,
    pub(super) tables: Vec<&'static TableDefinition>,
    pub(super) region: &'a str,
    pub(super) codec: &'a str,
}

impl<S: Upkeep + Clone, C: Catalog> Run<'_, S, C> {
    /// Tries records and replaces their file by what stays.
    pub(super) fn step(&mut self, step: &Step<'_>) -> anyhow::Result<()> {
        let Step { file, lines, tables, region, codec } = step;
        let names: Vec<String> = tables.iter().map(|table| table.id()).collect();
        self.renew()?;
        let sha256 = self.shelf.sha256(file)?;
        let index = sources::index(&file.function).context("no source has this name")?;
        let pipeline = Pipeline::new(
            sources::ALL[index](),
            tables.clone(),
            self.shelf.store.clone(),
            (self.catalog)(region),
            settings(&self.shelf.bucket, region, codec)?,
        )?;
        let mut retry = pipeline.retry(format!("{}#{sha256}#{}", file.object.key, names.join(",")))?;
        let mut rewrite = if self.args.dry_run { None } else { Some(Rewrite::new(self.shelf, file)?) };
        let (mut changed, mut landed) = (false, 0_u64);
        let mut outcome = self.outcome.clone();
        self.shelf
            .each_line(file, |line, text| {
                let mut keep = |lines: &[u8]| rewrite.as_mut().map_or(Ok(()), |rewrite| rewrite.keep(lines));
                if !lines.contains(&line) {
                    return Ok(keep(text.as_bytes())?);
                }
                let entry: Entry<'_> = serde_json::from_str(text).with_context(|| format!("line {line}"))?;
                outcome.tried += 1;
                let retried = match self.args.dry_run {
                    true => retry.check(&entry),
                    false => self.shelf.runtime.block_on(retry.entry(&entry)),
                };
                match retried {
                    Retried::Landed => {
                        outcome.landed += 1;
                        landed += 1;
                        changed = true;
                    }
                    Retried::Skipped(reason) => {
                        outcome.skip(reason);
                        changed = true;
                    }
                    Retried::Stays { reason, entries, rows } => {
                        outcome.stay(&reason);
                        landed += u64::from(rows);
                        let lines = entries.as_deref().unwrap_or(text.as_bytes());
                        changed |= lines != text.as_bytes();
                        keep(lines)?;
                    }
                    Retried::NotAlone => {
                        outcome.not_alone(&entry.reason);
                        keep(text.as_bytes())?;
                    }
                    Retried::Cut => {
                        outcome.cut(&entry.reason);
                        keep(text.as_bytes())?;
                    }
                }
                Ok(())
            })
            .with_context(|| format!("cannot read {} again", file.object))?;
        self.outcome = outcome;
        let Some(rewrite) = rewrite.filter(|_| changed) else { return Ok(()) };
        self.renew()?;
        if landed > 0 {
            let note = Note {
                function: file.function.clone(),
                file: file.name.clone(),
                sha256,
                lines: lines.iter().copied().collect(),
                tables: names,
                region: (*region).to_owned(),
                codec: (*codec).to_owned(),
            };
            note.write(self.shelf)?;
            let report = self.shelf.runtime.block_on(retry.publish());
            if let Some(failure) = report.failures.first() {
                bail!("{}; make the lake writable and run this again", failure.reason);
            }
            self.outcome.add(&report);
        }
        rewrite.commit()?;
        if landed > 0 { Note::remove(self.shelf) } else { Ok(()) }
    }
}

fn settings(bucket: &str, region: &str, codec: &str) -> anyhow::Result<Settings> {
    Ok(Settings {
        codec: Codec::parse(codec).context("unknown codec in the note of an interrupted retry")?,
        region: Some(region.to_owned()),
        ..Settings::new(bucket)
    })
}
