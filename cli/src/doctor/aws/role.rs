//! The permissions of a function's role, as IAM itself judges them.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum};

use super::{Checks, DeployedSource, Deployment, Verdict, ask};

/// Actions on resources, with what the policies' conditions ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) actions: Vec<&'static str>,
    pub(super) resources: Vec<String>,
    /// Condition keys and their values.
    pub(super) context: Vec<(&'static str, String)>,
}

impl Need {
    pub(super) fn new(actions: &[&'static str], resources: impl IntoIterator<Item = String>) -> Self {
        Self { actions: actions.to_vec(), resources: resources.into_iter().collect(), context: Vec::new() }
    }

    fn when(self, key: &'static str, value: impl Into<String>) -> Self {
        Self { context: vec![(key, value.into())], ..self }
    }
}

/// Checks the role of a source.
pub(super) async fn examine(deployment: &Deployment, source: &DeployedSource, checks: &mut Checks) {
    let verdict = match denied(deployment, &source.role, &needs(deployment, source)).await {
        Err(verdict) => verdict,
        Ok(denied) => {
            judge(&source.role, &denied, &format!("{}, which restores the role", deployment.redeploy()))
        }
    };
    checks.add(source.name, "role", verdict);
}

/// What a function asks of AWS.
fn needs(deployment: &Deployment, source: &DeployedSource) -> Vec<Need> {
    let Deployment { partition, region, account, lake_bucket, database, described, .. } = deployment;
    let raw_account = source.raw_account.as_ref().unwrap_or(account);
    // A key as the pattern has them, since no policy is about a pattern.
    let key = source.keys.replace('*', "x");
    let lake = |key: String| format!("arn:{partition}:s3:::{lake_bucket}/{key}");
    let glue = |rest: String| format!("arn:{partition}:glue:{region}:{account}:{rest}");
    let mut objects: Vec<String> =
        source.tables.iter().map(|table| lake(format!("{}x", shared::layout::table_prefix(table)))).collect();
    objects.push(lake(format!("quarantine/{}/x", source.name)));
    let tables = source
        .tables
        .iter()
        .map(|table| glue(format!("table/{database}/{}", shared::layout::table_name(region, table))));
    let catalog =
        [glue("catalog".to_owned()), glue(format!("database/{database}"))].into_iter().chain(tables);
    let log = described.output(&format!("{}LogGroupName", source.prefix)).unwrap_or_default();
    let mut needs = vec![
        Need::new(
            &["s3:GetObject", "s3:GetObjectVersion"],
            [format!("arn:{partition}:s3:::{}/{key}", source.raw_bucket)],
        )
        .when("aws:ResourceAccount", raw_account),
        Need::new(&["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], objects),
        Need::new(
            &["glue:CreateDatabase", "glue:GetTable", "glue:CreateTable", "glue:BatchCreatePartition"],
            catalog,
        ),
        Need::new(
            &["dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"],
            [format!("arn:{partition}:dynamodb:{region}:{account}:table/{}", source.ledger)],
        ),
        Need::new(
            &["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
            [source.queue.arn.clone()],
        ),
        Need::new(
            &["logs:CreateLogStream", "logs:PutLogEvents"],
            [format!("arn:{partition}:logs:{region}:{account}:log-group:{log}:log-stream:x")],
        ),
    ];
    let via = format!("s3.{region}.amazonaws.com");
    let parameter = |name: &str| described.parameter(name).unwrap_or_default().to_owned();
    let key = parameter("LakeKmsKeyArn");
    if !key.is_empty() {
        needs.push(Need::new(&["kms:GenerateDataKey", "kms:Decrypt"], [key]).when("kms:ViaService", &via));
    }
    for key in parameter("RawBucketKmsKeyArns").split(',').map(str::trim).filter(|key| !key.is_empty()) {
        needs.push(Need::new(&["kms:Decrypt"], [key.to_owned()]).when("kms:ViaService", &via));
    }
    needs
}

/// What IAM denies `principal`: resources by action. `Err` is the verdict where it does not say.
pub(super) async fn denied(
    deployment: &Deployment,
    principal: &str,
    needs: &[Need],
) -> Result<BTreeMap<String, Vec<String>>, Verdict> {
    let mut denied: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for need in needs {
        let context = need.context.iter().map(|(key, value)| {
            ContextEntry::builder()
                .context_key_name(*key)
                .context_key_type(ContextKeyTypeEnum::String)
                .context_key_values(value)
                .build()
        });
        let request = deployment.clients.iam.simulate_principal_policy().policy_source_arn(principal);
        let mut pages = request
            .set_action_names(Some(need.actions.iter().map(|action| (*action).to_owned()).collect()))
            .set_resource_arns(Some(need.resources.clone()))
            .set_context_entries(Some(context.collect()))
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = ask("iam:SimulatePrincipalPolicy", std::future::ready(page)).await;
            let page = page.map_err(|error| {
                Verdict::not_checked(
                    format!("IAM does not judge {principal}: {}", error.reason),
                    error.remedy,
                )
            })?;
            for result in page.evaluation_results() {
                if result.eval_decision().as_str() != "allowed" {
                    let resource = result.eval_resource_name().unwrap_or("*").to_owned();
                    denied.entry(result.eval_action_name().to_owned()).or_default().push(resource);
                }
            }
        }
    }
    Ok(denied)
}

/// Judges what a principal is denied.
pub(super) fn judge(principal: &str, denied: &BTreeMap<String, Vec<String>>, remedy: &str) -> Verdict {
    if denied.is_empty() {
        return Verdict::ok(format!("{principal} may do all that it has to"));
    }
    let each = denied.iter().map(|(action, resources)| match resources.as_slice() {
        [one] => format!("{action} on {one}"),
        [first, more @ ..] => format!("{action} on {first} and {} more", more.len()),
        [] => action.clone(),
    });
    let each: Vec<String> = each.collect();
    Verdict::problem(format!("{principal} lacks {}", each.join("; ")), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::State;

    #[test]
    fn what_is_lacking() {
        assert_eq!(judge("p", &BTreeMap::new(), "r").state, State::Ok);
        let resources = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let denied =
            [("s3:PutObject".to_owned(), resources), ("sqs:X".to_owned(), vec!["q".to_owned()])].into();
        let verdict = judge("p", &denied, "r");
        assert_eq!(verdict.found, "p lacks s3:PutObject on a and 2 more; sqs:X on q");
        assert_eq!((verdict.state, verdict.remedy.as_deref()), (State::Problem, Some("r")));
    }
}
