"""VPC flow logs."""

from golden_differences import ABSENT, Difference

DIFFERENCES = [
    Difference(
        "*/documented-vpcflowlog",
        "dst_endpoint.interface_uid",
        "the sample's row has two digits more than its record",
        aws="eni-000000000000000000",
        ours="eni-0000000000000000",
    ),
    Difference("2.0/*", "disposition_id", "appended: the id of the caption in disposition", ABSENT, 2),
    Difference("2.0/*", "asl_version", "a column of AWS's table that its files and samples lack", ABSENT, "2.0"),
]
