//! Patterns of keys, as the template's parameters `<Source>Keys` have them: `*` for any characters.

/// Whether a key fits the pattern.
pub(crate) fn matches(pattern: &str, key: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = key.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        // The earliest place leaves most for the others.
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_characters() {
        for (pattern, key, expected) in [
            ("AWSLogs/*/CloudTrail/*", "AWSLogs/1/CloudTrail/us-east-1/x", true),
            ("AWSLogs/*/CloudTrail/*", "AWSLogs/o-1/1/CloudTrail/", true),
            ("AWSLogs/*/CloudTrail/*", "AWSLogs/1/CloudTrail-Digest/x", false),
            ("AWSLogs/*/CloudTrail/*", "x/AWSLogs/1/CloudTrail/y", false),
            ("AWSLogs/*vpcflowlogs/*", "AWSLogs/aws-account-id=1/aws-service=vpcflowlogs/x", true),
            ("eks-audit/*", "eks-audit/2026/x", true),
            ("eks-audit/*", "eks-audit", false),
            ("a*b*b", "ab", false),
            ("a*b*b", "abb", true),
            ("exact", "exact", true),
            ("exact", "exactly", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, key), expected, "{pattern} {key}");
        }
    }
}
