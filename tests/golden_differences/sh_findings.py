"""Security Hub findings."""

from golden_differences import ABSENT, ANY, Difference

DIFFERENCES = [
    Difference(
        "1.0/*",
        "process.file.name",
        "OCSF requires it, and AWS writes two quotes; here it is the last part of the path",
        aws="''",
        ours="syslogd",
    ),
    Difference(
        "1.0/*",
        "vulnerabilities[].references[]",
        "all of ReferenceUrls; AWS keeps the first and loses the others",
        ABSENT,
        ANY,
    ),
    Difference(
        "1.0/measured-*",
        "unmapped[Workflow.Status]",
        "kept where the caption in state is not its word; AWS loses it",
        ABSENT,
        "NOTIFIED",
    ),
    Difference(
        "2.0/*guardduty*",
        "metadata.profiles[]",
        "OCSF 1.1.0 has no profile linux; process.euid belongs to linux/linux_users",
        "linux",
        "linux/linux_users",
    ),
    Difference(
        "2.0/*guardduty*",
        "evidences[].data",
        "the empty string is no JSON; it is in unmapped",
        "",
        ABSENT,
    ),
    Difference(
        "2.0/*guardduty*",
        "unmapped[ProductFields.aws/guardduty/service/additionalInfo/value]",
        "where evidences[].data of AWS's row has it",
        ABSENT,
        "",
    ),
    Difference("2.0/*", "status_id", "appended: the id of the caption in status", ABSENT, ANY),
    Difference("2.0/*", "asl_version", "a column of AWS's table that its files and samples lack", ABSENT, "2.0"),
]
