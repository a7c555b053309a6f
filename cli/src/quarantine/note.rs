//! The note of a retry that is about to make rows visible: `state/retry.json`.
//!
//! The names of a retry's Parquet objects derive from the quarantine's file and its content, so a retry that was
//! killed leaves each row once if it is repeated with the same records. The note says which these were. It is
//! taken back when the file of the quarantine has been replaced.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use shared::durable;
use shared::ledger::folder::FolderState;

/// What a retry is about to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Whose records.
    pub(super) function: String,
    /// The file of the quarantine, 32 hex digits.
    pub(super) file: String,
    /// SHA-256 of its bytes.
    pub(super) sha256: String,
    /// The lines that are tried.
    pub(super) lines: Vec<u64>,
    /// The tables that the records go to, as `SOURCE@version`.
    pub(super) tables: Vec<String>,
    /// Region of the lake.
    pub(super) region: String,
    /// `zstd` or `gzip`
    pub(super) codec: String,
}

fn path(state: &FolderState) -> PathBuf {
    state.path().join("retry.json")
}

impl Note {
    /// The note that is there.
    ///
    /// # Errors
    /// If there is one and it cannot be read.
    pub(super) fn read(state: &FolderState) -> anyhow::Result<Option<Self>> {
        let path = path(state);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let note = serde_json::from_slice(&bytes)
            .with_context(|| format!("{} is of an interrupted retry and cannot be read", path.display()))?;
        Ok(Some(note))
    }

    /// Writes it.
    ///
    /// # Errors
    /// If that fails; no row may become visible then.
    pub(super) fn write(&self, state: &FolderState) -> anyhow::Result<()> {
        let path = path(state);
        let write = || durable::replace(&path, &serde_json::to_vec(self)?);
        write().with_context(|| format!("cannot write {}", path.display()))
    }

    /// Takes the note back.
    ///
    /// # Errors
    /// If that fails.
    pub(super) fn remove(state: &FolderState) -> anyhow::Result<()> {
        let path = path(state);
        durable::remove(&path).with_context(|| format!("cannot remove {}", path.display()))
    }
}

/// Refuses to go on while a retry is unfinished: an ingest could write to the same file of the quarantine.
///
/// # Errors
/// If there is such a retry.
pub(crate) fn refuse_interrupted(state: &FolderState) -> anyhow::Result<()> {
    if Note::read(state)?.is_some() {
        bail!("a retry of the quarantine was interrupted; run `lake quarantine retry` on this lake first");
    }
    Ok(())
}
