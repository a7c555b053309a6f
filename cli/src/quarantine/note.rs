//! The note of a retry that is about to make rows visible: `state/retry.json`.
//!
//! The names of a retry's Parquet objects derive from the quarantine's file and its content, so a retry that was
//! killed leaves each row once if it is repeated with the same records. The note says which these were. It is
//! taken back when the file of the quarantine has been replaced.

use anyhow::{Context as _, bail};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use shared::ledger::folder::FolderState;
use shared::notification::ObjectRef;
use shared::store::{Condition, StoreError, Upkeep};

use super::{Shelf, lease};

/// Where it is in the lake.
const KEY: &str = "state/retry.json";

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

impl Note {
    /// The note that is there.
    ///
    /// # Errors
    /// If there is one and it cannot be read.
    pub(super) fn read<S: Upkeep>(shelf: &Shelf<S>) -> anyhow::Result<Option<Self>> {
        let Some(bytes) = lease::bytes(shelf, KEY)? else { return Ok(None) };
        let note = serde_json::from_slice(&bytes)
            .with_context(|| format!("{KEY} is of an interrupted retry and cannot be read"))?;
        Ok(Some(note))
    }

    /// Writes it, where there is none or this very one.
    ///
    /// # Errors
    /// If that fails; no row may become visible then.
    pub(super) fn write<S: Upkeep>(&self, shelf: &Shelf<S>) -> anyhow::Result<()> {
        let bytes = Bytes::from(serde_json::to_vec(self)?);
        match shelf.runtime.block_on(shelf.store.put(&shelf.bucket, KEY, bytes, &Condition::Absent)) {
            Ok(_) => Ok(()),
            // The retry that is being finished has noted it.
            Err(StoreError::Conflict { .. }) if Self::read(shelf)?.as_ref() == Some(self) => Ok(()),
            Err(StoreError::Conflict { .. }) => {
                bail!("another retry has begun on this lake; this one has stopped")
            }
            Err(error) => Err(error).with_context(|| format!("cannot write {KEY}")),
        }
    }

    /// Takes the note back.
    ///
    /// # Errors
    /// If that fails.
    pub(super) fn remove<S: Upkeep>(shelf: &Shelf<S>) -> anyhow::Result<()> {
        let object = ObjectRef::new(&shelf.bucket, KEY);
        let removed = shelf.runtime.block_on(shelf.store.remove(&object));
        removed.with_context(|| format!("cannot remove {KEY}"))
    }
}

/// Refuses to go on while a retry is unfinished: an ingest could write to the same file of the quarantine.
///
/// # Errors
/// If there is such a retry.
pub(crate) fn refuse_interrupted(state: &FolderState) -> anyhow::Result<()> {
    if state.path().join("retry.json").exists() {
        bail!("a retry of the quarantine was interrupted; run `lake quarantine retry` on this lake first");
    }
    Ok(())
}
