//! The raw bucket of a source, and whether it announces its objects.

use aws_sdk_s3::operation::get_bucket_notification_configuration::GetBucketNotificationConfigurationOutput;
use aws_sdk_s3::types::{Event, FilterRuleName, NotificationConfigurationFilter};

use super::{Checks, DeployedSource, Deployment, Verdict, ask};
use crate::deployment::matches;

/// Checks the bucket of a source.
pub(super) async fn examine(deployment: &Deployment, source: &DeployedSource, checks: &mut Checks) {
    let (s3, bucket) = (&deployment.clients.s3, source.raw_bucket.as_str());
    let head = ask(&format!("s3:ListBucket on {bucket}"), s3.head_bucket().bucket(bucket).send()).await;
    let verdict = match head {
        Ok(head) => judge_bucket(bucket, head.bucket_region(), &deployment.region),
        Err(error) if error.is_absent() => Verdict::problem(
            format!("{bucket} does not exist"),
            format!(
                "deploy with the bucket that the logs are in: {}BucketName or RawBucketName",
                source.prefix
            ),
        ),
        // S3 refuses a call that goes to another region than the bucket's.
        Err(error) if error.is_elsewhere(&deployment.region) => {
            judge_bucket(bucket, error.bucket_region.as_deref(), &deployment.region)
        }
        Err(error) => error.not_checked(),
    };
    checks.add(source.name, "raw bucket", verdict);

    let asked = s3.get_bucket_notification_configuration().bucket(bucket).send();
    let verdict = match ask(&format!("s3:GetBucketNotification on {bucket}"), asked).await {
        Err(error) => error.not_checked(),
        Ok(found) => judge(&Announcements::of(&found), &Wanted::of(deployment, source)),
    };
    checks.add(source.name, "notification", verdict);
}

fn judge_bucket(bucket: &str, found: Option<&str>, wanted: &str) -> Verdict {
    match found {
        Some(found) if found != wanted => Verdict::problem(
            format!("{bucket} is in {found}; events of another region do not reach the stack"),
            format!("deploy a stack in {found}, or have the logs written to a bucket in {wanted}"),
        ),
        Some(_) => Verdict::ok(bucket),
        None => Verdict::not_checked(
            format!("{bucket} does not say which region it is in"),
            format!("see that it is {wanted}: aws s3api get-bucket-location --bucket {bucket}"),
        ),
    }
}

/// What a bucket announces, and to whom.
#[derive(Debug, Default, PartialEq, Eq)]
struct Announcements {
    event_bridge: bool,
    targets: Vec<Target>,
}

/// A queue or topic that a bucket sends to.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    arn: String,
    /// True if it is told of every way in which an object comes into being.
    all_created: bool,
    prefix: String,
    suffix: String,
}

impl Target {
    fn of(arn: &str, events: &[Event], filter: Option<&NotificationConfigurationFilter>) -> Self {
        let rules = filter
            .and_then(|filter| filter.key())
            .map(aws_sdk_s3::types::S3KeyFilter::filter_rules)
            .unwrap_or_default();
        let value = |name: &FilterRuleName| {
            let is_it = |found: &&FilterRuleName| found.as_str().eq_ignore_ascii_case(name.as_str());
            let rule = rules.iter().find(|rule| rule.name().as_ref().is_some_and(is_it));
            rule.and_then(|rule| rule.value()).unwrap_or_default().to_owned()
        };
        Self {
            arn: arn.to_owned(),
            all_created: events.iter().any(|event| event.as_str() == "s3:ObjectCreated:*"),
            prefix: value(&FilterRuleName::Prefix),
            suffix: value(&FilterRuleName::Suffix),
        }
    }
}

impl Announcements {
    fn of(found: &GetBucketNotificationConfigurationOutput) -> Self {
        let queues = found
            .queue_configurations()
            .iter()
            .map(|one| Target::of(one.queue_arn(), one.events(), one.filter()));
        let topics = found
            .topic_configurations()
            .iter()
            .map(|one| Target::of(one.topic_arn(), one.events(), one.filter()));
        let targets = queues.chain(topics).collect();
        Self { event_bridge: found.event_bridge_configuration().is_some(), targets }
    }
}

/// How the stack expects objects to be announced.
#[derive(Debug)]
struct Wanted<'a> {
    /// The queue or topic; `None` for EventBridge.
    target: Option<&'a str>,
    /// True if AWS's service may send to the topic instead of the bucket.
    may_be_announced_by_its_trail: bool,
    /// Pattern of the keys.
    keys: &'a str,
    /// The command that sets it up where there is nothing yet.
    command: String,
}

impl<'a> Wanted<'a> {
    fn of(deployment: &'a Deployment, source: &'a DeployedSource) -> Self {
        let parameter = |name: &str| deployment.described.parameter(name).unwrap_or_default();
        let topic = parameter("RawBucketTopicArn");
        let target = match parameter("NotificationMode") {
            "EventBridge" => None,
            _ if topic.is_empty() => Some(source.queue.arn.as_str()),
            _ => Some(topic),
        };
        let command = deployment.described.output(&format!("{}NotificationCommand", source.prefix));
        let may_be_announced_by_its_trail = source.name == "cloudtrail" && target == Some(topic);
        Self {
            target,
            may_be_announced_by_its_trail,
            keys: &source.keys,
            command: command.unwrap_or_default().to_owned(),
        }
    }
}

fn judge(found: &Announcements, wanted: &Wanted<'_>) -> Verdict {
    let nothing_yet = !found.event_bridge && found.targets.is_empty();
    let set_up = |what: &str| {
        if nothing_yet && !wanted.command.contains("sns subscribe") {
            wanted.command.clone()
        } else {
            // The command puts a whole configuration and would take away what is there.
            format!(
                "add {what} to what the bucket has (`aws s3api get-bucket-notification-configuration`) and put it back"
            )
        }
    };
    let Some(arn) = wanted.target else {
        return if found.event_bridge {
            Verdict::ok("to EventBridge")
        } else {
            let remedy = set_up("\"EventBridgeConfiguration\":{}");
            Verdict::problem("the bucket does not send its events to EventBridge", remedy)
        };
    };
    let Some(target) = found.targets.iter().find(|target| target.arn == arn) else {
        if wanted.may_be_announced_by_its_trail {
            return Verdict::not_checked(
                format!("the bucket announces nothing to {arn}; the trail may do so itself"),
                "see that the trail names the topic: aws cloudtrail describe-trails --query 'trailList[].SnsTopicARN'",
            );
        }
        let configuration = format!("a configuration for s3:ObjectCreated:* with {arn}");
        return Verdict::problem(format!("the bucket announces nothing to {arn}"), set_up(&configuration));
    };
    if !target.all_created {
        let remedy = format!("give its configuration for {arn} the event s3:ObjectCreated:*");
        return Verdict::problem("not every new object is announced", remedy);
    }
    let prefix = wanted.keys.split('*').next().unwrap_or_default();
    if !prefix.starts_with(&target.prefix) && !matches(wanted.keys, &target.prefix) {
        let found = format!("announced are keys with the prefix {}, expected {}", target.prefix, wanted.keys);
        return Verdict::problem(found, format!("give its configuration for {arn} the prefix {prefix}"));
    }
    let narrower = if prefix.starts_with(&target.prefix) && target.suffix.is_empty() {
        String::new()
    } else {
        format!(", but only keys {}*{}", target.prefix, target.suffix)
    };
    Verdict::ok(format!("to {arn}{narrower}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::State;

    const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:lake-cloudtrail";

    fn wanted(target: Option<&str>) -> Wanted<'_> {
        let command = "aws s3api put".to_owned();
        Wanted { target, may_be_announced_by_its_trail: false, keys: "AWSLogs/*/CloudTrail/*", command }
    }

    fn to_queue(all_created: bool, prefix: &str) -> Announcements {
        let (arn, prefix) = (QUEUE.to_owned(), prefix.to_owned());
        let target = Target { arn, all_created, prefix, suffix: String::new() };
        Announcements { event_bridge: false, targets: vec![target] }
    }

    #[test]
    fn by_event_bridge() {
        let on = Announcements { event_bridge: true, targets: Vec::new() };
        assert_eq!(judge(&on, &wanted(None)).state, State::Ok);
        let nothing = judge(&Announcements::default(), &wanted(None));
        assert_eq!((nothing.state, nothing.remedy.as_deref()), (State::Problem, Some("aws s3api put")));
        // The command would take the other configuration away.
        let other = judge(&to_queue(true, ""), &wanted(None));
        assert!(other.state == State::Problem && other.remedy.unwrap().starts_with("add "));
    }

    #[test]
    fn to_a_queue() {
        for (found, expected) in [
            (to_queue(true, ""), State::Ok),
            (to_queue(true, "AWSLogs/"), State::Ok),
            (to_queue(true, "AWSLogs/111122223333/CloudTrail/"), State::Ok),
            (to_queue(true, "other/"), State::Problem),
            (to_queue(false, ""), State::Problem),
            (Announcements { event_bridge: true, targets: Vec::new() }, State::Problem),
        ] {
            assert_eq!(judge(&found, &wanted(Some(QUEUE))).state, expected, "{found:?}");
        }
        // CloudTrail can send to a topic itself, which the bucket does not know.
        let by_trail = Wanted { may_be_announced_by_its_trail: true, ..wanted(Some(QUEUE)) };
        assert_eq!(judge(&Announcements::default(), &by_trail).state, State::NotChecked);
    }

    #[test]
    fn regions() {
        assert_eq!(judge_bucket("b", Some("eu-west-1"), "us-east-1").state, State::Problem);
        assert_eq!(judge_bucket("b", Some("us-east-1"), "us-east-1").state, State::Ok);
        assert_eq!(judge_bucket("b", None, "us-east-1").state, State::NotChecked);
    }
}
