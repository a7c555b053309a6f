"""moto server whose answers are those that AWS documents, where moto's own are not: python mended_moto.py -H HOST -p PORT

The AWS SDK for Rust is strict about the form of an answer, where boto3 is not.
"""

import json
import re
import sys
from urllib.parse import unquote

import iam
from moto.awslambda.models import LambdaFunction
from moto.core.responses import ActionResult
from moto.core.serialize import S3Serializer
from moto.iam.access_control import PermissionResult
from moto.iam.models import iam_backends
from moto.iam.responses import IamResponse
from moto.logs.models import LogGroup
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response
from moto.server import main
from moto.sqs.models import Queue

# S3 answers with these elements, moto with one that is named after the call.
ROOTS = {
    "GetBucketNotification": "NotificationConfiguration",
    "GetBucketVersioning": "VersioningConfiguration",
}


def with_documented_root(serialize):
    def serialized(self, response, result, shape, body):
        root = ROOTS.get(self.operation_model.name)
        if root:
            shape.serialization["resultWrapper"] = root
        return serialize(self, response, result, shape, body)

    return serialized


def with_event_bridge(get_bucket_notification):
    """That a bucket sends its events to EventBridge, which moto keeps and does not tell."""

    def told(self):
        found = self.backend.get_bucket_notification_configuration(self.bucket_name)
        status, headers, body = get_bucket_notification(self)
        if found and found.event_bridge is not None:
            end = "</NotificationConfiguration>"
            body = re.sub(r"\s*/>$", f">{end}", body).replace(end, f"<EventBridgeConfiguration/>{end}")
        return status, headers, body

    return told


def with_policy_kept(set_attributes):
    """Of a queue only the attributes that are named change; moto takes the policy away if it is not among them."""

    def kept(self, attributes, *others):
        policy = {} if "Policy" in attributes or not self.policy else {"Policy": self.policy}
        return set_attributes(self, {**attributes, **policy}, *others)

    return kept


def with_architectures(create):
    """CloudFormation gives them to a function, moto's does not."""

    def made(cls, name, resource, *arguments, **named):
        function = create(cls, name, resource, *arguments, **named)
        function.architectures = resource["Properties"]["Architectures"]
        return function

    return classmethod(made)


def simulate_principal_policy(self):
    """IAM's judgement on a role with inline policies, which moto does not have: that of `iam.py`."""
    arn = self._get_param("PolicySourceArn")
    backend = iam_backends[self.current_account][self.partition]
    role = backend.get_role(arn.rsplit("/", 1)[-1])
    documents = [one if isinstance(one, dict) else json.loads(unquote(one)) for one in role.policies.values()]
    statements = [one for document in documents for one in iam.listed(document["Statement"])]
    statements = [one for one in statements if one]  # moto leaves a hole where a condition of the template does not hold
    entries = self._get_param("ContextEntries", [])
    context = {one["ContextKeyName"]: one["ContextKeyValues"][0] for one in entries}
    requests = [
        iam.Request(action, resource, context)
        for action in self._get_param("ActionNames")
        for resource in self._get_param("ResourceArns", ["*"])
    ]
    results = [
        {
            "EvalActionName": request.action,
            "EvalResourceName": request.resource,
            "EvalDecision": "allowed" if iam.permits(statements, request) else "implicitDeny",
        }
        for request in requests
    ]
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


if __name__ == "__main__":
    S3Serializer._serialized_result_to_response = with_documented_root(S3Serializer._serialized_result_to_response)
    S3Response.get_bucket_notification = with_event_bridge(S3Response.get_bucket_notification)
    LambdaFunction.create_from_cloudformation_json = with_architectures(
        LambdaFunction.create_from_cloudformation_json.__func__
    )
    # CloudFormation's ARN of a log group covers its streams.
    LogGroup.get_cfn_attribute = lambda group, name: f"{group.arn}:*"
    # moto takes a policy's denial of plain HTTP for one of everything, as it does not look at conditions.
    FakeBucket.get_permission = lambda *_: PermissionResult.NEUTRAL
    Queue._set_attributes = with_policy_kept(Queue._set_attributes)
    IamResponse.simulate_principal_policy = simulate_principal_policy
    main(sys.argv[1:])
