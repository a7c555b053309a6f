//! Groups that are not done.

use std::collections::BTreeSet;

use anyhow::anyhow;
use shared::ledger::dynamodb::DynamoLedger;
use shared::store::Upkeep;

use super::repeated::Unsettled;
use crate::deployment::{DeployedSource, Deployment};
use crate::quarantine::Shelf;

/// Those of the groups that are open, by the ledger of the function. A group that is done stays so, and one that the ledger
/// does not know (any more) has no messages left that could run it again.
///
/// # Errors
/// If the ledger cannot be read.
pub(super) fn groups<S: Upkeep>(
    shelf: &Shelf<S>,
    function: &str,
    deployment: &Deployment,
    unsettled: &[Unsettled],
) -> anyhow::Result<BTreeSet<String>> {
    let mut open = BTreeSet::new();
    let of_function = |source: &&DeployedSource| source.name == function;
    let Some(source) = deployment.sources.iter().find(of_function) else {
        return Ok(open); // switched off: nothing runs a group of it
    };
    let ledger = DynamoLedger::connect(&deployment.clients.settings, &source.ledger);
    let groups: BTreeSet<&String> = unsettled.iter().flat_map(|file| &file.groups).collect();
    for group in groups {
        let found = shelf.runtime.block_on(ledger.open_group(group)).map_err(|error| {
            anyhow!("{error}; your credentials need dynamodb:BatchGetItem on the table {}", source.ledger)
        })?;
        if found.is_some() {
            open.insert(group.clone());
        }
    }
    Ok(open)
}
