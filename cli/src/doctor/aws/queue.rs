//! The queue of a source and its dead-letter queue.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

use super::policy::statements;
use super::{Checks, DeployedSource, Deployment, Verdict, ask};
use crate::deployment::Queue;
use crate::doctor::check::quoted;

/// Attributes of a queue, by name.
type Attributes = HashMap<String, String>;

/// What to do where an attribute is not told.
const LOOK: &str = "look at it yourself: aws sqs get-queue-attributes --attribute-names All --queue-url …";

/// Checks both queues. `timeout` is that of the function in seconds, where it is known.
pub(super) async fn examine(
    deployment: &Deployment,
    source: &DeployedSource,
    timeout: Option<i32>,
    checks: &mut Checks,
) {
    let set = |queue: &Queue, attributes: &Value| {
        let attributes = quoted(&attributes.to_string());
        deployment
            .command(&format!("sqs set-queue-attributes --queue-url {} --attributes {attributes}", queue.url))
    };
    if let Some(found) = attributes(deployment, source, &source.queue, "queue", checks).await {
        checks.add(
            source.name,
            "visibility",
            match timeout {
                Some(timeout) => {
                    let wanted = i64::from(timeout) * 6;
                    judge_visibility(
                        &found,
                        timeout,
                        &set(&source.queue, &json!({"VisibilityTimeout": wanted.to_string()})),
                    )
                }
                None => Verdict::not_checked(
                    "the function's timeout is not known",
                    "see the check of the function first",
                ),
            },
        );
        let redrive = json!({"deadLetterTargetArn": source.dead_letters.arn, "maxReceiveCount": 5});
        let remedy = set(&source.queue, &json!({"RedrivePolicy": redrive.to_string()}));
        checks.add(source.name, "redrive", judge_redrive(&found, &source.dead_letters.arn, &remedy));
        let remedy = set(&source.queue, &json!({"SqsManagedSseEnabled": "true"}));
        checks.add(source.name, "encryption", judge_encryption(&found, &remedy));
        let sender = Sender::of(deployment, source);
        let policy = sender.policy(found.get("Policy").map(String::as_str), &source.queue.arn);
        let remedy = set(&source.queue, &json!({"Policy": policy.to_string()}));
        checks.add(source.name, "sender", judge_sender(&found, &sender, &source.queue.arn, &remedy));
    }
    if let Some(found) =
        attributes(deployment, source, &source.dead_letters, "dead-letter queue", checks).await
    {
        let Deployment { stack, region, .. } = deployment;
        let redrive = format!("lake redrive --stack {stack} --region {region} --source {}", source.name);
        checks.add(source.name, "dead letters", judge_dead_letters(&found, &redrive));
    }
}

/// The attributes of a queue, and the check that it is there.
async fn attributes(
    deployment: &Deployment,
    source: &DeployedSource,
    queue: &Queue,
    check: &'static str,
    checks: &mut Checks,
) -> Option<Attributes> {
    let request = deployment.clients.sqs.get_queue_attributes().queue_url(&queue.url);
    let request = request.attribute_names(QueueAttributeName::All);
    match ask(&format!("sqs:GetQueueAttributes on {}", queue.arn), request.send()).await {
        Err(error) if error.is_absent() => {
            let remedy = format!("{}; it makes the queue again", deployment.redeploy());
            checks.add(source.name, check, Verdict::problem(format!("{} is gone", queue.arn), remedy));
            None
        }
        Err(error) => {
            checks.add(source.name, check, error.not_checked());
            None
        }
        Ok(found) => {
            let found = found.attributes.unwrap_or_default();
            let found: Attributes =
                found.into_iter().map(|(name, value)| (name.as_str().to_owned(), value)).collect();
            let waiting = found.get("ApproximateNumberOfMessages").map_or("?", String::as_str);
            checks.add(source.name, check, Verdict::ok(format!("{waiting} messages wait")));
            Some(found)
        }
    }
}

fn judge_visibility(found: &Attributes, timeout: i32, remedy: &str) -> Verdict {
    let visibility = found.get("VisibilityTimeout").and_then(|text| text.parse::<i64>().ok());
    let Some(visibility) = visibility else {
        return Verdict::not_checked("the queue does not say how long it hides a message", LOOK);
    };
    if visibility >= i64::from(timeout) * 6 {
        return Verdict::ok(format!("{visibility} s, the function's timeout is {timeout} s"));
    }
    Verdict::problem(
        format!(
            "the queue hides a message for {visibility} s, less than six times the function's {timeout} s: a batch \
             that is still at work would be delivered again"
        ),
        remedy,
    )
}

fn judge_redrive(found: &Attributes, dead_letters: &str, remedy: &str) -> Verdict {
    let policy = found.get("RedrivePolicy").and_then(|text| serde_json::from_str::<Value>(text).ok());
    let Some(policy) = policy else {
        return Verdict::problem(
            "the queue has no dead-letter queue: what fails is tried until it is lost",
            remedy,
        );
    };
    if policy["deadLetterTargetArn"] != dead_letters {
        return Verdict::problem(format!("what fails does not go to {dead_letters}"), remedy);
    }
    let count = match &policy["maxReceiveCount"] {
        Value::String(text) => text.parse().unwrap_or_default(),
        number => number.as_i64().unwrap_or_default(),
    };
    if count < 2 {
        return Verdict::problem("a message is given up after one attempt", remedy);
    }
    Verdict::ok(format!("after {count} attempts"))
}

fn judge_encryption(found: &Attributes, remedy: &str) -> Verdict {
    if let Some(key) = found.get("KmsMasterKeyId").filter(|key| !key.is_empty()) {
        return if key.ends_with("alias/aws/sqs") {
            Verdict::problem(format!("with the key {key}, which no service may send with"), remedy)
        } else {
            Verdict::not_checked(
                format!("with the key {key}; whether it admits the sender is not looked at"),
                "see that its policy lets the service that sends use kms:GenerateDataKey and kms:Decrypt",
            )
        };
    }
    match found.get("SqsManagedSseEnabled").map(String::as_str) {
        Some("true") => Verdict::ok("by SQS"),
        Some(_) => Verdict::problem("messages are not encrypted", remedy),
        None => Verdict::not_checked("the queue does not say whether its messages are encrypted", LOOK),
    }
}

/// Who announces objects to the queue.
#[derive(Debug)]
struct Sender {
    service: &'static str,
    /// ARN of the rule, bucket or topic.
    arn: String,
    /// Account of a bucket, whose ARN names none.
    account: Option<String>,
}

impl Sender {
    fn of(deployment: &Deployment, source: &DeployedSource) -> Self {
        let Deployment { partition, region, account, described, .. } = deployment;
        let topic = described.parameter("RawBucketTopicArn").unwrap_or_default();
        if let Ok(rule) = described.resource(&format!("{}ObjectCreatedRule", source.prefix)) {
            let rule = rule.rsplit('|').next().unwrap_or(rule);
            let arn = format!("arn:{partition}:events:{region}:{account}:rule/{rule}");
            return Self { service: "events.amazonaws.com", arn, account: None };
        }
        if !topic.is_empty() {
            return Self { service: "sns.amazonaws.com", arn: topic.to_owned(), account: None };
        }
        Self {
            service: "s3.amazonaws.com",
            arn: format!("arn:{partition}:s3:::{}", source.raw_bucket),
            account: Some(source.raw_account.clone().unwrap_or_else(|| account.clone())),
        }
    }

    /// The queue's policy, with the statements of the template that it lacks.
    fn policy(&self, found: Option<&str>, queue: &str) -> Value {
        let mut policy =
            found.and_then(|text| serde_json::from_str::<Value>(text).ok()).unwrap_or_else(|| {
                let condition = json!({"Bool": {"aws:SecureTransport": "false"}});
                let deny = json!({"Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "sqs:*",
                "Resource": queue, "Condition": condition});
                json!({"Version": "2012-10-17", "Statement": [deny]})
            });
        let mut condition = json!({"ArnEquals": {"aws:SourceArn": self.arn}});
        if let Some(account) = &self.account {
            condition["StringEquals"] = json!({"aws:SourceAccount": account});
        }
        let allow = json!({"Effect": "Allow", "Principal": {"Service": self.service}, "Action": "sqs:SendMessage",
            "Resource": queue, "Condition": condition});
        match &mut policy["Statement"] {
            Value::Array(all) => all.push(allow),
            one => *one = json!([one.take(), allow]),
        }
        policy
    }
}

fn judge_sender(found: &Attributes, sender: &Sender, queue: &str, remedy: &str) -> Verdict {
    let text = found.get("Policy").map(String::as_str).filter(|text| !text.is_empty());
    let Some(text) = text else {
        return Verdict::problem(
            format!("the queue has no policy, so {} may not send to it", sender.arn),
            remedy,
        );
    };
    let Ok(policy) = serde_json::from_str::<Value>(text) else {
        return Verdict::not_checked("the queue's policy is not JSON", LOOK);
    };
    let admits = statements(&policy).any(|one| {
        one.allows()
            && one.is_for_service(sender.service)
            && one.is_about_action("sqs:SendMessage")
            && one.takes("aws:SourceArn", &sender.arn)
            && sender.account.as_ref().is_none_or(|account| one.takes("aws:SourceAccount", account))
            && one.is_about(queue)
    });
    if admits {
        Verdict::ok(format!("{} may send", sender.arn))
    } else {
        Verdict::problem(format!("the queue's policy does not let {} send", sender.arn), remedy)
    }
}

fn judge_dead_letters(found: &Attributes, redrive: &str) -> Verdict {
    let messages = found.get("ApproximateNumberOfMessages").and_then(|text| text.parse::<u64>().ok());
    match messages {
        None => Verdict::not_checked("the queue does not say how many there are", LOOK),
        Some(0) => Verdict::ok("none"),
        Some(messages) => Verdict::problem(
            format!("{messages} announcements were given up; the rows of their objects are not in the lake"),
            format!("{redrive}, which says why; mend that, then the same with --go"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::State;

    fn attributes(pairs: &[(&str, &str)]) -> Attributes {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn six_times_the_timeout() {
        for (visibility, expected) in
            [("1800", State::Ok), ("1799", State::Problem), ("x", State::NotChecked)]
        {
            assert_eq!(
                judge_visibility(&attributes(&[("VisibilityTimeout", visibility)]), 300, "x").state,
                expected
            );
        }
    }

    #[test]
    fn redriving() {
        let judged =
            |policy: &str| judge_redrive(&attributes(&[("RedrivePolicy", policy)]), "arn:d", "x").state;
        assert_eq!(judged(r#"{"deadLetterTargetArn":"arn:d","maxReceiveCount":5}"#), State::Ok);
        assert_eq!(judged(r#"{"deadLetterTargetArn":"arn:d","maxReceiveCount":"5"}"#), State::Ok);
        assert_eq!(judged(r#"{"deadLetterTargetArn":"arn:d","maxReceiveCount":1}"#), State::Problem);
        assert_eq!(judged(r#"{"deadLetterTargetArn":"arn:x","maxReceiveCount":5}"#), State::Problem);
        assert_eq!(judge_redrive(&Attributes::new(), "arn:d", "x").state, State::Problem);
    }

    #[test]
    fn encryption() {
        let judged = |pairs| judge_encryption(&attributes(pairs), "x").state;
        assert_eq!(judged(&[("SqsManagedSseEnabled", "true")]), State::Ok);
        assert_eq!(judged(&[("KmsMasterKeyId", "k")]), State::NotChecked);
        assert_eq!(judged(&[("KmsMasterKeyId", "alias/aws/sqs")]), State::Problem);
        assert_eq!(judged(&[("SqsManagedSseEnabled", "false")]), State::Problem);
        assert_eq!(judged(&[]), State::NotChecked);
    }

    #[test]
    fn the_remedy_admits_the_sender() {
        let arn = "arn:aws:s3:::raw-logs".to_owned();
        let sender = Sender { service: "s3.amazonaws.com", arn, account: Some("111122223333".into()) };
        let judged =
            |policy: &str| judge_sender(&attributes(&[("Policy", policy)]), &sender, "arn:q", "x").state;
        let others = r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"arn:q"}}"#;
        let wrong_account = r#"{"Statement":{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sqs:Send*","Resource":"arn:q","Condition":{"StringEquals":{"aws:SourceAccount":"444455556666"}}}}"#;
        for found in [None, Some(others), Some(wrong_account)] {
            assert_eq!(judged(found.unwrap_or_default()), State::Problem);
            assert_eq!(judged(&sender.policy(found, "arn:q").to_string()), State::Ok);
        }
        assert_eq!(judged("x"), State::NotChecked);
    }

    #[test]
    fn dead_letters() {
        let judged = |count| {
            judge_dead_letters(&attributes(&[("ApproximateNumberOfMessages", count)]), "lake redrive")
        };
        assert_eq!(judged("0").state, State::Ok);
        assert!(judged("3").remedy.unwrap().starts_with("lake redrive, "));
    }
}
