//! The variables of a function: can it start with them, and are they those of the stack.

use std::collections::BTreeMap;

use serde_json::json;
use shared::config::Config;
use shared::table::TableDefinition;

use super::{DeployedSource, Deployment, Verdict};
use crate::doctor::check::quoted;

/// Variables by name.
pub(super) type Variables = BTreeMap<String, String>;

/// What the stack sets, of the variables that the template gives the function. `found` says which these are: those that
/// bear the name of a parameter, and the ones below.
pub(super) fn expected(deployment: &Deployment, source: &DeployedSource, found: &Variables) -> Variables {
    let described = &deployment.described;
    let tables: Vec<String> = source.tables.iter().map(|table| table.id()).collect();
    let mut expected: Variables = [
        ("LAKE_BUCKET", deployment.lake_bucket.clone()),
        ("RAW_BUCKETS", source.raw_bucket.clone()),
        ("LEDGER_TABLE", source.ledger.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if !tables.is_empty() {
        let given = described.parameter(&format!("{}Tables", source.prefix)).map(str::to_owned);
        expected.insert("SOURCES".to_owned(), given.unwrap_or_else(|_| tables.join(",")));
    }
    let key = described.parameter("LakeKmsKeyArn").unwrap_or_default();
    if !key.is_empty() {
        expected.insert("KMS_KEY_ID".to_owned(), key.to_owned());
    }
    for (name, value) in &described.parameters {
        // A source's own parameter has its name in front: `CloudTrailDropRepeatedEvents`.
        let name = variable(name.strip_prefix(&source.prefix).unwrap_or(name));
        if found.contains_key(&name) {
            expected.insert(name, value.clone());
        }
    }
    expected
}

/// The variable of a parameter: `MaxObjectBytes` is `MAX_OBJECT_BYTES`.
fn variable(parameter: &str) -> String {
    let mut name = String::with_capacity(parameter.len() + 4);
    for (index, character) in parameter.chars().enumerate() {
        if index > 0 && character.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(character.to_ascii_uppercase());
    }
    name
}

/// Judges variables: `found` as the function has them, `wanted` as the stack sets them.
pub(super) fn judge(
    found: &Variables,
    wanted: &Variables,
    region: &str,
    tables: &[&'static TableDefinition],
    update: &impl Fn(&str) -> String,
) -> Verdict {
    let mut problems = Vec::new();
    let get = |name: &str| match name {
        "AWS_REGION" => Some(region.to_owned()),
        name => found.get(name).cloned(),
    };
    if let Err(error) = Config::from_vars(get, tables) {
        problems = error.problems;
    }
    for (name, value) in wanted {
        let is_named = problems.iter().any(|problem| problem.starts_with(&format!("{name} ")));
        let has = found.get(name).map(String::as_str);
        if has != Some(value) && !is_named {
            // The value that is there may be anything.
            problems.push(format!(
                "{name} is {}, the stack sets `{value}`",
                has.map_or("not set", |_| "another")
            ));
        }
    }
    if problems.is_empty() {
        return Verdict::ok(format!("{} variables, all usable", found.len()));
    }
    let others: Vec<&str> =
        found.keys().filter(|name| !wanted.contains_key(*name)).map(String::as_str).collect();
    let remedy = if others.is_empty() {
        update(&format!("--environment {}", quoted(&json!({"Variables": wanted}).to_string())))
    } else {
        // Their values may be secret, and the command would have to hold them all.
        format!("set them right in the function's configuration, or take away {}", others.join(", "))
    };
    Verdict::problem(problems.join("; "), remedy)
}

#[cfg(test)]
mod tests {
    use shared::table::definitions::VPC_FLOW_2_0;

    use super::*;
    use crate::doctor::check::State;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn names() {
        assert_eq!(variable("MaxObjectBytes"), "MAX_OBJECT_BYTES");
        assert_eq!(variable("Codec"), "CODEC");
    }

    #[test]
    fn verdicts() {
        let lake = "aws-security-data-lake-us-east-1-111122223333";
        let wanted = variables(&[("LAKE_BUCKET", lake), ("CODEC", "zstd"), ("SOURCES", "VPC_FLOW@2.0")]);
        let judged = |found: &Variables| {
            judge(found, &wanted, "us-east-1", &[&VPC_FLOW_2_0], &|words: &str| words.to_owned())
        };
        assert_eq!(judged(&wanted).state, State::Ok);
        let with = |name: &str, value: &str| {
            let mut found = wanted.clone();
            found.insert(name.to_owned(), value.to_owned());
            judged(&found)
        };
        let unusable = with("CODEC", "snappy");
        assert_eq!(unusable.found, "CODEC is `snappy`, expected zstd or gzip");
        assert!(unusable.remedy.unwrap().contains(r#""CODEC":"zstd""#));
        assert_eq!(with("CODEC", "gzip").found, "CODEC is another, the stack sets `zstd`");
        let own =
            judged(&variables(&[("LAKE_BUCKET", lake), ("SOURCES", "VPC_FLOW@2.0"), ("TOKEN", "secret")]));
        assert_eq!(own.state, State::Problem);
        assert!(!format!("{own:?}").contains("secret"), "{own:?}");
    }
}
