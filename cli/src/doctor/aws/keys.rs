//! The KMS keys of lake and raw logs.

use serde_json::Value;

use super::policy::statements;
use super::{Checks, Deployment, Unanswered, Verdict, ask};

/// Checks every key that the stack's parameters name.
pub(super) async fn examine(deployment: &Deployment, checks: &mut Checks) {
    let parameter = |name: &str| deployment.described.parameter(name).unwrap_or_default().to_owned();
    let (lake, raw) = (parameter("LakeKmsKeyArn"), parameter("RawBucketKmsKeyArns"));
    let mut keys: Vec<&str> = std::iter::once(lake.as_str()).chain(raw.split(',').map(str::trim)).collect();
    keys.retain(|key| !key.is_empty());
    keys.sort_unstable();
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
                let uses: &[&str] =
                    if key == lake { &["kms:Decrypt", "kms:GenerateDataKey"] } else { &["kms:Decrypt"] };
                let granted = grantees(deployment, key).await;
                judge_policy(found.policy().unwrap_or_default(), &deployment.account, &roles, uses, granted)
            }
        };
        checks.add("lake", "key's policy", verdict);
    }
}

/// Who has a grant on the key, and for which operations.
async fn grantees(deployment: &Deployment, key: &str) -> Result<Vec<Granted>, Unanswered> {
    let mut pages = deployment.clients.kms.list_grants().key_id(key).into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = ask(&format!("kms:ListGrants on {key}"), std::future::ready(page)).await?;
        for grant in page.grants.unwrap_or_default() {
            let operations = grant.operations().iter().map(|one| format!("kms:{}", one.as_str())).collect();
            if let Some(principal) = grant.grantee_principal {
                found.push(Granted { principal, operations });
            }
        }
    }
    Ok(found)
}

/// A grant on a key.
#[derive(Debug, Clone)]
struct Granted {
    principal: String,
    /// `kms:Decrypt`, …
    operations: Vec<String>,
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

/// Judges who may use a key for `uses`. A policy that admits the account leaves the decision to the roles' own policies;
/// grants count where it does not.
fn judge_policy(
    policy: &str,
    account: &str,
    roles: &[&str],
    uses: &[&str],
    granted: Result<Vec<Granted>, Unanswered>,
) -> Verdict {
    let Ok(policy) = serde_json::from_str::<Value>(policy) else {
        return Verdict::not_checked("the key's policy is not JSON", "look at it in the console of KMS");
    };
    let root = format!("arn:aws:iam::{account}:root");
    let admits = |principals: &[&str]| {
        uses.iter().all(|wanted| {
            statements(&policy)
                .any(|one| one.allows() && one.is_for(principals) && one.is_about_action(wanted))
        })
    };
    // In other partitions the ARN of the root begins otherwise; the account's number means the same.
    let partition = roles.first().and_then(|role| role.split(':').nth(1)).unwrap_or("aws");
    let root_here = root.replacen("arn:aws:", &format!("arn:{partition}:"), 1);
    if admits(&[&root_here, account]) {
        return Verdict::ok("admits this account, so the roles' own policies decide");
    }
    let mut out: Vec<&str> = roles.iter().copied().filter(|role| !admits(&[role])).collect();
    if out.is_empty() {
        return Verdict::ok("admits the functions' roles");
    }
    let admit = format!("add {root_here}, or {}, to its policy with {}", out.join(", "), uses.join(" and "));
    match granted {
        // A grant may do what the policy does not.
        Err(error) => {
            let found =
                format!("the policy does not admit the functions' roles, and of grants {}", error.reason);
            return Verdict::not_checked(found, format!("{}; or {admit}", error.remedy));
        }
        Ok(granted) => out.retain(|role| {
            let has = |wanted: &str| {
                let is_it =
                    |one: &Granted| one.principal == *role && one.operations.iter().any(|may| may == wanted);
                granted.iter().any(is_it)
            };
            !uses.iter().all(|wanted| has(wanted))
        }),
    }
    if out.is_empty() {
        return Verdict::ok("admits the functions' roles, by grants");
    }
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
        let uses = ["kms:Decrypt", "kms:GenerateDataKey"];
        let judged = |principal: &str, action: &str, granted| {
            let policy =
                json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action}});
            judge_policy(&policy.to_string(), "111122223333", &[role], &uses, granted).state
        };
        let nobody = || Ok(Vec::new());
        assert_eq!(judged("arn:aws:iam::111122223333:root", "kms:*", nobody()), State::Ok);
        assert_eq!(judged(role, "kms:*", nobody()), State::Ok);
        // Rows are read and not written.
        assert_eq!(judged(role, "kms:Decrypt", nobody()), State::Problem);
        let other = "arn:aws:iam::444455556666:root";
        assert_eq!(judged(other, "kms:*", nobody()), State::Problem);
        let grant = |operations: &[&str]| {
            let operations = operations.iter().map(|one| (*one).to_owned()).collect();
            Ok(vec![Granted { principal: role.to_owned(), operations }])
        };
        assert_eq!(judged(other, "kms:*", grant(&uses)), State::Ok);
        assert_eq!(judged(other, "kms:*", grant(&uses[..1])), State::Problem);
        // What may not be seen is not taken for absent.
        let unseen = Unanswered {
            code: "AccessDeniedException".into(),
            status: Some(400),
            bucket_region: None,
            reason: "your credentials lack kms:ListGrants".into(),
            remedy: "attach it".into(),
        };
        assert_eq!(judged(other, "kms:*", Err(unseen)), State::NotChecked);
    }
}
