//! Doing what a plan says.

use anyhow::bail;
use shared::catalog::{TablePartition, Upkeep};
use shared::table::TableDefinition;

use super::plan::{Finding, What};

/// Partitions that are registered by one call.
const AT_ONCE: usize = 1000;

/// Mends what can be mended, in the order of the findings, and answers of each whether it was.
///
/// # Errors
/// If the catalogue refuses. What was mended before stays mended, and the same command may be run again.
pub(super) async fn mend<C: Upkeep>(
    catalog: &C,
    table: &'static TableDefinition,
    findings: Vec<Finding>,
    remove_empty: bool,
) -> anyhow::Result<Vec<(Finding, bool)>> {
    let (mut new, mut empty) = (Vec::new(), Vec::new());
    let mut done = Vec::with_capacity(findings.len());
    for finding in findings {
        let mended = match &finding.what {
            What::TableBehind { .. } => {
                catalog.bring_up(table).await?;
                true
            }
            What::PartitionsBehind(partitions) => {
                catalog.bring_up_partitions(table, partitions).await?;
                true
            }
            What::Unregistered(partition, _) => {
                new.push(TablePartition { table, partition: partition.clone() });
                true
            }
            What::Empty(found) if remove_empty => {
                empty.push(found.clone());
                true
            }
            What::Empty(_) | What::TableForeign { .. } | What::NoPartition(_) | What::Elsewhere(_) => false,
        };
        done.push((finding, mended));
    }
    for partitions in new.chunks(AT_ONCE) {
        for outcome in catalog.register(partitions).await {
            if let Err(error) = outcome {
                bail!("{error}; mend that and run this again");
            }
        }
    }
    if !empty.is_empty() {
        catalog.remove(table, &empty).await?;
    }
    Ok(done)
}
