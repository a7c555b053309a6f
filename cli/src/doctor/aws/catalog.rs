//! Database, tables and partitions in Glue, and who governs them.

use shared::table::{Standing, TableDefinition};

use super::{Checks, DeployedSource, Deployment, Verdict, ask};
use crate::repair::{self, Finding, What};

/// Checks the database.
pub(super) async fn examine_database(deployment: &Deployment, checks: &mut Checks) {
    let database = deployment.database.as_str();
    let asked = deployment.clients.glue.get_database().name(database).send();
    let exists = match ask(&format!("glue:GetDatabase on {database}"), asked).await {
        Ok(_) => {
            checks.add("lake", "database", Verdict::ok(database));
            Some(true)
        }
        Err(error) => {
            let is_absent = error.code == "EntityNotFoundException" || error.is_absent();
            let verdict = if is_absent {
                Verdict::ok(format!("{database} is made with the first rows"))
            } else {
                error.not_checked()
            };
            checks.add("lake", "database", verdict);
            is_absent.then_some(false)
        }
    };
    super::formation::examine(deployment, exists, checks).await;
}

/// Checks the tables of a source and their partitions.
pub(super) async fn examine(deployment: &Deployment, source: &DeployedSource, checks: &mut Checks) {
    let (store, catalog) = (deployment.store(), deployment.catalog());
    let repair = format!("lake repair --stack {} --region {} --go", deployment.stack, deployment.region);
    for table in &source.tables {
        use shared::catalog::Upkeep as _;
        let found = match Box::pin(catalog.table(table)).await {
            Err(error) => {
                checks.add(source.name, "table", unread(error.to_string()));
                continue;
            }
            Ok(found) => found.map(|found| found.standing),
        };
        checks.add(source.name, "table", judge_table(table, found.as_ref(), &repair));
        let findings = Box::pin(repair::plan(&store, &deployment.lake_bucket, &catalog, table)).await;
        let verdict = match findings {
            Err(error) => unread(format!("{error:#}")),
            Ok(findings) => judge_partitions(table, &findings, &repair),
        };
        checks.add(source.name, "partitions", verdict);
    }
}

fn unread(reason: String) -> Verdict {
    Verdict::not_checked(reason, "mend that, then run this again")
}

fn judge_table(table: &TableDefinition, found: Option<&Standing>, repair: &str) -> Verdict {
    let id = table.id();
    match found {
        None => Verdict::ok(format!("{id} is made with its first rows")),
        Some(Standing::Same) => Verdict::ok(id),
        Some(Standing::Behind(lacking)) => Verdict::problem(
            format!("{id} lacks {}: queries do not see what the files hold", lacking.join(", ")),
            repair,
        ),
        Some(Standing::Foreign(difference)) => Verdict::problem(
            format!("{id} was changed by somebody: {difference}"),
            "drop the table if nobody needs it as it is (its objects stay), and run `lake repair`; or undo the change",
        ),
    }
}

fn judge_partitions(table: &TableDefinition, findings: &[Finding], repair: &str) -> Verdict {
    let id = table.id();
    let (mut missing, mut behind, mut odd, mut empty) = (0, 0, Vec::new(), 0);
    for finding in findings {
        match &finding.what {
            What::Unregistered(..) => missing += 1,
            What::PartitionsBehind(partitions) => behind += partitions.len(),
            What::NoPartition(prefix) => odd.push(prefix.as_str()),
            What::Elsewhere(found) => odd.push(&found.prefix),
            What::Empty(_) => empty += 1,
            // Told of as the table.
            What::TableBehind { .. } => {}
            What::TableForeign { .. } => {
                return Verdict::not_checked(
                    format!("of {id}, not looked at, since somebody has changed the table"),
                    "see the check of the table first",
                );
            }
        }
    }
    if missing > 0 || behind > 0 {
        let found = format!("of {id}, {missing} are in the lake and not in Glue, {behind} lack columns");
        return Verdict::problem(found, repair);
    }
    if let Some(first) = odd.first() {
        let found = format!("of {id}, {} are not where they should be, the first {first}", odd.len());
        return Verdict::problem(
            found,
            "`lake repair` lists them; move or remove what somebody has put there",
        );
    }
    match empty {
        0 => Verdict::ok(format!("of {id}, all registered")),
        // Harmless: a lifecycle or a person has removed the objects.
        empty => Verdict::ok(format!("of {id}, all registered; {empty} hold no object any more")),
    }
}

#[cfg(test)]
mod tests {
    use shared::catalog::FoundPartition;
    use shared::layout::Partition;
    use shared::table::definitions::VPC_FLOW_2_0 as TABLE;

    use super::*;
    use crate::doctor::check::State;

    #[test]
    fn tables() {
        let judged = |found: Option<Standing>| judge_table(&TABLE, found.as_ref(), "lake repair").state;
        assert_eq!(judged(None), State::Ok);
        assert_eq!(judged(Some(Standing::Same)), State::Ok);
        assert_eq!(judged(Some(Standing::Behind(vec!["x".into()]))), State::Problem);
        assert_eq!(judged(Some(Standing::Foreign("x".into()))), State::Problem);
    }

    #[test]
    fn partitions() {
        let partition = Partition { region: "r".into(), account: "a".into(), day: "d".into() };
        let found = FoundPartition { partition: partition.clone(), prefix: "p/".into(), is_behind: false };
        for (what, expected) in [
            (What::Unregistered(partition.clone(), "p/".into()), State::Problem),
            (What::PartitionsBehind(vec![partition]), State::Problem),
            (What::NoPartition("p/".into()), State::Problem),
            (What::Elsewhere(found.clone()), State::Problem),
            (What::Empty(found), State::Ok),
            (What::TableForeign { name: "t".into(), difference: "x".into() }, State::NotChecked),
        ] {
            let findings = [Finding { table: TABLE.id(), what }];
            assert_eq!(judge_partitions(&TABLE, &findings, "x").state, expected, "{findings:?}");
        }
        assert_eq!(judge_partitions(&TABLE, &[], "x").state, State::Ok);
    }
}
