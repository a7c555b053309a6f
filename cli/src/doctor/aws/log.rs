//! The log group of a function.

use super::{Checks, DeployedSource, Deployment, Verdict, ask};

/// Checks the log group of a source.
pub(super) async fn examine(deployment: &Deployment, source: &DeployedSource, checks: &mut Checks) {
    let Ok(group) = deployment.described.output(&format!("{}LogGroupName", source.prefix)) else { return };
    let asked = deployment.clients.logs.describe_log_groups().log_group_name_prefix(group).send();
    let verdict = match ask("logs:DescribeLogGroups", asked).await {
        Err(error) => error.not_checked(),
        Ok(found) => {
            let found = found.log_groups().iter().find(|one| one.log_group_name() == Some(group));
            let days = deployment.described.parameter("LogRetentionDays").unwrap_or("30");
            let put = deployment.command(&format!(
                "logs put-retention-policy --log-group-name {group} --retention-in-days {days}"
            ));
            judge(
                group,
                found.map(aws_sdk_cloudwatchlogs::types::LogGroup::retention_in_days),
                &put,
                &deployment.redeploy(),
            )
        }
    };
    checks.add(source.name, "log", verdict);
}

/// Judges a group by the days that it keeps: the outer `None` if there is no group, the inner if it keeps all.
fn judge(group: &str, days: Option<Option<i32>>, put: &str, redeploy: &str) -> Verdict {
    match days {
        None => {
            Verdict::problem(format!("{group} does not exist: nobody can see why something failed"), redeploy)
        }
        Some(None) => Verdict::problem(format!("{group} is kept for ever, and costs"), put),
        Some(Some(days)) => Verdict::ok(format!("{group}, kept for {days} days")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::State;

    #[test]
    fn retention() {
        assert_eq!(judge("g", Some(Some(30)), "put", "r").state, State::Ok);
        assert_eq!(judge("g", Some(None), "put", "r").remedy.as_deref(), Some("put"));
        assert_eq!(judge("g", None, "put", "r").remedy.as_deref(), Some("r"));
    }
}
