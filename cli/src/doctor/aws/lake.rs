//! The lake bucket.

use aws_sdk_s3::types::{ExpirationStatus, LifecycleRule, PublicAccessBlockConfiguration};
use serde_json::{Value, json};

use super::policy::statements;
use super::{Checks, Deployment, Verdict, ask};
use crate::doctor::check::quoted;

const OF: &str = "lake";

/// Checks the bucket.
pub(super) async fn examine(deployment: &Deployment, checks: &mut Checks) {
    let (s3, bucket) = (&deployment.clients.s3, deployment.lake_bucket.as_str());
    let here = |verb: &str, rest: &str| deployment.command(&format!("s3api {verb} --bucket {bucket} {rest}"));
    match ask("s3:ListBucket on the lake bucket", s3.head_bucket().bucket(bucket).send()).await {
        Ok(head) => {
            checks.add(OF, "bucket", judge_region(bucket, head.bucket_region(), &deployment.region));
        }
        Err(error) if error.is_absent() => {
            let remedy = format!(
                "restore the bucket: `aws s3 mb s3://{bucket} --region {}`, then {}",
                deployment.region,
                deployment.redeploy()
            );
            return checks.add(OF, "bucket", Verdict::problem(format!("{bucket} does not exist"), remedy));
        }
        // S3 refuses a call that goes to another region than the bucket's.
        Err(error) if error.is_elsewhere(&deployment.region) => {
            let found = error.bucket_region.as_deref();
            checks.add(OF, "bucket", judge_region(bucket, found, &deployment.region));
        }
        Err(error) => checks.add(OF, "bucket", error.not_checked()),
    }

    let wanted = deployment.described.parameter("LakeKmsKeyArn").unwrap_or_default();
    let asked = s3.get_bucket_encryption().bucket(bucket).send();
    let verdict = match ask("s3:GetEncryptionConfiguration on the lake bucket", asked).await {
        Err(error) if !error.is_absent() && !error.code.contains("EncryptionConfiguration") => {
            error.not_checked()
        }
        answer => {
            let rules = answer.ok().and_then(|answer| answer.server_side_encryption_configuration);
            let found = rules.and_then(|rules| rules.rules.into_iter().next());
            let found = found.and_then(|rule| rule.apply_server_side_encryption_by_default);
            let found = found.map(|found| (found.sse_algorithm.as_str().to_owned(), found.kms_master_key_id));
            let configuration = quoted(&encryption(wanted).to_string());
            let put = format!("--server-side-encryption-configuration {configuration}");
            let found = found.as_ref().map(|(algorithm, key)| (algorithm.as_str(), key.as_deref()));
            judge_encryption(found, wanted, &here("put-bucket-encryption", &put))
        }
    };
    checks.add(OF, "encryption", verdict);

    let asked = s3.get_bucket_versioning().bucket(bucket).send();
    let verdict = match ask("s3:GetBucketVersioning on the lake bucket", asked).await {
        Ok(answer) if answer.status().is_some_and(|status| status.as_str() == "Enabled") => {
            Verdict::ok("enabled")
        }
        Ok(_) => Verdict::problem(
            "old versions of objects are not kept",
            here("put-bucket-versioning", "--versioning-configuration Status=Enabled"),
        ),
        Err(error) => error.not_checked(),
    };
    checks.add(OF, "versioning", verdict);

    let asked = s3.get_public_access_block().bucket(bucket).send();
    let verdict = match ask("s3:GetBucketPublicAccessBlock on the lake bucket", asked).await {
        Err(error) if !error.is_absent() => error.not_checked(),
        answer => {
            let found = answer.ok().and_then(|answer| answer.public_access_block_configuration);
            let put = "--public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,\
                       BlockPublicPolicy=true,RestrictPublicBuckets=true";
            judge_public(found.as_ref(), &here("put-public-access-block", put))
        }
    };
    checks.add(OF, "public access", verdict);

    let asked = s3.get_bucket_policy().bucket(bucket).send();
    let verdict = match ask("s3:GetBucketPolicy on the lake bucket", asked).await {
        Err(error) if !error.is_absent() => error.not_checked(),
        answer => {
            let found = answer.ok().and_then(|answer| answer.policy);
            let partition = &deployment.partition;
            judge_policy(
                found.as_deref(),
                |statements| {
                    let policy = json!({"Version": "2012-10-17", "Statement": statements});
                    here("put-bucket-policy", &format!("--policy {}", quoted(&policy.to_string())))
                },
                &format!("arn:{partition}:s3:::{bucket}"),
            )
        }
    };
    checks.add(OF, "plain HTTP", verdict);

    let asked = s3.get_bucket_lifecycle_configuration().bucket(bucket).send();
    let verdict = match ask("s3:GetLifecycleConfiguration on the lake bucket", asked).await {
        Err(error) if !error.is_absent() => error.not_checked(),
        answer => judge_lifecycle(
            &answer.ok().and_then(|answer| answer.rules).unwrap_or_default(),
            &lifecycle(&here),
        ),
    };
    checks.add(OF, "lifecycle", verdict);
}

fn judge_region(bucket: &str, found: Option<&str>, wanted: &str) -> Verdict {
    match found {
        Some(found) if found != wanted => Verdict::problem(
            format!("{bucket} is in {found}, the stack in {wanted}"),
            "deploy the stack with another LakeBucketSuffix, and copy the lake there",
        ),
        Some(found) => Verdict::ok(format!("{bucket} in {found}")),
        None => Verdict::not_checked(
            format!("{bucket} does not say which region it is in"),
            format!("see that it is {wanted}: aws s3api get-bucket-location --bucket {bucket}"),
        ),
    }
}

/// The bucket encryption of the template.
fn encryption(key: &str) -> Value {
    let rule = if key.is_empty() {
        json!({"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}})
    } else {
        let by_default = json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key});
        json!({"BucketKeyEnabled": true, "ApplyServerSideEncryptionByDefault": by_default})
    };
    json!({"Rules": [rule]})
}

/// Judges the default encryption: its algorithm and key. `wanted` is the key of the stack, or empty for S3's own.
fn judge_encryption(found: Option<(&str, Option<&str>)>, wanted: &str, remedy: &str) -> Verdict {
    match found {
        None => Verdict::problem("the bucket has no default encryption", remedy),
        Some((algorithm, key)) if algorithm.starts_with("aws:kms") => match key {
            Some(key) if !wanted.is_empty() && key != wanted => {
                Verdict::problem(format!("objects are encrypted with {key}, expected {wanted}"), remedy)
            }
            key => Verdict::ok(format!("{algorithm} {}", key.unwrap_or("with AWS's own key"))),
        },
        Some((algorithm, _)) if !wanted.is_empty() => Verdict::problem(
            format!("objects are encrypted by {algorithm}, expected the key {wanted}"),
            remedy,
        ),
        Some((algorithm, _)) => Verdict::ok(algorithm),
    }
}

fn judge_public(found: Option<&PublicAccessBlockConfiguration>, remedy: &str) -> Verdict {
    let switches = found.map(|found| {
        [
            found.block_public_acls(),
            found.ignore_public_acls(),
            found.block_public_policy(),
            found.restrict_public_buckets(),
        ]
    });
    match switches {
        Some(switches) if switches.iter().all(|switch| *switch == Some(true)) => Verdict::ok("blocked"),
        Some(_) => Verdict::problem("public access is blocked in part only", remedy),
        None => Verdict::problem("public access is not blocked", remedy),
    }
}

/// Judges the bucket policy. `remedy` makes the command that puts a policy of these statements.
fn judge_policy(found: Option<&str>, remedy: impl Fn(Vec<Value>) -> String, arn: &str) -> Verdict {
    let deny = json!({
        "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [arn, format!("{arn}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    });
    let Some(text) = found else {
        return Verdict::problem("the bucket has no policy, so plain HTTP is served", remedy(vec![deny]));
    };
    let Ok(policy) = serde_json::from_str::<Value>(text) else {
        return Verdict::not_checked(
            "the bucket's policy is not JSON",
            "look at it yourself: aws s3api get-bucket-policy",
        );
    };
    let objects = format!("{arn}/aws/x");
    let is_denied = statements(&policy)
        .any(|one| one.denies_plain_http("s3") && one.is_about(arn) && one.is_about(&objects));
    if is_denied {
        return Verdict::ok("denied");
    }
    let mut all = match &policy["Statement"] {
        Value::Array(statements) => statements.clone(),
        one => vec![one.clone()],
    };
    all.push(deny);
    Verdict::problem("no statement of the bucket's policy denies plain HTTP", remedy(all))
}

/// The command that puts the template's lifecycle.
fn lifecycle(here: &impl Fn(&str, &str) -> String) -> String {
    let rule = json!({
        "ID": "leftovers", "Status": "Enabled", "Filter": {},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "Expiration": {"ExpiredObjectDeleteMarker": true},
    });
    let configuration = quoted(&json!({"Rules": [rule]}).to_string());
    here("put-bucket-lifecycle-configuration", &format!("--lifecycle-configuration {configuration}"))
}

fn judge_lifecycle(rules: &[LifecycleRule], remedy: &str) -> Verdict {
    let is_on = |rule: &&LifecycleRule| *rule.status() == ExpirationStatus::Enabled;
    let has = |what: fn(&LifecycleRule) -> bool| rules.iter().filter(is_on).any(what);
    let aborts = has(|rule| rule.abort_incomplete_multipart_upload().is_some());
    let expires = has(|rule| rule.noncurrent_version_expiration().is_some());
    let remedy = if rules.is_empty() {
        remedy.to_owned()
    } else {
        format!(
            "add the missing rule to those that are there; the template's alone would be put by: {remedy}"
        )
    };
    match (aborts, expires) {
        (true, true) => Verdict::ok("leftovers of uploads and old versions go"),
        (false, _) => Verdict::problem("what killed uploads leave behind stays, and costs", remedy),
        (true, false) => Verdict::problem("old versions of objects stay for ever, and cost", remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::State;

    #[test]
    fn encryptions() {
        let judged = |found, wanted| judge_encryption(found, wanted, "x").state;
        assert_eq!(judged(Some(("AES256", None)), ""), State::Ok);
        assert_eq!(judged(Some(("aws:kms", Some("k"))), "k"), State::Ok);
        assert_eq!(judged(Some(("aws:kms", Some("other"))), "k"), State::Problem);
        assert_eq!(judged(Some(("AES256", None)), "k"), State::Problem);
        assert_eq!(judged(None, ""), State::Problem);
    }

    #[test]
    fn policies() {
        let judged = |found: Option<&str>| {
            judge_policy(found, |all| Value::Array(all).to_string(), "arn:aws:s3:::lake")
        };
        let missing = judged(None);
        let put: Value = serde_json::from_str(missing.remedy.as_deref().unwrap()).unwrap();
        assert_eq!((missing.state, put[0]["Sid"].as_str()), (State::Problem, Some("TlsOnly")));
        let policy = |statements: Value| json!({"Statement": statements}).to_string();
        assert_eq!(judged(Some(&policy(put))).state, State::Ok);
        // What is there stays.
        let mine = judged(Some(&policy(json!({"Sid": "mine", "Effect": "Allow"}))));
        let put: Value = serde_json::from_str(mine.remedy.as_deref().unwrap()).unwrap();
        assert_eq!((&put[0]["Sid"], &put[1]["Sid"]), (&json!("mine"), &json!("TlsOnly")));
        assert_eq!(judged(Some("x")).state, State::NotChecked);
    }

    #[test]
    fn blocks() {
        let all = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true);
        let part = all.clone().build();
        let all = all.restrict_public_buckets(true).build();
        assert_eq!(judge_public(Some(&all), "x").state, State::Ok);
        assert_eq!(judge_public(Some(&part), "x").state, State::Problem);
        assert_eq!(judge_public(None, "x").state, State::Problem);
    }

    #[test]
    fn regions() {
        assert_eq!(judge_region("b", Some("eu-west-1"), "us-east-1").state, State::Problem);
        assert_eq!(judge_region("b", Some("us-east-1"), "us-east-1").state, State::Ok);
        assert_eq!(judge_region("b", None, "us-east-1").state, State::NotChecked);
    }

    #[test]
    fn lifecycles() {
        assert_eq!(judge_lifecycle(&[], "x").state, State::Problem);
        let rule = |status: ExpirationStatus| {
            LifecycleRule::builder()
                .status(status)
                .abort_incomplete_multipart_upload(
                    aws_sdk_s3::types::AbortIncompleteMultipartUpload::builder()
                        .days_after_initiation(2)
                        .build(),
                )
                .noncurrent_version_expiration(
                    aws_sdk_s3::types::NoncurrentVersionExpiration::builder().noncurrent_days(30).build(),
                )
                .build()
                .unwrap()
        };
        assert_eq!(judge_lifecycle(&[rule(ExpirationStatus::Enabled)], "x").state, State::Ok);
        assert_eq!(judge_lifecycle(&[rule(ExpirationStatus::Disabled)], "x").state, State::Problem);
    }
}
