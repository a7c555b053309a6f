//! The KMS keys of lake and raw logs.

use serde_json::Value;

use super::policy::statements;
use super::{Checks, Deployment, Verdict, ask};

/// Checks every key that the stack's parameters name.
pub(super) async fn examine(deployment: &Deployment, checks: &mut Checks) {
    let parameter = |name: &str| deployment.described.parameter(name).unwrap_or_default().to_owned();
    let (lake, raw) = (parameter("LakeKmsKeyArn"), parameter("RawBucketKmsKeyArns"));
    let mut keys: Vec<&str> = std::iter::once(lake.as_str()).chain(raw.split(',').map(str::trim)).collect();
    keys.retain(|key| !key.is_empty());
    keys.dedup();
    if keys.is_empty() {
        checks.add("lake", "keys", Verdict::ok("none of your own: S3 encrypts"));
    }
    for key in keys {
        let kms = &deployment.clients.kms;
        let asked = kms.describe_key().key_id(key).send();
        let verdict = match ask(&format!("kms:DescribeKey on {key}"), asked).await {
            Err(error) if error.is_absent() => {
                Verdict::problem(format!("{key} does not exist"), "deploy with a key that exists")
            }
            Err(error) => error.not_checked(),
            Ok(found) => {
                let state = found.key_metadata().and_then(|key| key.key_state());
                let state = state.map(|state| state.as_str().to_owned()).unwrap_or_default();
                judge_state(key, &state, |verb: &str| {
                    deployment.command(&format!("kms {verb} --key-id {key}"))
                })
            }
        };
        checks.add("lake", "key", verdict);
        let asked = kms.get_key_policy().key_id(key).policy_name("default").send();
        let verdict = match ask(&format!("kms:GetKeyPolicy on {key}"), asked).await {
            Err(error) => error.not_checked(),
            Ok(found) => {
                let roles: Vec<&str> = deployment.sources.iter().map(|source| source.role.as_str()).collect();
                let granted = grantees(deployment, key).await;
                judge_policy(found.policy().unwrap_or_default(), &deployment.account, &roles, &granted)
            }
        };
        checks.add("lake", "key's policy", verdict);
    }
}

/// Who has a grant on the key; nobody if that may not be read.
async fn grantees(deployment: &Deployment, key: &str) -> Vec<String> {
    let mut pages = deployment.clients.kms.list_grants().key_id(key).into_paginator().send();
    let mut found = Vec::new();
    while let Some(Ok(page)) = pages.next().await {
        found.extend(page.grants.unwrap_or_default().into_iter().filter_map(|grant| grant.grantee_principal));
    }
    found
}

fn judge_state(key: &str, state: &str, command: impl Fn(&str) -> String) -> Verdict {
    match state {
        "Enabled" => Verdict::ok(key),
        "Disabled" => Verdict::problem(format!("{key} is disabled"), command("enable-key")),
        "PendingDeletion" => Verdict::problem(
            format!("{key} is about to be deleted, and with it all that it encrypts"),
            format!("{}, then {}", command("cancel-key-deletion"), command("enable-key")),
        ),
        state => Verdict::problem(format!("{key} is {state}"), "see the key in the console of KMS"),
    }
}

/// Judges who may use a key. A policy that admits the account leaves the decision to the roles' own policies.
fn judge_policy(policy: &str, account: &str, roles: &[&str], granted: &[String]) -> Verdict {
    let Ok(policy) = serde_json::from_str::<Value>(policy) else {
        return Verdict::not_checked("the key's policy is not JSON");
    };
    let uses = ["kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKey*", "kms:*", "*"];
    let root = format!("arn:aws:iam::{account}:root");
    let admits = |principals: &[&str]| {
        statements(&policy).any(|one| one.allows() && one.is_for(principals) && one.has_action(&uses))
    };
    // In other partitions the ARN of the root begins otherwise; the account's number means the same.
    let partition = roles.first().and_then(|role| role.split(':').nth(1)).unwrap_or("aws");
    let root_here = root.replacen("arn:aws:", &format!("arn:{partition}:"), 1);
    if admits(&[&root_here, account]) {
        return Verdict::ok("admits this account, so the roles' own policies decide");
    }
    let out: Vec<&str> = roles
        .iter()
        .copied()
        .filter(|role| !admits(&[role]) && !granted.iter().any(|one| one == role))
        .collect();
    if out.is_empty() {
        return Verdict::ok("admits the functions' roles");
    }
    let admit = format!(
        "add {root_here}, or {}, to its policy with kms:Decrypt and kms:GenerateDataKey",
        out.join(", ")
    );
    Verdict::problem("neither the policy nor a grant admits the functions' roles", admit)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::doctor::check::State;

    #[test]
    fn states() {
        let judged = |state| judge_state("k", state, |verb: &str| format!("kms {verb}"));
        assert_eq!(judged("Enabled").state, State::Ok);
        assert_eq!(judged("Disabled").remedy.as_deref(), Some("kms enable-key"));
        assert!(judged("PendingDeletion").remedy.unwrap().starts_with("kms cancel-key-deletion"));
    }

    #[test]
    fn policies() {
        let role = "arn:aws:iam::111122223333:role/f";
        let judged = |principal: &str, granted: &[String]| {
            let policy =
                json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:*"}});
            judge_policy(&policy.to_string(), "111122223333", &[role], granted).state
        };
        assert_eq!(judged("arn:aws:iam::111122223333:root", &[]), State::Ok);
        assert_eq!(judged(role, &[]), State::Ok);
        assert_eq!(judged("arn:aws:iam::444455556666:root", &[]), State::Problem);
        assert_eq!(judged("arn:aws:iam::444455556666:root", &[role.to_owned()]), State::Ok);
    }
}
