//! Entries that stand in several files of the quarantine.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};
use shared::quarantine::Entry;
use shared::store::Upkeep;

use crate::quarantine::{QuarantineFile, Shelf};

/// The index of the last file that each entry stands in.
pub(super) fn last_of_each<S: Upkeep>(
    shelf: &Shelf<S>,
    files: &[QuarantineFile],
) -> anyhow::Result<HashMap<[u8; 16], usize>> {
    let mut last = HashMap::new();
    for (index, file) in files.iter().enumerate() {
        shelf.each_entry(file, |_, _, entry| {
            last.insert(fingerprint(&entry), index);
            Ok(())
        })?;
    }
    Ok(last)
}

/// The raw object and the record, whatever was decided about it, in 16 bytes.
pub(super) fn fingerprint(entry: &Entry<'_>) -> [u8; 16] {
    let mut hash = Sha256::new();
    let raw = entry.raw().unwrap_or_default();
    let version = entry.version.as_deref().unwrap_or_default();
    for text in [entry.bucket.as_bytes(), entry.key.as_bytes(), version.as_bytes(), &raw] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.update(entry.record.to_le_bytes());
    hash.update(entry.offset.to_le_bytes());
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&hash.finalize()[..16]);
    fingerprint
}
