"""EKS audit logs: Kubernetes audit events (Kubernetes documentation, "kube-apiserver Audit Configuration (v1)") in the
envelopes of a CloudWatch Logs subscription, as a delivery stream appends them: one gzip member behind the other."""

from datetime import timedelta

from central_logs.shapes import APP, INTRUDER, REGION, SERVER_1, RawFile, compact, millis, moment, zulu
from cloudtrail.shapes import CLI, OFFICE, Dice, unique_id

CLUSTER = "shop"
GROUP = f"/aws/eks/{CLUSTER}/cluster"
KUBECTL = "kubectl/v1.32.3 (linux/amd64) kubernetes/32cc146"
NODES = "kubelet/v1.32.3 (linux/arm64) kubernetes/32cc146"


def person(name, role):
    """Somebody who comes by way of IAM."""
    arn = f"arn:aws:sts::{APP}:assumed-role/{role}/{name}" if role else f"arn:aws:iam::{APP}:user/{name}"
    principal = f"{unique_id('AROA', APP, role)}:{name}" if role else unique_id("AIDA", APP, name)
    extra = {
        "accessKeyId": [unique_id("ASIA" if role else "AKIA", APP, name)],
        "arn": [arn],
        "canonicalArn": [f"arn:aws:iam::{APP}:role/{role}" if role else arn],
        "principalId": [principal],
        "sessionName": [name if role else ""],
    }
    return {"username": name, "uid": f"aws-iam-authenticator:{APP}:{principal}", "groups": ["system:authenticated"], "extra": extra}


def account_of(name, *groups):
    """Something of the cluster itself."""
    return {"username": name, "groups": [*groups, "system:authenticated"]}


def event(dice, when, verb, user, resource, namespace=None, name=None, address=SERVER_1, agent=NODES, code=200, **more):
    """An audit event of stage ResponseComplete."""
    group, _, kind = resource.rpartition("/")
    kind, _, sub = kind.partition(":")
    path = f"/apis/{group}/v1" if group else "/api/v1"
    path += (f"/namespaces/{namespace}" if namespace else "") + f"/{kind}" + (f"/{name}" if name else "") + (f"/{sub}" if sub else "")
    target = {
        "resource": kind,
        "namespace": namespace,
        "name": name,
        "apiGroup": group or None,
        "apiVersion": "v1",
        "subresource": sub or None,
    }
    status = {"metadata": {}, "code": code}
    if code >= 400:
        status |= {
            "status": "Failure",
            "reason": "Forbidden",
            "message": f'{kind} is forbidden: User "{user["username"]}" cannot {verb} it',
        }
    end = when + timedelta(milliseconds=dice.number(1, 40))
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": dice.uuid(),
        "stage": "ResponseComplete",
        "requestURI": path,
        "verb": verb,
        "user": user,
        "sourceIPs": [address],
        "userAgent": agent,
        "objectRef": {key: value for key, value in target.items() if value},
        "responseStatus": status,
        "requestReceivedTimestamp": zulu(when.replace(microsecond=dice.number(1, 900000)), 6),
        "stageTimestamp": zulu(end.replace(microsecond=dice.number(900001, 999999)), 6),
        "annotations": {"authorization.k8s.io/decision": "allow" if code < 400 else "forbid", "authorization.k8s.io/reason": ""},
    } | more


def routine(dice, start, count):
    """What the cluster does all day."""
    node = account_of("system:node:ip-10-0-2-11.ec2.internal", "system:nodes")
    scheduler = account_of("system:kube-scheduler")
    controller = account_of("system:serviceaccount:kube-system:replicaset-controller", "system:serviceaccounts")
    calls = [
        ("get", node, "nodes", None, "ip-10-0-2-11.ec2.internal"),
        ("patch", node, "nodes:status", None, "ip-10-0-2-11.ec2.internal"),
        ("list", node, "secrets", "shop", None),
        ("watch", scheduler, "pods", None, None),
        ("update", scheduler, "coordination.k8s.io/leases", "kube-system", "kube-scheduler"),
        ("create", controller, "pods", "shop", None),
        ("delete", controller, "pods", "shop", "web-5d9c7b"),
    ]
    for _ in range(count):
        yield event(dice, start + timedelta(seconds=dice.number(0, 280)), *dice.pick(calls))


def envelope(events, stream, kind="DATA_MESSAGE"):
    """What CloudWatch Logs sends: log events of one stream."""
    return compact(
        {
            "messageType": kind,
            "owner": APP if kind == "DATA_MESSAGE" else "CloudwatchLogs",
            "logGroup": GROUP if kind == "DATA_MESSAGE" else "",
            "logStream": stream if kind == "DATA_MESSAGE" else "",
            "subscriptionFilters": ["open-security-lake"] if kind == "DATA_MESSAGE" else [],
            "logEvents": [
                {"id": Dice("log event", stream, number, text[:80]).hex(56), "timestamp": when, "message": text}
                for number, (when, text) in enumerate(events)
            ],
        }
    ).encode()


def write(about, groups, when, others=()):
    """A delivery of audit events in groups, each an envelope, and of what else came along."""
    members, file = [], None
    stream = f"kube-apiserver-audit-{Dice('stream', CLUSTER).hex(32)}"
    name = f"open-security-lake-EksAuditDelivery-1-{when:%Y-%m-%d-%H-%M-%S}-{Dice('delivery', about).uuid()}"
    file = RawFile("eks-audit", f"eks-audit/{when:%Y/%m/%d/%H}/{name}", b"", about)
    for group in groups:
        times = [moment(one["stageTimestamp"][:19].replace("T", " ")) for one in group]
        members.append(envelope([(millis(time), compact(one)) for time, one in zip(times, group, strict=True)], stream))
        for time in times:
            file.lands("EKS_AUDIT", REGION, APP, time)
    for reason, body in others:
        members.append(body)
        file.skipped[reason] += 1
    file.members, file.data = members, b"".join(members)
    return file


def files():
    """Every file of the source."""
    dice = Dice("eks-audit")
    admin = person("alex", "admin")
    start = moment("2026-03-14 10:00:00")
    morning = [*routine(dice, start, 30)]
    morning += [event(dice, start + timedelta(seconds=30), "get", admin, "pods", "shop", "web-5d9c7b", OFFICE, KUBECTL)]
    morning += [event(dice, start + timedelta(seconds=45), "create", admin, "pods:exec", "shop", "web-5d9c7b", OFFICE, KUBECTL, 101)]
    control = (
        "control_message",
        envelope([(millis(start), "CWL CONTROL MESSAGE: Checking health of destination Firehose.")], "", "CONTROL_MESSAGE"),
    )
    sign_in = f'time="2026-03-14T10:00:31Z" level=info msg="access granted" arn="arn:aws:iam::{APP}:role/admin"'
    authenticator = ("authenticator_log", envelope([(millis(start), sign_in)], f"authenticator-{dice.hex(32)}"))
    # At night the intruder, as `operator` and then as a service account that was stolen.
    operator = person("operator", None)
    start = moment("2026-03-14 23:57:00")
    night = [*routine(dice, start, 20)]
    for number, (verb, resource, code) in enumerate(
        [
            ("list", "secrets", 403),
            ("list", "configmaps", 200),
            ("get", "secrets", 403),
            ("create", "pods:exec", 403),
            ("create", "rbac.authorization.k8s.io/clusterrolebindings", 403),
        ]
    ):
        when = start + timedelta(seconds=20 * number)
        night.append(event(dice, when, verb, operator, resource, "shop", None, INTRUDER, CLI if number < 2 else KUBECTL, code))
    stolen = account_of("system:serviceaccount:shop:deployer", "system:serviceaccounts", "system:serviceaccounts:shop")
    for number, verb in enumerate(["list", "get", "get", "get"]):
        when = start + timedelta(seconds=150 + 30 * number)
        night.append(event(dice, when, verb, stolen, "secrets", "shop", f"token-{number}" if number else None, INTRUDER, KUBECTL))
    anonymous = account_of("system:anonymous", "system:unauthenticated")
    night.append(event(dice, start + timedelta(seconds=5), "get", anonymous, "secrets", "kube-system", None, INTRUDER, "curl/8.9.1", 403))
    morning, night = dice.shuffled(morning), dice.shuffled(night)
    return [
        write(
            "nodes and people at work; a control message and another log of the cluster",
            [morning[:20], morning[20:]],
            moment("2026-03-14 10:05:00"),
            [control, authenticator],
        ),
        write(
            "the intruder asks for secrets, first as operator, then with a stolen token",
            [night[:12], night[12:]],
            moment("2026-03-15 00:02:00"),
        ),
    ]
