//! The stack itself.

use super::{Checks, Deployment, Verdict};

/// Checks the stack.
pub(super) async fn examine(deployment: &Deployment, checks: &mut Checks) {
    let events = deployment
        .command(&format!("cloudformation describe-stack-events --stack-name {}", deployment.stack));
    checks.add("stack", "status", judge(&deployment.described.status, &events));
}

/// Judges the status of a stack. `events` is the command that shows what happened to it.
fn judge(status: &str, events: &str) -> Verdict {
    match status {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => Verdict::ok(status),
        _ if status.ends_with("_IN_PROGRESS") => Verdict::not_checked(
            format!("{status}: it is being changed"),
            "run this again when that has ended",
        ),
        "UPDATE_ROLLBACK_COMPLETE" => Verdict::problem(
            format!("{status}: the last deployment failed and was taken back"),
            format!("{events} shows what failed; mend that and deploy again"),
        ),
        _ => Verdict::problem(status, format!("{events} shows what failed; mend that and deploy again")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::State;

    #[test]
    fn statuses() {
        for (status, expected) in [
            ("CREATE_COMPLETE", State::Ok),
            ("UPDATE_COMPLETE", State::Ok),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", State::NotChecked),
            ("UPDATE_ROLLBACK_COMPLETE", State::Problem),
            ("ROLLBACK_COMPLETE", State::Problem),
            ("DELETE_FAILED", State::Problem),
        ] {
            assert_eq!(judge(status, "x").state, expected, "{status}");
        }
    }
}
