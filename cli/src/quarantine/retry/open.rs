//! Files of the quarantine whose group is not done.

use std::collections::BTreeSet;

use anyhow::anyhow;
use shared::ledger::dynamodb::DynamoLedger;
use shared::store::Upkeep;

use crate::deployment::Deployment;
use crate::quarantine::{Filter, QuarantineFile, Shelf};

/// How many entries of a file are wanted, if a group that has written some of its entries is open. A group that is done
/// stays so, and one that the ledger does not know (any more) has no messages left that could run it again.
///
/// # Errors
/// If the file or the ledger cannot be read.
pub(super) fn entries_of_open_group<S: Upkeep>(
    shelf: &Shelf<S>,
    file: &QuarantineFile,
    deployment: &Deployment,
    filter: &Filter,
) -> anyhow::Result<Option<u64>> {
    let (mut groups, mut entries) = (BTreeSet::new(), 0);
    shelf.each_entry(file, |_, _, entry| {
        entries += u64::from(filter.takes_reason(&entry.reason));
        if let Some(group) = &entry.group
            && !groups.contains(&**group)
        {
            groups.insert(group.to_string());
        }
        Ok(())
    })?;
    let of_file = |source: &&crate::deployment::DeployedSource| source.name == file.function;
    let Some(source) = deployment.sources.iter().find(of_file) else {
        return Ok(None); // switched off: nothing runs a group of it
    };
    let ledger = DynamoLedger::connect(&deployment.clients.settings, &source.ledger);
    for group in groups {
        let open = shelf.runtime.block_on(ledger.open_group(&group)).map_err(|error| {
            anyhow!("{error}; your credentials need dynamodb:BatchGetItem on the table {}", source.ledger)
        })?;
        if open.is_some() {
            return Ok(Some(entries));
        }
    }
    Ok(None)
}
