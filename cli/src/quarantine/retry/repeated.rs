//! What has to be known of all files before the first of them is touched: which entries stand in several, and which groups
//! they were read with.

use std::collections::{BTreeSet, HashMap};

use sha2::{Digest as _, Sha256};
use shared::quarantine::Entry;
use shared::store::Upkeep;

use crate::quarantine::{Filter, QuarantineFile, Shelf};

/// How the entries of a function stand, all files seen together.
#[derive(Debug)]
pub(super) struct Stand {
    /// The index of the last file that each entry stands in, by its fingerprint.
    pub(super) last: HashMap<[u8; 16], usize>,
    /// What may not be settled yet, by file.
    pub(super) unsettled: Vec<Unsettled>,
}

/// The groups that entries of a file were read with.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    /// Their ids.
    pub(super) groups: BTreeSet<String>,
    /// Entries that are wanted.
    pub(super) wanted: u64,
}

impl Stand {
    /// Reads every entry of the files.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(super) fn of<S: Upkeep>(
        shelf: &Shelf<S>,
        files: &[QuarantineFile],
        filter: &Filter,
    ) -> anyhow::Result<Self> {
        let (mut last, mut unsettled) = (HashMap::new(), Vec::new());
        for (index, file) in files.iter().enumerate() {
            let mut of_file = Unsettled::default();
            shelf.each_entry(file, |_, _, entry| {
                last.insert(fingerprint(&entry), index);
                of_file.wanted += u64::from(filter.takes_reason(&entry.reason));
                if let Some(group) = &entry.group
                    && !of_file.groups.contains(&**group)
                {
                    of_file.groups.insert(group.to_string());
                }
                Ok(())
            })?;
            unsettled.push(of_file);
        }
        Ok(Self { last, unsettled })
    }
}

/// The raw object, the record and the tables that it is missing from, whatever was decided about it, in 16 bytes.
pub(super) fn fingerprint(entry: &Entry<'_>) -> [u8; 16] {
    let mut hash = Sha256::new();
    let raw = entry.raw().unwrap_or_default();
    let version = entry.version.as_deref().unwrap_or_default();
    for text in [entry.bucket.as_bytes(), entry.key.as_bytes(), version.as_bytes(), &raw] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    for table in entry.tables.iter().flatten() {
        hash.update((table.len() as u64).to_le_bytes());
        hash.update(table.as_bytes());
    }
    hash.update(entry.record.to_le_bytes());
    hash.update(entry.offset.to_le_bytes());
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(&hash.finalize()[..16]);
    fingerprint
}
