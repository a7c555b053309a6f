//! The permissions of whoever runs this: for the verbs of `lake`, and to administer the lake.

use std::collections::BTreeSet;

use super::role::{Need, denied, judge};
use super::{Checks, Deployment, Verdict, ask};

const OF: &str = "operator";

/// Checks the caller.
pub(super) async fn examine(deployment: &Deployment, checks: &mut Checks) {
    let asked = deployment.clients.sts.get_caller_identity().send();
    let caller = match ask("sts:GetCallerIdentity", asked).await {
        Ok(answer) => answer.arn.unwrap_or_default(),
        Err(error) => return checks.add(OF, "credentials", error.not_checked()),
    };
    checks.add(OF, "credentials", Verdict::ok(&caller));
    let principal = match principal(&caller) {
        Principal::Root => {
            return checks.add(OF, "permissions", Verdict::ok("the account's root, which may do everything"));
        }
        Principal::Unknown => {
            let reason = format!("IAM judges users and roles only, and {caller} is neither");
            return checks.add(
                OF,
                "permissions",
                Verdict::not_checked(reason, "run this as a user or a role"),
            );
        }
        Principal::Named(arn) => arn,
        Principal::Role(name) => {
            // The caller's ARN leaves out the path of the role.
            let asked = deployment.clients.iam.get_role().role_name(&name).send();
            match ask(&format!("iam:GetRole on {name}"), asked).await {
                Ok(answer) => answer.role.map(|role| role.arn).unwrap_or_default(),
                Err(error) => return checks.add(OF, "permissions", error.not_checked()),
            }
        }
    };
    let remedy = "attach them, if you are the one who operates this lake; docs/operate.md lists them by verb";
    for (check, needs) in [("verbs", verbs(deployment)), ("administration", administration(deployment))] {
        let verdict = match denied(deployment, &principal, &needs).await {
            Ok(denied) => judge(&principal, &denied, remedy),
            Err(verdict) => verdict,
        };
        checks.add(OF, check, verdict);
    }
}

/// Whom an ARN of a caller stands for.
#[derive(Debug, PartialEq, Eq)]
enum Principal {
    Root,
    /// A user.
    Named(String),
    /// A role, by its name.
    Role(String),
    Unknown,
}

fn principal(caller: &str) -> Principal {
    let what = caller.splitn(6, ':').nth(5).unwrap_or_default();
    match what.split_once('/') {
        None if what == "root" => Principal::Root,
        Some(("user", _)) => Principal::Named(caller.to_owned()),
        Some(("assumed-role", rest)) => {
            Principal::Role(rest.split('/').next().unwrap_or_default().to_owned())
        }
        _ => Principal::Unknown,
    }
}

/// ARNs of the lake's Glue resources.
fn glue(deployment: &Deployment) -> Vec<String> {
    let Deployment { partition, region, account, database, .. } = deployment;
    let arn = |rest: String| format!("arn:{partition}:glue:{region}:{account}:{rest}");
    let tables = deployment.sources.iter().flat_map(|source| &source.tables);
    let tables =
        tables.map(|table| arn(format!("table/{database}/{}", shared::layout::table_name(region, table))));
    [arn("catalog".to_owned()), arn(format!("database/{database}"))].into_iter().chain(tables).collect()
}

/// What `lake` asks for with `--stack`, but for reading the configuration, which the checks themselves show.
fn verbs(deployment: &Deployment) -> Vec<Need> {
    let Deployment { partition, region, account, lake_bucket, sources, .. } = deployment;
    let bucket = format!("arn:{partition}:s3:::{lake_bucket}");
    let object = |key: &str| format!("{bucket}/{key}");
    let queues = || sources.iter().flat_map(|one| [one.queue.arn.clone(), one.dead_letters.arn.clone()]);
    let raw = |rest: &str| {
        let buckets = sources.iter().map(|one| format!("arn:{partition}:s3:::{}{rest}", one.raw_bucket));
        buckets.collect::<BTreeSet<String>>()
    };
    let ledgers =
        sources.iter().map(|one| format!("arn:{partition}:dynamodb:{region}:{account}:table/{}", one.ledger));
    let written = ["aws/x", "quarantine/x", "state/x"].map(object);
    vec![
        Need::new(&["s3:ListBucket"], [bucket.clone()]),
        Need::new(&["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], written),
        Need::new(
            &[
                "glue:GetTable",
                "glue:UpdateTable",
                "glue:GetPartitions",
                "glue:GetPartition",
                "glue:BatchCreatePartition",
                "glue:BatchUpdatePartition",
                "glue:BatchDeletePartition",
            ],
            glue(deployment),
        ),
        Need::new(
            &[
                "sqs:GetQueueAttributes",
                "sqs:SendMessage",
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:ChangeMessageVisibility",
            ],
            queues(),
        ),
        Need::new(&["s3:ListBucket", "s3:ListBucketVersions"], raw("")),
        Need::new(&["s3:GetObject", "s3:GetObjectVersion"], raw("/x")),
        Need::new(&["dynamodb:BatchGetItem"], ledgers),
    ]
}

/// What Security Lake asks of its administrator, on the resources of this lake.
fn administration(deployment: &Deployment) -> Vec<Need> {
    let Deployment { partition, region, account, lake_bucket, sources, described, .. } = deployment;
    let bucket = format!("arn:{partition}:s3:::{lake_bucket}");
    let functions = sources
        .iter()
        .map(|one| format!("arn:{partition}:lambda:{region}:{account}:function:{}", one.function));
    let queues = sources.iter().map(|one| one.queue.arn.clone());
    let mut needs = vec![
        Need::new(
            &[
                "s3:CreateBucket",
                "s3:PutBucketPolicy",
                "s3:PutBucketPublicAccessBlock",
                "s3:PutBucketNotification",
                "s3:PutEncryptionConfiguration",
                "s3:PutBucketVersioning",
                "s3:PutLifecycleConfiguration",
            ],
            [bucket],
        ),
        Need::new(
            &["glue:CreateDatabase", "glue:GetDatabase", "glue:CreateTable", "glue:GetTable"],
            glue(deployment),
        ),
        Need::new(
            &[
                "lakeformation:GrantPermissions",
                "lakeformation:RevokePermissions",
                "lakeformation:ListPermissions",
                "lakeformation:RegisterResource",
                "lakeformation:GetDataLakeSettings",
            ],
            ["*".to_owned()],
        ),
        Need::new(&["lambda:CreateFunction", "lambda:AddPermission"], functions),
        Need::new(&["lambda:CreateEventSourceMapping", "iam:ListRoles"], ["*".to_owned()]),
        Need::new(&["sqs:CreateQueue", "sqs:SetQueueAttributes", "sqs:GetQueueAttributes"], queues),
        Need::new(
            &["iam:GetRole", "iam:PassRole", "iam:PutRolePolicy"],
            sources.iter().map(|source| source.role.clone()),
        ),
        Need::new(
            &["events:PutRule", "events:PutTargets", "events:DescribeRule"],
            [format!("arn:{partition}:events:{region}:{account}:rule/{}-x", deployment.stack)],
        ),
    ];
    let key = described.parameter("LakeKmsKeyArn").unwrap_or_default();
    if !key.is_empty() {
        needs.push(Need::new(&["kms:CreateGrant", "kms:DescribeKey"], [key.to_owned()]));
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers() {
        let user = "arn:aws:iam::111122223333:user/ops/anna";
        assert_eq!(principal("arn:aws:iam::111122223333:root"), Principal::Root);
        assert_eq!(principal(user), Principal::Named(user.to_owned()));
        let role = principal("arn:aws:sts::111122223333:assumed-role/Operator/anna");
        assert_eq!(role, Principal::Role("Operator".to_owned()));
        assert_eq!(principal("arn:aws:sts::111122223333:federated-user/x"), Principal::Unknown);
        assert_eq!(principal(""), Principal::Unknown);
    }
}
