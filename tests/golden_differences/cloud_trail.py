"""CloudTrail."""

from golden_differences import ABSENT, ANY, Difference

DIFFERENCES = [
    Difference(
        "*",
        "api.request.uid",
        "OCSF requires it, and AWS writes two quotes where a record has no requestID",
        aws="''",
        ours="",
    ),
    Difference("*", "actor.user.type_id", "appended: the id of the caption in actor.user.type", ABSENT, 99),
    Difference("2.0/*", "status_id", "appended: the id of the caption in status", ABSENT, ANY),
    Difference(
        "2.0/*", "service.name", "appended: OCSF requires service or dst_endpoint of an Authentication", ABSENT, ANY
    ),
    Difference("2.0/*", "asl_version", "a column of AWS's table that its files and samples lack", ABSENT, "2.0"),
    Difference(
        "1.0/*",
        "src_endpoint.svc_name",
        "appended: OCSF does not count `domain` as an identification of an endpoint",
        ABSENT,
        "cloudformation.amazonaws.com",
    ),
    Difference(
        "1.0/*",
        "dst_endpoint.svc_name",
        "OCSF requires dst_endpoint of an Authentication; AWS has it of console sign-ins alone",
        ABSENT,
        "sts.amazonaws.com",
    ),
    Difference(
        "1.0/*",
        "status",
        "AWS has no status of an Authentication that is no console sign-in; by the error it is a success",
        "Other",
        "Success",
    ),
    Difference("1.0/*", "status_id", "the id of the status; AWS's 0 is the id of Unknown", 0, 1),
    Difference(
        "1.0/*",
        "unmapped[responseElements.role.roleName]",
        "it differs from the name in user.name, and AWS drops it; every leaf of a record is in its row",
        ABSENT,
    ),
]
