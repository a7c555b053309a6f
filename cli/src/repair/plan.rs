//! What is amiss between the lake and the catalogue, of one table at a time.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Serialize;
use shared::catalog::{self, FoundPartition};
use shared::layout::{self, Partition};
use shared::store;
use shared::table::{Standing, TableDefinition};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// `SOURCE@version`
    pub(crate) table: String,
    /// What it is.
    pub(crate) what: What,
}

/// See [`Finding`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// The table lacks columns or members of the definition.
    TableBehind {
        /// Its full name.
        name: String,
        /// What it lacks, as dotted paths.
        lacking: Vec<String>,
    },
    /// Somebody has changed the table, or it is another one.
    TableForeign {
        /// Its full name.
        name: String,
        /// Where it parts from the definition.
        difference: String,
    },
    /// Partitions have fewer columns than the definition.
    PartitionsBehind(Vec<Partition>),
    /// A partition is in the lake and not in the catalogue.
    Unregistered(Partition, String),
    /// Objects lie where no partition of the table can be.
    NoPartition(String),
    /// The catalogue has a partition at another place than the lake.
    Elsewhere(FoundPartition),
    /// The catalogue has a partition, and the lake no object in it.
    Empty(FoundPartition),
}

/// A finding as it is shown.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Line {
    pub(super) table: String,
    pub(super) what: &'static str,
    #[serde(rename = "where")]
    pub(super) place: String,
    pub(super) detail: String,
    /// What was done, or what would be.
    pub(super) outcome: &'static str,
    pub(super) mended: bool,
}

impl Finding {
    /// The finding as it is shown.
    pub(super) fn line(&self, mended: bool, remove_empty: bool) -> Line {
        let left = "left to you";
        let (what, place, detail, act, acted) = match &self.what {
            What::TableBehind { name, lacking } => (
                "table behind",
                name.clone(),
                format!("lacks {}", lacking.join(", ")),
                "brought up",
                "brought up",
            ),
            What::TableForeign { name, difference } => {
                ("table changed by somebody", name.clone(), difference.clone(), left, left)
            }
            What::PartitionsBehind(partitions) => (
                "partitions behind",
                format!("{} partitions", partitions.len()),
                "have fewer columns than the definition".to_owned(),
                "brought up",
                "brought up",
            ),
            What::Unregistered(_, prefix) => {
                ("not in the catalogue", prefix.clone(), String::new(), "registered", "registered")
            }
            What::NoPartition(prefix) => {
                let detail = "no partition of this table has such a key".to_owned();
                ("not a partition", prefix.clone(), detail, left, left)
            }
            What::Elsewhere(found) => {
                let detail = format!(
                    "{} is registered for other values or outside the lake",
                    found.partition.values().join(", ")
                );
                ("registered elsewhere", found.prefix.clone(), detail, left, left)
            }
            What::Empty(found) => {
                let act = if remove_empty { "removed" } else { "left; --remove-empty removes it" };
                ("holds no object", found.prefix.clone(), String::new(), act, act)
            }
        };
        let outcome = if mended { acted } else { act };
        Line { table: self.table.clone(), what, place, detail, outcome, mended }
    }
}

/// What is amiss with a table, in the order in which it is to be mended.
///
/// # Errors
/// If the lake or the catalogue cannot be read.
pub(crate) async fn plan<S: store::Upkeep, C: catalog::Upkeep>(
    store: &S,
    bucket: &str,
    catalog: &C,
    table: &'static TableDefinition,
) -> anyhow::Result<Vec<Finding>> {
    let in_lake = prefixes(store, bucket, table).await?;
    let found = catalog.table(table).await?;
    let registered = match &found {
        Some(_) => catalog.partitions(table).await?,
        None => Vec::new(),
    };
    let standing = found.map(|found| (found.name, found.standing));
    let findings = compare(table, &in_lake, standing, registered).into_iter();
    Ok(findings.map(|what| Finding { table: table.id(), what }).collect())
}

/// The key prefixes of a table's partitions that hold an object.
async fn prefixes<S: store::Upkeep>(
    store: &S,
    bucket: &str,
    table: &TableDefinition,
) -> anyhow::Result<Vec<String>> {
    // Region, account, day: three levels of folders. One call each, instead of a listing of every object.
    let mut level = vec![layout::table_prefix(table)];
    for _ in 0..3 {
        let mut below = Vec::new();
        for prefix in &level {
            let folders = store.folders(bucket, prefix).await;
            below.extend(folders.with_context(|| format!("cannot list {bucket}/{prefix}"))?);
        }
        level = below;
    }
    Ok(level)
}

/// Holds what is in the lake against what the catalogue says.
fn compare(
    table: &TableDefinition,
    in_lake: &[String],
    standing: Option<(String, Standing)>,
    registered: Vec<FoundPartition>,
) -> Vec<What> {
    let mut findings = Vec::new();
    if let Some((name, standing)) = standing {
        match standing {
            Standing::Same => {}
            Standing::Behind(lacking) => findings.push(What::TableBehind { name, lacking }),
            Standing::Foreign(difference) => {
                // Nothing of it may be touched, so the rest is not to be told of.
                return vec![What::TableForeign { name, difference }];
            }
        }
    }
    let behind: Vec<Partition> =
        registered.iter().filter(|found| found.is_behind).map(|found| found.partition.clone()).collect();
    if !behind.is_empty() {
        findings.push(What::PartitionsBehind(behind));
    }
    let mut known: BTreeMap<String, FoundPartition> = BTreeMap::new();
    let mut elsewhere = Vec::new();
    for found in registered {
        if layout::partition_prefix(table, &found.partition) == found.prefix {
            known.insert(found.prefix.clone(), found);
        } else {
            elsewhere.push(What::Elsewhere(found));
        }
    }
    for prefix in in_lake {
        if known.remove(prefix).is_some() {
            continue;
        }
        findings.push(match layout::partition_of(table, prefix) {
            Some(partition) => What::Unregistered(partition, prefix.clone()),
            None => What::NoPartition(prefix.clone()),
        });
    }
    findings.extend(elsewhere);
    // What is left of the known ones is not in the lake.
    findings.extend(known.into_values().map(What::Empty));
    findings
}

#[cfg(test)]
mod tests {
    use shared::table::definitions::VPC_FLOW_2_0 as TABLE;

    use super::*;

    fn partition(day: &str) -> Partition {
        Partition { region: "us-east-1".into(), account: "111122223333".into(), day: day.into() }
    }

    fn found(day: &str) -> FoundPartition {
        let partition = partition(day);
        FoundPartition { prefix: layout::partition_prefix(&TABLE, &partition), partition, is_behind: false }
    }

    fn same() -> Option<(String, Standing)> {
        Some(("t".to_owned(), Standing::Same))
    }

    #[test]
    fn what_the_two_have_in_common_is_no_finding() {
        assert!(compare(&TABLE, &[found("20260314").prefix], same(), vec![found("20260314")]).is_empty());
        assert!(compare(&TABLE, &[], None, Vec::new()).is_empty());
    }

    #[test]
    fn what_only_one_of_them_has() {
        let (a, b) = (found("20260314"), found("20260315"));
        let stray = "aws/VPC_FLOW/2.0/region=us-east-1/accountId=1/day=3/".to_owned();
        let moved = FoundPartition { prefix: "s3://elsewhere/x/".into(), ..found("20260316") };
        let findings =
            compare(&TABLE, &[a.prefix.clone(), stray.clone()], same(), vec![b.clone(), moved.clone()]);
        let expected = [
            What::Unregistered(a.partition, a.prefix),
            What::NoPartition(stray),
            What::Elsewhere(moved),
            What::Empty(b),
        ];
        assert_eq!(findings, expected);
    }

    #[test]
    fn a_table_of_somebody_s_own_is_told_of_alone() {
        let foreign = Some(("t".to_owned(), Standing::Foreign("column x".into())));
        let findings = compare(&TABLE, &[found("20260314").prefix], foreign, Vec::new());
        assert_eq!(findings, [What::TableForeign { name: "t".into(), difference: "column x".into() }]);
    }

    #[test]
    fn what_is_behind() {
        let behind = Some(("t".to_owned(), Standing::Behind(vec!["x".into()])));
        let old = FoundPartition { is_behind: true, ..found("20260314") };
        let findings = compare(&TABLE, std::slice::from_ref(&old.prefix), behind, vec![old.clone()]);
        let table = What::TableBehind { name: "t".into(), lacking: vec!["x".into()] };
        assert_eq!(findings, [table, What::PartitionsBehind(vec![old.partition])]);
    }
}
