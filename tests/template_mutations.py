"""Templates that break a rule: for each rule of template_rules.py what is broken, how, and what the rule must say."""

import json

from cloudformation import RAW
from template_rules import (
    alarms_say_what_to_do,
    buckets_are_private_and_kept,
    functions_are_fed_by_a_queue,
    functions_follow_the_parameters,
    functions_log_where_logs_end,
    ledgers_forget_after_a_while,
    mappings_settle_message_by_message,
    only_tls_is_spoken,
    outputs_name_what_an_operator_needs,
    parameters_are_explained_and_bounded,
    queues_have_a_dead_letter_queue,
    queues_outlast_their_functions,
    roles_have_least_privilege,
    rules_announce_the_logs,
    senders_are_bound,
    sources_have_a_switch,
    stores_are_encrypted,
    streams_write_where_functions_read,
)


def properties(template: dict, name: str) -> dict:
    return template["Resources"][name]["Properties"]


def statements(template: dict, name: str, policy: int = 0) -> list:
    """The statements of a policy resource, or of one policy of a role."""
    of = properties(template, name)
    document = of["Policies"][policy]["PolicyDocument"] if "Policies" in of else of["PolicyDocument"]
    return document["Statement"]


def remove(resource: str):
    def mutate(template: dict):
        del template["Resources"][resource]
        outputs = template["Outputs"].items()
        template["Outputs"] = {name: one for name, one in outputs if resource not in json.dumps(one)}

    return mutate


def drop(resource: str, name: str):
    return lambda template: properties(template, resource).pop(name)


def change(resource: str, **values):
    return lambda template: properties(template, resource).update(values)


def change_all(**values):
    return lambda template: template["Globals"]["Function"].update(values)


def destination(template: dict, source: str) -> dict:
    return properties(template, f"{source}Delivery")["ExtendedS3DestinationConfiguration"]


def change_role(policy: int, **values):
    return lambda template: statements(template, "CloudTrailRole", policy)[0].update(values)


ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"

# For each rule: what is broken, how, and what the rule must say.
MUTATIONS = {
    sources_have_a_switch: [
        (
            "an alarm stays without its source",
            lambda template: template["Resources"]["WafErrorsAlarm"].pop("Condition"),
            "WafErrorsAlarm stays when Waf is switched off",
        ),
        (
            "an output stays without its source",
            lambda template: template["Outputs"]["Route53RoleArn"].pop("Condition"),
            "Route53RoleArn stays",
        ),
        (
            "a source hangs on another's switch",
            lambda template: template["Resources"]["VpcFlowQueue"].update(Condition="Route53"),
            "VpcFlowQueue goes when Route53 is switched off",
        ),
    ],
    rules_announce_the_logs: [
        (
            "a rule takes every object",
            lambda template: properties(template, "VpcFlowObjectCreatedRule")["EventPattern"]["detail"].pop("object"),
            "VpcFlowObjectCreatedRule announces others",
        ),
        (
            "a rule sends to another's queue",
            lambda template: properties(template, "WafObjectCreatedRule")["Targets"][0].update(
                Arn={"Fn::GetAtt": ["VpcFlowQueue", "Arn"]}
            ),
            "does not send to the queue of Waf",
        ),
        (
            "a rule loses what it cannot deliver",
            lambda template: properties(template, "WafObjectCreatedRule")["Targets"][0].pop("DeadLetterConfig"),
            "does not send to the queue of Waf",
        ),
    ],
    streams_write_where_functions_read: [
        (
            "a stream writes elsewhere",
            lambda template: destination(template, "SecurityHub").update(Prefix="findings/"),
            "where the function of SecurityHub does not read",
        ),
        (
            "what failed lies among the logs",
            lambda template: destination(template, "EksAudit").update(ErrorOutputPrefix="eks-audit/failed/"),
            "among the logs",
        ),
        (
            "a stream fails in silence",
            lambda template: destination(template, "EksAudit").pop("CloudWatchLoggingOptions"),
            "does not say why",
        ),
    ],
    ledgers_forget_after_a_while: [
        (
            "a ledger grows for ever",
            drop("Route53Ledger", "TimeToLiveSpecification"),
            "Route53Ledger never forgets",
        ),
        (
            "a function has another's ledger",
            lambda template: properties(template, "WafFunction")["Environment"]["Variables"].update(
                LEDGER_TABLE={"Ref": "VpcFlowLedger"}
            ),
            "WafFunction has no ledger of its own",
        ),
    ],
    functions_follow_the_parameters: [
        (
            "a function reads another's bucket",
            lambda template: properties(template, "WafFunction")["Environment"]["Variables"].update(RAW_BUCKETS="x"),
            "WafFunction reads another bucket",
        ),
        (
            "a function has its tables fixed",
            lambda template: properties(template, "Route53Function")["Environment"]["Variables"].update(
                SOURCES="ROUTE53@1.0"
            ),
            "ignores Route53Tables",
        ),
        ("the runtime has a typing error", change_all(Runtime="provided.al2032"), "provided.al2023"),
        ("the architecture is fixed", change_all(Architectures=["arm64"]), "Architecture"),
        ("concurrency is reserved", change("CloudTrailFunction", ReservedConcurrentExecutions=5), "reserves"),
    ],
    functions_are_fed_by_a_queue: [
        ("nothing feeds the function", remove("CloudTrailEventSourceMapping"), "0 event source mappings"),
    ],
    mappings_settle_message_by_message: [
        (
            "partial failures are not reported",
            drop("CloudTrailEventSourceMapping", "FunctionResponseTypes"),
            "partial failures",
        ),
        ("concurrency has no bound", drop("CloudTrailEventSourceMapping", "ScalingConfig"), "no bound"),
        ("the batch size is fixed", change("CloudTrailEventSourceMapping", BatchSize=10), "BatchSize"),
    ],
    queues_outlast_their_functions: [
        (
            "visibility is too short for one timeout",
            lambda template: template["Mappings"]["VisibilityByTimeout"]["600"].update(Seconds=3600),
            "timeout of 600 s",
        ),
        ("visibility is the default", drop("CloudTrailQueue", "VisibilityTimeout"), "30 s"),
    ],
    queues_have_a_dead_letter_queue: [
        ("there is no dead-letter queue", drop("CloudTrailQueue", "RedrivePolicy"), "no dead-letter queue"),
        (
            "messages are given up too soon",
            lambda template: properties(template, "CloudTrailQueue")["RedrivePolicy"].update(maxReceiveCount=3),
            "fewer than 5",
        ),
        ("what failed is kept for 4 days", drop("CloudTrailDeadLetterQueue", "MessageRetentionPeriod"), "345600"),
        ("any queue may use it", drop("CloudTrailDeadLetterQueue", "RedriveAllowPolicy"), "used by others"),
    ],
    stores_are_encrypted: [
        ("a queue is not encrypted", drop("CloudTrailQueue", "SqsManagedSseEnabled"), "CloudTrailQueue"),
        (
            "a stream is not encrypted",
            drop("EksAuditDelivery", "DeliveryStreamEncryptionConfigurationInput"),
            "EksAuditDelivery",
        ),
        ("the lake is not encrypted", drop("LakeBucket", "BucketEncryption"), "LakeBucket"),
    ],
    buckets_are_private_and_kept: [
        ("the lake has another name", change("LakeBucket", BucketName="my-lake"), "named"),
        ("the lake is not versioned", drop("LakeBucket", "VersioningConfiguration"), "versioned"),
        (
            "the lake may become public",
            change("LakeBucket", PublicAccessBlockConfiguration={"BlockPublicAcls": True}),
            "public",
        ),
        ("the lake takes foreign objects", drop("LakeBucket", "OwnershipControls"), "others own"),
        ("broken uploads stay", drop("LakeBucket", "LifecycleConfiguration"), "uploads"),
        ("the lake goes", lambda template: template["Resources"]["LakeBucket"].pop("DeletionPolicy"), "goes with"),
    ],
    only_tls_is_spoken: [
        ("the lake speaks plain http", remove("LakeBucketPolicy"), "LakeBucket"),
        (
            "the lake's objects do",
            lambda template: statements(template, "LakeBucketPolicy")[0]["Resource"].pop(),
            "LakeBucket",
        ),
        (
            "the lake speaks an old TLS",
            lambda template: statements(template, "LakeBucketPolicy").pop(1),
            "TLS of before 1.2",
        ),
        ("the queue does", lambda template: statements(template, "CloudTrailQueuePolicy").pop(0), "CloudTrailQueue"),
    ],
    senders_are_bound: [
        (
            "any rule may send",
            lambda template: statements(template, "CloudTrailQueuePolicy")[1]["Fn::If"][1].pop("Condition"),
            "any source",
        ),
    ],
    roles_have_least_privilege: [
        ("the role may read all", change_role(0, Resource="*"), "something on *"),
        ("the role may read logs of any account", change_role(0, Resource=f"arn:aws:s3:::{RAW}/AWSLogs/*/x/*"), "/x/*"),
        (
            "anybody may have the stream write",
            lambda template: properties(template, "EksAuditDeliveryRole")["AssumeRolePolicyDocument"]["Statement"][
                0
            ].pop("Condition"),
            "EksAuditDeliveryRole may be used for any account",
        ),
        ("the role may do all to the lake", change_role(1, Action="s3:*"), "s3:*"),
        ("the role may not do something", change_role(2, NotAction="glue:DeleteTable"), "everything but"),
        ("a policy is not shown", change("CloudTrailRole", ManagedPolicyArns=[ADMINISTRATOR]), "does not show"),
        ("the role is SAM's", drop("CloudTrailFunction", "Role"), "CloudTrailFunctionRole has policies"),
        (
            "two functions share a role",
            lambda template: template["Resources"].update(Other=template["Resources"]["CloudTrailFunction"]),
            "role of its own",
        ),
    ],
    functions_log_where_logs_end: [
        ("the log is Lambda's own", drop("CloudTrailFunction", "LoggingConfig"), "no log group"),
        ("the log is kept for ever", drop("CloudTrailLogGroup", "RetentionInDays"), "for ever"),
        ("a stream's log is kept for ever", drop("EksAuditDeliveryLogGroup", "RetentionInDays"), "for ever"),
    ],
    alarms_say_what_to_do: [
        ("dead letters are not watched", remove("CloudTrailDeadLetterAlarm"), "dead-letter queue"),
        ("some dead letters are tolerated", change("CloudTrailDeadLetterAlarm", Threshold=10), "dead-letter queue"),
        ("age is not watched", remove("CloudTrailMessageAgeAlarm"), "late"),
        ("a stream is not watched", remove("SecurityHubDeliveryAlarm"), "SecurityHubDelivery cannot write"),
        ("panics are not watched", remove("WafPanicsAlarm"), "Panics of WafFunction"),
        ("lag is not watched", remove("WafLagAlarm"), "Lag of WafFunction"),
        ("silence is not seen", change("CloudTrailSilenceAlarm", TreatMissingData="missing"), "silent"),
        ("an alarm has no remedy", change("CloudTrailErrorsAlarm", AlarmDescription="errors"), "CloudTrailErrorsAlarm"),
    ],
    parameters_are_explained_and_bounded: [
        (
            "a parameter takes anything",
            lambda template: template["Parameters"]["RawBucketName"].pop("AllowedPattern"),
            "RawBucketName",
        ),
    ],
    outputs_name_what_an_operator_needs: [
        (
            "an output is missing",
            lambda template: template["Outputs"].pop("CloudTrailDeadLetterQueueUrl"),
            "CloudTrailDeadLetterQueueUrl",
        ),
    ],
}
