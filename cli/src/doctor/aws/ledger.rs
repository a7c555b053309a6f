//! The ledger's table.

use super::{Checks, DeployedSource, Deployment, Verdict, ask};
use crate::doctor::check::AGAIN;

/// Checks the ledger of a source.
pub(super) async fn examine(deployment: &Deployment, source: &DeployedSource, checks: &mut Checks) {
    let (dynamodb, table) = (&deployment.clients.dynamodb, source.ledger.as_str());
    let asked = dynamodb.describe_table().table_name(table).send();
    let verdict = match ask(&format!("dynamodb:DescribeTable on {table}"), asked).await {
        Err(error) if error.is_absent() => {
            return checks.add(
                source.name,
                "ledger",
                Verdict::problem(format!("{table} is gone"), deployment.redeploy()),
            );
        }
        Err(error) => error.not_checked(),
        Ok(found) => {
            let found =
                found.table.unwrap_or_else(|| aws_sdk_dynamodb::types::TableDescription::builder().build());
            let status = found.table_status().map(|status| status.as_str().to_owned()).unwrap_or_default();
            let key: Vec<&str> = found
                .key_schema()
                .iter()
                .map(aws_sdk_dynamodb::types::KeySchemaElement::attribute_name)
                .collect();
            judge_table(table, &status, &key, &deployment.redeploy())
        }
    };
    checks.add(source.name, "ledger", verdict);

    let asked = dynamodb.describe_time_to_live().table_name(table).send();
    let verdict = match ask(&format!("dynamodb:DescribeTimeToLive on {table}"), asked).await {
        Err(error) => error.not_checked(),
        Ok(found) => {
            let found = found.time_to_live_description();
            let status =
                found.and_then(|found| found.time_to_live_status()).map(|status| status.as_str().to_owned());
            let attribute = found.and_then(|found| found.attribute_name());
            let update = deployment.command(&format!(
                "dynamodb update-time-to-live --table-name {table} --time-to-live-specification \
                 Enabled=true,AttributeName=expires"
            ));
            judge_expiry(status.as_deref(), attribute, &update)
        }
    };
    checks.add(source.name, "ledger's expiry", verdict);
}

fn judge_table(table: &str, status: &str, key: &[&str], redeploy: &str) -> Verdict {
    if key != ["id"] {
        return Verdict::problem(format!("{table} has the key {}, expected id", key.join(", ")), redeploy);
    }
    match status {
        "ACTIVE" => Verdict::ok(table),
        "CREATING" | "UPDATING" => Verdict::not_checked(format!("{table} is {status}"), AGAIN),
        status => Verdict::problem(format!("{table} is {status}"), redeploy),
    }
}

fn judge_expiry(status: Option<&str>, attribute: Option<&str>, update: &str) -> Verdict {
    let Some(status) = status else {
        let remedy = "see in the console of DynamoDB that its items expire by the attribute expires";
        return Verdict::not_checked("the table does not say whether its items expire", remedy);
    };
    match (status, attribute) {
        ("ENABLED" | "ENABLING", Some("expires")) => Verdict::ok("entries go when they are forgotten"),
        ("ENABLED" | "ENABLING", other) => Verdict::problem(
            format!("entries expire by {}, expected expires", other.unwrap_or("nothing")),
            format!("switch it off for that attribute, wait for an hour, then: {update}"),
        ),
        _ => Verdict::problem("entries of the ledger never go, and cost", update),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::State;

    #[test]
    fn tables() {
        for (status, key, expected) in [
            ("ACTIVE", "id", State::Ok),
            ("UPDATING", "id", State::NotChecked),
            ("DELETING", "id", State::Problem),
            ("ACTIVE", "pk", State::Problem),
        ] {
            assert_eq!(judge_table("t", status, &[key], "r").state, expected, "{status} {key}");
        }
    }

    #[test]
    fn expiry() {
        assert_eq!(judge_expiry(Some("ENABLED"), Some("expires"), "u").state, State::Ok);
        assert_eq!(judge_expiry(None, None, "u").state, State::NotChecked);
        assert_eq!(judge_expiry(Some("DISABLED"), None, "u").remedy.as_deref(), Some("u"));
        assert!(judge_expiry(Some("ENABLED"), Some("ttl"), "u").remedy.unwrap().ends_with("u"));
    }
}
