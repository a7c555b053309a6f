"""The rules that a deployment keeps. Each answers what is wrong with a template in one of its variants, if anything."""

import re

from cloudformation import ACCOUNT, ALARM, BUCKET, FUNCTION, LEDGER, MAPPING, QUEUE, SOURCES, STREAM, Plan

# Grants of a role that cannot be narrower: (role, action or resource) and the reason. There is none yet.
WILDCARDS_ALLOWED: dict[tuple[str, str], str] = {}


def listed(value) -> list:
    return value if isinstance(value, list) else [value]


def sources(plan: Plan) -> list[str]:
    """The queues that functions are fed from."""
    return [mapping["EventSourceArn"].removesuffix(".Arn") for mapping in plan.resources(MAPPING).values()]


def dead_letter_queue(plan: Plan, queue: str) -> str | None:
    target = plan.properties(queue).get("RedrivePolicy", {}).get("deadLetterTargetArn", "")
    name = target.removesuffix(".Arn")
    return name if name in plan.resources(QUEUE) else None


def sources_have_a_switch(plan: Plan):
    """With Enable<Source> everything of a source goes, and nothing else does."""
    for source in SOURCES:
        off = Plan(plan.template, {**plan.parameters, f"Enable{source.name}": "false"})
        for kind in ("Resources", "Outputs"):
            for name in plan.template[kind]:
                if name.startswith(source.name):
                    if off.exists(name):
                        yield f"{name} stays when {source.name} is switched off"
                elif off.exists(name) != plan.exists(name):
                    yield f"{name} goes when {source.name} is switched off"
    for source in plan.enabled():
        if f"{source.name}Function" not in plan.resources(FUNCTION):
            yield f"{source.name} is switched on and has no function"


def functions_follow_the_parameters(plan: Plan):
    for name in plan.resources(FUNCTION):
        function = plan.template["Resources"][name]["Properties"]
        if (function.get("Runtime"), function.get("Handler")) != ("provided.al2023", "bootstrap"):
            yield f"{name} does not run bootstrap on provided.al2023"
        if function.get("Architectures") != [{"Ref": "Architecture"}]:
            yield f"{name} ignores Architecture"
        for parameter in ("MemorySize", "Timeout"):
            if function.get(parameter) != {"Ref": parameter}:
                yield f"{name} ignores {parameter}"
        if "ReservedConcurrentExecutions" in function:
            yield f"{name} reserves concurrency: messages reach the dead-letter queue untried"
    for source in plan.enabled():
        variables = plan.properties(f"{source.name}Function")["Environment"]["Variables"]
        if variables["RAW_BUCKETS"] != plan.bucket(source):
            yield f"{source.name}Function reads another bucket than its source is written to"
        tables = f"{source.name}Tables"
        chosen = plan.ref(tables) if tables in plan.template["Parameters"] else f"{source.tables[0]}@2.0"
        if variables["SOURCES"] != chosen:
            yield f"{source.name}Function ignores {tables}"


def rules_announce_the_logs(plan: Plan):
    """A source's rule takes the objects that its function may read, and no others."""
    for source in plan.enabled():
        name = f"{source.name}ObjectCreatedRule"
        if plan.ref("NotificationMode") == "Queue":
            if plan.exists(name):
                yield f"{name} announces although another way was asked for"
            continue
        pattern = {
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {
                "bucket": {"name": [plan.bucket(source)]},
                "object": {"key": [{"wildcard": plan.ref(f"{source.name}Keys")}]},
            },
        }
        if plan.properties(name)["EventPattern"] != pattern:
            yield f"{name} announces others than the logs of {source.name}"
        (target,) = plan.properties(name)["Targets"]
        dead = f"{source.name}DeadLetterQueue.Arn"
        if (target["Arn"], target.get("DeadLetterConfig")) != (f"{source.name}Queue.Arn", {"Arn": dead}):
            yield f"{name} does not send to the queue of {source.name}"


def ledgers_forget_after_a_while(plan: Plan):
    for source in plan.enabled():
        name = f"{source.name}Ledger"
        variables = plan.properties(f"{source.name}Function")["Environment"]["Variables"]
        if variables.get("LEDGER_TABLE") != name or name not in plan.resources(LEDGER):
            yield f"{source.name}Function has no ledger of its own"
            continue
        table = plan.properties(name)
        if table["KeySchema"] != [{"AttributeName": "id", "KeyType": "HASH"}]:
            yield f"{name} has another key than the code"
        if table.get("TimeToLiveSpecification") != {"AttributeName": "expires", "Enabled": True}:
            yield f"{name} never forgets"
        if table.get("BillingMode") != "PAY_PER_REQUEST":
            yield f"{name} refuses calls when there are many"


def streams_write_where_functions_read(plan: Plan):
    for name, stream in plan.resources(STREAM).items():
        source = next(source for source in SOURCES if name.startswith(source.name))
        target = stream["ExtendedS3DestinationConfiguration"]
        if target["BucketARN"] != f"arn:aws:s3:::{plan.bucket(source)}":
            yield f"{name} writes to another bucket than the function of {source.name} reads"
        if target["Prefix"] + "*" != plan.ref(f"{source.name}Keys"):
            yield f"{name} writes where the function of {source.name} does not read"
        if target["ErrorOutputPrefix"].startswith(target["Prefix"]):
            yield f"{name} puts what failed among the logs"
        if target["RoleARN"] != f"{source.name}DeliveryRole.Arn":
            yield f"{name} has no role of its own"
        if not target.get("CloudWatchLoggingOptions", {}).get("Enabled"):
            yield f"{name} does not say why it fails"


def functions_are_fed_by_a_queue(plan: Plan):
    fed = [mapping["FunctionName"] for mapping in plan.resources(MAPPING).values()]
    for name in plan.resources(FUNCTION):
        if fed.count(name) != 1:
            yield f"{name} has {fed.count(name)} event source mappings, expected one"
    for queue in sources(plan):
        if queue not in plan.resources(QUEUE):
            yield f"{queue} is no queue of the template"


def mappings_settle_message_by_message(plan: Plan):
    for name, mapping in plan.resources(MAPPING).items():
        if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield f"{name} does not report partial failures"
        if int(mapping.get("ScalingConfig", {}).get("MaximumConcurrency", 0)) < 2:
            yield f"{name} has no bound on concurrency"
        settings = plan.template["Resources"][name]["Properties"]
        for setting, parameter in {
            "BatchSize": "BatchSize",
            "MaximumBatchingWindowInSeconds": "BatchWindow",
            "Enabled": "ProcessingEnabled",
        }.items():
            if settings.get(setting) != {"Ref": parameter}:
                yield f"{name} ignores {parameter}"


def queues_outlast_their_functions(plan: Plan):
    parameters = plan.template["Parameters"]
    for name in sources(plan):
        for timeout in parameters["Timeout"]["AllowedValues"]:
            at = Plan(plan.template, {**plan.parameters, "Timeout": timeout})
            visibility = int(at.properties(name).get("VisibilityTimeout", 30))
            if not 6 * timeout + parameters["BatchWindow"]["MaxValue"] <= visibility <= 43200:
                yield f"{name} hides messages for {visibility} s, too short for a timeout of {timeout} s"


def queues_have_a_dead_letter_queue(plan: Plan):
    queues = plan.resources(QUEUE)
    for name in sources(plan):
        queue, dead = queues[name], dead_letter_queue(plan, name)
        if dead is None:
            yield f"{name} has no dead-letter queue"
            continue
        if int(queue["RedrivePolicy"].get("maxReceiveCount", 0)) < 5:
            yield f"{name} gives up after fewer than 5 deliveries"
        kept = int(queues[dead].get("MessageRetentionPeriod", 345600))
        if kept < 1209600 or kept <= int(queue.get("MessageRetentionPeriod", 345600)):
            yield f"{dead} keeps messages for {kept} s, expected 14 days and more than its source"
        allowed = queues[dead].get("RedriveAllowPolicy", {})
        arn = f"arn:aws:sqs:{plan.region}:{ACCOUNT}:{queue.get('QueueName')}"
        if allowed != {"redrivePermission": "byQueue", "sourceQueueArns": [arn]}:
            yield f"{dead} may be used by others than {name}"


def stores_are_encrypted(plan: Plan):
    for name, queue in plan.resources(QUEUE).items():
        if queue.get("SqsManagedSseEnabled") is not True and not queue.get("KmsMasterKeyId"):
            yield f"{name} is not encrypted"
    for name, stream in plan.resources(STREAM).items():
        if not stream.get("DeliveryStreamEncryptionConfigurationInput", {}).get("KeyType"):
            yield f"{name} is not encrypted"
    key = plan.ref("LakeKmsKeyArn")
    for name, bucket in plan.resources(BUCKET).items():
        rules = bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
        found = [rule["ServerSideEncryptionByDefault"] for rule in rules]
        own = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} if key else {"SSEAlgorithm": "AES256"}
        if found != [own] or (key and not rules[0].get("BucketKeyEnabled")):
            yield f"{name} is not encrypted with {key or 'keys of S3'}"
    for name, function in plan.resources(FUNCTION).items():
        if function["Environment"]["Variables"].get("KMS_KEY_ID") != (key or None):
            yield f"{name} writes with another key than {key or 'that of the bucket'}"


def buckets_are_private_and_kept(plan: Plan):
    for name, bucket in plan.resources(BUCKET).items():
        if not re.match(rf"aws-security-data-lake-{plan.region}-[a-z0-9]", bucket.get("BucketName", "")):
            yield f"{name} is not named as readers of Security Lake expect"
        if bucket.get("VersioningConfiguration") != {"Status": "Enabled"}:
            yield f"{name} is not versioned"
        block = bucket.get("PublicAccessBlockConfiguration", {})
        settings = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        if not all(block.get(setting) is True for setting in settings):
            yield f"{name} does not block public access"
        ownership = bucket.get("OwnershipControls", {}).get("Rules")
        if ownership != [{"ObjectOwnership": "BucketOwnerEnforced"}]:
            yield f"{name} takes objects that others own"
        rules = bucket.get("LifecycleConfiguration", {}).get("Rules", [])
        rules = [rule for rule in rules if rule["Status"] == "Enabled"]
        uploads = [rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation") for rule in rules]
        if not any(days and days <= 7 for days in uploads):
            yield f"{name} keeps the parts of broken uploads"
        if not any(rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays") for rule in rules):
            yield f"{name} keeps old versions for ever"
        if any("ExpirationInDays" in rule or "ExpirationDate" in rule for rule in rules):
            yield f"{name} deletes the lake's objects"
        resource = plan.template["Resources"][name]
        if (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")) != ("Retain", "Retain"):
            yield f"{name} goes with the stack"


def policies_of(plan: Plan, name: str) -> list[dict]:
    """The statements about a bucket or queue."""
    statements = []
    for policy in plan.resources("AWS::S3::BucketPolicy").values():
        statements += policy["PolicyDocument"]["Statement"] if policy["Bucket"] == name else []
    for policy in plan.resources("AWS::SQS::QueuePolicy").values():
        statements += policy["PolicyDocument"]["Statement"] if name in policy["Queues"] else []
    return statements


def only_tls_is_spoken(plan: Plan):
    for kind, action, parts in ((BUCKET, "s3:*", ("", "/*")), (QUEUE, "sqs:*", ("",))):
        for name in plan.resources(kind):
            expected = {
                "Effect": "Deny",
                "Principal": "*",
                "Action": [action],
                "Resource": [f"{name}.Arn{part}" for part in parts],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
            found = [
                {**statement, "Action": listed(statement["Action"]), "Resource": listed(statement["Resource"])}
                for statement in policies_of(plan, name)
            ]
            if expected not in [{key: value for key, value in one.items() if key != "Sid"} for one in found]:
                yield f"{name} may be used without TLS"
    for name in plan.resources(BUCKET):
        conditions = [one.get("Condition") for one in policies_of(plan, name) if one["Effect"] == "Deny"]
        if {"NumericLessThan": {"s3:TlsVersion": "1.2"}} not in conditions:
            yield f"{name} may be used with TLS of before 1.2"


def senders_are_bound(plan: Plan):
    for name in plan.resources(QUEUE):
        for statement in policies_of(plan, name):
            if statement["Effect"] != "Allow":
                continue
            service = statement["Principal"].get("Service") if isinstance(statement["Principal"], dict) else None
            condition = statement.get("Condition", {})
            if not service or listed(statement["Action"]) != ["sqs:SendMessage"]:
                yield f"{name} permits more than that a service of AWS sends"
            if not condition.get("ArnEquals", {}).get("aws:SourceArn"):
                yield f"{name} takes messages of {service} from any source"
            # The ARN of a bucket, unlike the others, does not say whose it is.
            if service == "s3.amazonaws.com" and not condition.get("StringEquals", {}).get("aws:SourceAccount"):
                yield f"{name} takes messages of a bucket in any account"


def roles_have_least_privilege(plan: Plan):
    roles = plan.resources("AWS::IAM::Role")
    used = [function.get("Role", "").removesuffix(".Arn") for function in plan.resources(FUNCTION).values()]
    for name in plan.resources(FUNCTION):
        role = plan.properties(name).get("Role", "").removesuffix(".Arn")
        if role not in roles or used.count(role) != 1:
            yield f"{name} has no role of its own in the template"
    # The one resource with stars inside: the keys of the source that the role is for.
    logs = {
        (f"{source.name}{kind}", f"arn:aws:s3:::{plan.bucket(source)}/{plan.ref(f'{source.name}Keys')}")
        for source in plan.enabled()
        for kind in ("Role", "DeliveryRole")
    }
    for name, role in roles.items():
        if role.get("ManagedPolicyArns"):
            yield f"{name} has policies that the template does not show"
        for trust in role["AssumeRolePolicyDocument"]["Statement"]:
            # Lambda assumes a role for the function that names it; the other services act for whoever asks.
            if trust["Principal"] != {"Service": "lambda.amazonaws.com"} and not trust.get("Condition"):
                yield f"{name} may be used for any account"
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                if "NotAction" in statement or "NotResource" in statement:
                    yield f"{name} is granted everything but something"
                for action in listed(statement.get("Action", [])):
                    if "*" in action and (name, action) not in WILDCARDS_ALLOWED:
                        yield f"{name} is granted {action}"
                for resource in listed(statement.get("Resource", [])):
                    # A star may stand for the rest of a name only: below a folder of a bucket, within a database.
                    narrow = "*" not in resource[:-1] and resource.count("/") >= 2
                    if "*" in resource and not narrow and (name, resource) not in logs | WILDCARDS_ALLOWED.keys():
                        yield f"{name} is granted something on {resource}"


def functions_log_where_logs_end(plan: Plan):
    groups = plan.resources("AWS::Logs::LogGroup")
    for name, group in groups.items():
        if not group.get("RetentionInDays"):
            yield f"{name} is kept for ever"
    for name, function in plan.resources(FUNCTION).items():
        group = groups.get(function.get("LoggingConfig", {}).get("LogGroup"))
        if group is None:
            yield f"{name} has no log group in the template"


def alarms_say_what_to_do(plan: Plan):
    alarms = plan.resources(ALARM)
    for name, alarm in alarms.items():
        text = alarm.get("AlarmDescription", "")
        if "Remedy:" not in text or len(text) > 1024:
            yield f"{name} does not say what to do, or in more than 1024 characters"
        actions = [plan.ref("AlarmTopicArn")] if plan.ref("AlarmTopicArn") else None
        if alarm.get("AlarmActions") != actions:
            yield f"{name} does not go to AlarmTopicArn"

    def watched(metric: str, dimension: str, missing: str = "notBreaching", threshold: int | None = None) -> bool:
        return any(
            (alarm["MetricName"], alarm.get("TreatMissingData")) == (metric, missing)
            and [dimension] == [one["Value"] for one in alarm["Dimensions"]]
            and threshold in (None, int(alarm["Threshold"]))
            for alarm in alarms.values()
        )

    for queue in sources(plan):
        dead = dead_letter_queue(plan, queue)
        if not watched("ApproximateNumberOfMessagesVisible", f"{dead}.QueueName", threshold=0):
            yield f"nobody notices a message in the dead-letter queue of {queue}"
        if not watched("ApproximateAgeOfOldestMessage", f"{queue}.QueueName"):
            yield f"nobody notices that {queue} is late"
        if not watched("NumberOfMessagesSent", f"{queue}.QueueName", missing="breaching"):
            yield f"nobody notices that {queue} is silent"
    for stream in plan.resources(STREAM):
        if not watched("DeliveryToS3.DataFreshness", stream):
            yield f"nobody notices that {stream} cannot write"
    for function in plan.resources(FUNCTION):
        for metric in ("Errors", "Throttles", "RecordsQuarantined", "Panics", "Lag", "ObjectsLeft"):
            if not watched(metric, function):
                yield f"nobody notices the {metric} of {function}"


def parameters_are_explained_and_bounded(plan: Plan):
    for name, parameter in plan.template["Parameters"].items():
        if len(parameter.get("Description", "")) < 20:
            yield f"parameter {name} is not explained"
        if not {"AllowedValues", "AllowedPattern", "MinValue"} & parameter.keys():
            yield f"parameter {name} takes anything"


def outputs_name_what_an_operator_needs(plan: Plan):
    wanted = {"LakeBucketName", "DatabaseName", "DashboardName"}
    for source in plan.enabled():
        parts = "FunctionName RoleArn LogGroupName QueueUrl QueueArn DeadLetterQueueUrl DeadLetterQueueArn"
        commands = "NotificationCommand RedriveCommand ReplayCommand PauseCommand"
        wanted |= {f"{source.name}{part}" for part in f"{parts} {commands}".split()}
    existing = {name for name in plan.template["Outputs"] if plan.exists(name)}
    for name in sorted(wanted - existing):
        yield f"output {name} is missing"


RULES = [
    sources_have_a_switch,
    functions_follow_the_parameters,
    rules_announce_the_logs,
    ledgers_forget_after_a_while,
    streams_write_where_functions_read,
    functions_are_fed_by_a_queue,
    mappings_settle_message_by_message,
    queues_outlast_their_functions,
    queues_have_a_dead_letter_queue,
    stores_are_encrypted,
    buckets_are_private_and_kept,
    only_tls_is_spoken,
    senders_are_bound,
    roles_have_least_privilege,
    functions_log_where_logs_end,
    alarms_say_what_to_do,
    parameters_are_explained_and_bounded,
    outputs_name_what_an_operator_needs,
]
