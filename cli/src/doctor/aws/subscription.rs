//! The subscription of a source's queue to the topic that announces its objects, if there is one.

use aws_sdk_sns::types::Subscription;

use super::{Checks, DeployedSource, Deployment, Verdict, ask};

/// Checks the subscription, if the stack names a topic.
pub(super) async fn examine(deployment: &Deployment, source: &DeployedSource, checks: &mut Checks) {
    let parameter = |name: &str| deployment.described.parameter(name).unwrap_or_default();
    let topic = parameter("RawBucketTopicArn");
    if topic.is_empty() || parameter("NotificationMode") == "EventBridge" {
        return;
    }
    let verdict = match subscriptions(deployment, topic).await {
        Err(verdict) => verdict,
        Ok(found) => {
            let command = deployment.described.output(&format!("{}NotificationCommand", source.prefix));
            let subscribe = deployment.command(command.unwrap_or_default().trim_start_matches("aws "));
            match of_queue(&found, &source.queue.arn) {
                Some(arn) if arn.starts_with("arn:") => filter(deployment, arn, topic).await,
                pending => judge(pending.is_some(), topic, &subscribe),
            }
        }
    };
    checks.add(source.name, "subscription", verdict);
}

async fn subscriptions(deployment: &Deployment, topic: &str) -> Result<Vec<Subscription>, Verdict> {
    let request = deployment.clients.sns.list_subscriptions_by_topic().topic_arn(topic);
    let mut pages = request.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let permission = format!("sns:ListSubscriptionsByTopic on {topic}");
        match ask(&permission, std::future::ready(page)).await {
            Ok(page) => found.extend(page.subscriptions.unwrap_or_default()),
            Err(error) if error.is_absent() => {
                let remedy =
                    "make the topic again, or deploy with the RawBucketTopicArn that announces the objects";
                return Err(Verdict::problem(format!("there is no topic {topic}"), remedy));
            }
            Err(error) => return Err(error.not_checked()),
        }
    }
    Ok(found)
}

/// The ARN of a queue's subscription, or the word that SNS has instead until it is confirmed.
fn of_queue<'a>(found: &'a [Subscription], queue: &str) -> Option<&'a str> {
    let is_it = |one: &&Subscription| one.protocol() == Some("sqs") && one.endpoint() == Some(queue);
    let mut arns: Vec<&str> = found.iter().filter(is_it).filter_map(Subscription::subscription_arn).collect();
    arns.sort_by_key(|arn| !arn.starts_with("arn:"));
    arns.first().copied().filter(|arn| *arn != "Deleted")
}

fn judge(is_pending: bool, topic: &str, subscribe: &str) -> Verdict {
    let found = if is_pending {
        format!("the queue's subscription to {topic} is not confirmed: nothing is sent to it")
    } else {
        format!("the queue has not subscribed to {topic}: nothing is announced to it")
    };
    Verdict::problem(found, subscribe)
}

/// Whether a subscription lets everything pass.
async fn filter(deployment: &Deployment, subscription: &str, topic: &str) -> Verdict {
    let asked = deployment.clients.sns.get_subscription_attributes().subscription_arn(subscription).send();
    match ask(&format!("sns:GetSubscriptionAttributes on {subscription}"), asked).await {
        Err(error) => error.not_checked(),
        Ok(found) => {
            let attributes = found.attributes.unwrap_or_default();
            let filter = attributes.get("FilterPolicy").map(String::as_str);
            judge_filter(filter, topic, |words: &str| {
                deployment.command(&format!(
                    "sns set-subscription-attributes --subscription-arn {subscription} {words}"
                ))
            })
        }
    }
}

/// Judges a filter policy; `set` makes the command that changes an attribute of the subscription.
fn judge_filter(filter: Option<&str>, topic: &str, set: impl Fn(&str) -> String) -> Verdict {
    match filter {
        None | Some("" | "{}") => Verdict::ok(format!("to {topic}")),
        Some(_) => Verdict::not_checked(
            format!("the queue has subscribed to {topic} with a filter, and gets only what that lets pass"),
            format!(
                "see that it is meant; without a filter: {}",
                set("--attribute-name FilterPolicy --attribute-value '{}'")
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::State;

    fn subscription(protocol: &str, endpoint: &str, arn: &str) -> Subscription {
        Subscription::builder().protocol(protocol).endpoint(endpoint).subscription_arn(arn).build()
    }

    #[test]
    fn whose_it_is() {
        let found = [
            subscription("sqs", "arn:aws:sqs:us-east-1:111122223333:other", "arn:1"),
            subscription("lambda", "q", "arn:2"),
            subscription("sqs", "q", "PendingConfirmation"),
        ];
        assert_eq!(of_queue(&found, "q"), Some("PendingConfirmation"));
        let confirmed = [found[2].clone(), subscription("sqs", "q", "arn:3")];
        assert_eq!(of_queue(&confirmed, "q"), Some("arn:3"));
        assert_eq!(of_queue(&[subscription("sqs", "q", "Deleted")], "q"), None);
        assert_eq!(of_queue(&[], "q"), None);
        assert_eq!(judge(true, "t", "subscribe").state, State::Problem);
        assert_eq!(judge(false, "t", "subscribe").remedy.as_deref(), Some("subscribe"));
    }

    #[test]
    fn what_a_filter_keeps_back_cannot_be_told() {
        let judged = |filter| judge_filter(filter, "t", |words: &str| words.to_owned()).state;
        assert_eq!([judged(None), judged(Some("{}"))], [State::Ok, State::Ok]);
        assert_eq!(judged(Some(r#"{"a":["b"]}"#)), State::NotChecked);
    }
}
