//! The EventBridge rule that announces a source's objects to its queue.

use serde_json::Value;

use super::{Checks, DeployedSource, Deployment, Verdict, ask};

/// Checks the rule, if the stack has one.
pub(super) async fn examine(deployment: &Deployment, source: &DeployedSource, checks: &mut Checks) {
    let events = &deployment.clients.events;
    let Ok(rule) = deployment.described.resource(&format!("{}ObjectCreatedRule", source.prefix)) else {
        return; // objects are announced without EventBridge
    };
    // CloudFormation's id of a rule is its name, or `bus|name`.
    let rule = rule.rsplit('|').next().unwrap_or(rule);
    let asked = events.describe_rule().name(rule).send();
    let verdict = match ask(&format!("events:DescribeRule on {rule}"), asked).await {
        Err(error) if error.is_absent() => {
            Verdict::problem(format!("the rule {rule} is gone"), deployment.redeploy())
        }
        Err(error) => error.not_checked(),
        Ok(found) => {
            let enable = deployment.command(&format!("events enable-rule --name {rule}"));
            let state = found.state().map(|state| state.as_str().to_owned()).unwrap_or_default();
            judge_rule(
                &state,
                found.event_pattern().unwrap_or_default(),
                source,
                &enable,
                &deployment.redeploy(),
            )
        }
    };
    checks.add(source.name, "rule", verdict);

    let asked = events.list_targets_by_rule().rule(rule).send();
    let verdict = match ask(&format!("events:ListTargetsByRule on {rule}"), asked).await {
        Err(error) => error.not_checked(),
        Ok(found) => {
            let targets: Vec<&str> =
                found.targets().iter().map(aws_sdk_eventbridge::types::Target::arn).collect();
            let put = deployment.command(&format!(
                "events put-targets --rule {rule} --targets Id=queue,Arn={},DeadLetterConfig={{Arn={}}}",
                source.queue.arn, source.dead_letters.arn
            ));
            judge_targets(&targets, &source.queue.arn, put)
        }
    };
    checks.add(source.name, "rule's target", verdict);
}

fn judge_rule(state: &str, pattern: &str, source: &DeployedSource, enable: &str, redeploy: &str) -> Verdict {
    if !state.starts_with("ENABLED") {
        return Verdict::problem("the rule is disabled: nothing is announced", enable);
    }
    let Ok(pattern) = serde_json::from_str::<Value>(pattern) else {
        return Verdict::not_checked("the rule's pattern is not JSON", redeploy);
    };
    let has =
        |value: &Value, wanted: &str| value.as_array().is_some_and(|all| all.iter().any(|one| one == wanted));
    let detail = &pattern["detail"];
    if !has(&detail["bucket"]["name"], &source.raw_bucket) {
        return Verdict::problem(format!("the rule is not about the bucket {}", source.raw_bucket), redeploy);
    }
    let keys = detail["object"]["key"].as_array();
    let takes = |one: &Value| one["wildcard"] == source.keys.as_str();
    if !keys.is_some_and(|keys| keys.iter().any(takes)) {
        return Verdict::problem(format!("the rule is not about the keys {}", source.keys), redeploy);
    }
    Verdict::ok(format!("enabled for {}/{}", source.raw_bucket, source.keys))
}

fn judge_targets(targets: &[&str], queue: &str, put: String) -> Verdict {
    if targets.contains(&queue) {
        Verdict::ok("the queue")
    } else {
        Verdict::problem("the queue is no target of the rule", put)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::deployment::Queue;
    use crate::doctor::check::State;

    pub(in super::super) fn source() -> DeployedSource {
        let queue = |name: &str| Queue {
            url: format!("https://sqs.us-east-1.amazonaws.com/111122223333/{name}"),
            arn: format!("arn:aws:sqs:us-east-1:111122223333:{name}"),
        };
        DeployedSource {
            name: "cloudtrail",
            prefix: "CloudTrail".into(),
            function: "f".into(),
            role: "arn:aws:iam::111122223333:role/f".into(),
            queue: queue("q"),
            dead_letters: queue("d"),
            ledger: "ledger".into(),
            mapping: "m".into(),
            raw_bucket: "raw-logs".into(),
            raw_account: None,
            keys: "AWSLogs/*/CloudTrail/*".into(),
            tables: Vec::new(),
        }
    }

    #[test]
    fn rules() {
        let pattern = |bucket: &str, keys: &str| {
            json!({"detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"wildcard": keys}]}}})
                .to_string()
        };
        let good = pattern("raw-logs", "AWSLogs/*/CloudTrail/*");
        for (state, pattern, expected) in [
            ("ENABLED", good.as_str(), State::Ok),
            ("DISABLED", good.as_str(), State::Problem),
            ("ENABLED", &pattern("other", "AWSLogs/*/CloudTrail/*"), State::Problem),
            ("ENABLED", &pattern("raw-logs", "AWSLogs/*"), State::Problem),
            ("ENABLED", "x", State::NotChecked),
        ] {
            assert_eq!(judge_rule(state, pattern, &source(), "e", "r").state, expected, "{state} {pattern}");
        }
    }

    #[test]
    fn targets() {
        assert_eq!(judge_targets(&["a", "q"], "q", "x".into()).state, State::Ok);
        assert_eq!(judge_targets(&["a"], "q", "x".into()).state, State::Problem);
    }
}
