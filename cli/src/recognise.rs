//! Which source a file is a log of, by what stands at its beginning. For files whose path says nothing, such as
//! exports with a name of their own.
//!
//! | source | what its logs have at their beginning |
//! |---|---|
//! | cloudtrail | members `eventVersion` and `eventSource` |
//! | vpc-flow | a header with `srcaddr` and `dstaddr`; a record of the default format; CloudWatch Logs of a stream `eni-…` |
//! | route53 | members `query_timestamp` and `query_name` |
//! | security-hub | members `ProductArn` and `AwsAccountId`, or EventBridge's `Security Hub Findings` |
//! | eks-audit | members `auditID` and `stage`, or CloudWatch Logs of a group `/aws/eks/…` |
//! | waf | members `webaclId` and `httpRequest` |
//!
//! A file that has the marks of several sources, or of none, is left to the person who brought it.

use std::io::Read as _;
use std::path::Path;

use shared::decode::Decoder;
use shared::store::folder;

/// How much of a file is looked at, as stored and decoded. A record of any source is smaller, but for rare ones.
const HEAD: usize = 64 << 10;

/// The name of the source that the file is a log of.
pub(crate) fn source_of(path: &Path) -> Option<&'static str> {
    let text = head(path)?;
    let mut found =
        [cloudtrail, vpc_flow, route53, security_hub, eks_audit, waf].iter().filter_map(|is| is(&text));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The decoded text at the beginning of a file, as far as it can be had.
fn head(path: &Path) -> Option<String> {
    let mut stored = Vec::new();
    folder::open(path).ok()?.take(HEAD as u64).read_to_end(&mut stored).ok()?;
    let (mut input, mut decoded) = (stored.as_slice(), Vec::new());
    let mut decoder = Decoder::new(u64::MAX);
    // An error at the end of what was read is no matter: what came before it is text.
    while decoded.len() < HEAD && matches!(decoder.decode(&mut input, &mut decoded), Ok(true)) {}
    decoded.truncate(HEAD);
    let text = String::from_utf8_lossy(&decoded);
    Some(text.trim_start_matches('\u{feff}').trim_start().to_owned())
}

/// True for text that has all these members of JSON objects, in an envelope's text or not.
fn has(text: &str, names: &[&str]) -> bool {
    let is_json = text.starts_with(['{', '[']);
    let is_there = |name: &&str| {
        text.match_indices(*name).any(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + name.len()..]);
            // A member's name ends in a quote, escaped where the record is a text within an envelope.
            let after = after.strip_prefix('\\').unwrap_or(after).strip_prefix('"');
            before.ends_with('"') && after.is_some_and(|rest| rest.trim_start().starts_with(':'))
        })
    };
    is_json && names.iter().all(is_there)
}

fn cloudtrail(text: &str) -> Option<&'static str> {
    has(text, &["eventVersion", "eventSource"]).then_some("cloudtrail")
}

fn vpc_flow(text: &str) -> Option<&'static str> {
    let words: Vec<&str> = text.lines().next().unwrap_or_default().split_whitespace().collect();
    let is_header = words.contains(&"srcaddr") && words.contains(&"dstaddr");
    let is_record = words.len() == 14 && words[0] == "2" && words[2].starts_with("eni-");
    let is_stream = ["logStream", "logStreamName"].iter().any(|name| {
        has(text, &[name]) && value_of(text, name).is_some_and(|stream| stream.starts_with("eni-"))
    });
    (is_header || is_record || is_stream).then_some("vpc-flow")
}

fn route53(text: &str) -> Option<&'static str> {
    has(text, &["query_timestamp", "query_name"]).then_some("route53")
}

fn security_hub(text: &str) -> Option<&'static str> {
    let is_event = has(text, &["detail-type"])
        && value_of(text, "detail-type").is_some_and(|kind| kind.starts_with("Security Hub Findings"));
    (is_event || has(text, &["ProductArn", "AwsAccountId"])).then_some("security-hub")
}

fn eks_audit(text: &str) -> Option<&'static str> {
    let is_group = has(text, &["logGroup"])
        && value_of(text, "logGroup").is_some_and(|group| group.starts_with("/aws/eks/"));
    (is_group || has(text, &["auditID", "stage"])).then_some("eks-audit")
}

fn waf(text: &str) -> Option<&'static str> {
    has(text, &["webaclId", "httpRequest"]).then_some("waf")
}

/// What follows the first member of that name, if it is a text: from its first character on.
fn value_of<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = text.split_once(&format!("\"{name}\""))?;
    after.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn recognised(bytes: &[u8]) -> Option<&'static str> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export");
        fs::write(&path, bytes).unwrap();
        source_of(&path)
    }

    #[test]
    fn by_their_members() {
        let cases = [
            (
                r#"{"Records":[{"eventVersion":"1.11","eventSource":"ec2.amazonaws.com"}]}"#,
                Some("cloudtrail"),
            ),
            (r#"{"version":"1.1","query_timestamp":"x","query_name":"example.com."}"#, Some("route53")),
            (r#"{"Findings": [ {"ProductArn" : "a", "AwsAccountId": "1"} ]}"#, Some("security-hub")),
            (r#"{"detail-type":"Security Hub Findings - Imported","detail":{}}"#, Some("security-hub")),
            (r#"{"kind":"Event","auditID":"a","stage":"Panic"}"#, Some("eks-audit")),
            (
                r#"{"owner":"1","logGroup":"/aws/eks/a/cluster","logStream":"s","logEvents":[]}"#,
                Some("eks-audit"),
            ),
            (r#"{"logEvents":[{"message":"{\"auditID\":\"a\",\"stage\":\"b\"}"}]}"#, Some("eks-audit")),
            (r#"{"logGroup":"flows","logStream":"eni-1-all","logEvents":[]}"#, Some("vpc-flow")),
            (r#"{"timestamp":1,"webaclId":"arn:x","httpRequest":{}}"#, Some("waf")),
            (r#"{"name":"eventVersion","eventSource":1}"#, None),
            (r#"eventVersion: 1, "eventSource": 2"#, None),
            (r#"{"digestStartTime":"x"}"#, None),
            ("just some notes", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(recognised(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn flow_logs() {
        let header = "version account-id interface-id srcaddr dstaddr srcport\n";
        let record = "2 111122223333 eni-1 192.0.2.1 192.0.2.2 1 2 6 1 40 1773482400 1773482460 ACCEPT OK\n";
        assert_eq!(recognised(header.as_bytes()), Some("vpc-flow"));
        assert_eq!(recognised(format!("\u{feff}{header}").as_bytes()), Some("vpc-flow"));
        assert_eq!(recognised(record.as_bytes()), Some("vpc-flow"));
        assert_eq!(recognised(b"2 b eni c d e f g h i j k l"), None);
    }

    #[test]
    fn two_sources_at_once_are_none() {
        let both = r#"[{"webaclId":1,"httpRequest":1},{"query_timestamp":1,"query_name":1}]"#;
        assert_eq!(recognised(both.as_bytes()), None);
    }

    #[test]
    fn packed_and_larger_than_what_is_looked_at() {
        use std::io::Write as _;

        let record = r#"{"query_timestamp":"x","query_name":"example.com."}"#.repeat(100_000);
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        encoder.write_all(record.as_bytes()).unwrap();
        assert_eq!(recognised(&encoder.finish().unwrap()), Some("route53"));
        assert_eq!(recognised(&[0x1f, 0x8b, 8, 0]), None);
    }
}
