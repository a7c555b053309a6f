"""EKS audit logs."""

from golden_differences import ABSENT, ANY, Difference

DIFFERENCES = [
    Difference("*", "cloud.account.uid", "AWS has the caller's ARN where OCSF has an account", ANY, "123456789012"),
    Difference("*", "unmapped[user.extra.arn[]]", "the ARN is in no column, so it is kept here", ABSENT, ANY),
    Difference("*", "src_endpoint.ip", "the sample's address is none, and OCSF wants one", ANY, ABSENT),
    Difference("*", "observables[src_endpoint.ip]", "as src_endpoint.ip", ANY, ABSENT),
    Difference("*", "src_endpoint.name", "appended: OCSF requires an endpoint to be identified", ABSENT, ANY),
    Difference("*", "asl_version", "a column of AWS's table that its files and samples lack", ABSENT, "2.0"),
]
