//! Records that cannot be normalised, kept with the reason: JSON lines, one entry a record.
//!
//! | member | meaning |
//! |---|---|
//! | `bucket`, `key`, `version` | the raw object |
//! | `record`, `offset` | the record's number from 0 and its byte offset in the decoded object |
//! | `reason`, `detail` | why, for counters and for a person |
//! | `function`, `function_version` | who decided it |
//! | `raw` or `raw_base64` | the record as it came; the latter where it is not UTF-8 |

use base64::Engine as _;
use serde::Serialize;

use crate::frame::Position;
use crate::notification::ObjectRef;

#[derive(Serialize)]
struct Entry<'a> {
    bucket: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    record: u64,
    offset: u64,
    reason: &'a str,
    detail: &'a str,
    function: &'a str,
    function_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    raw_base64: Option<String>,
}

/// Appends one entry, with its line end, to `out`.
pub fn write_entry(
    out: &mut Vec<u8>,
    function: &str,
    object: &ObjectRef,
    at: Position,
    reason: &str,
    detail: &str,
    raw: &[u8],
) {
    let text = std::str::from_utf8(raw).ok();
    let entry = Entry {
        bucket: &object.bucket,
        key: &object.key,
        version: object.version.as_deref(),
        record: at.index,
        offset: at.offset,
        reason,
        detail,
        function,
        function_version: env!("CARGO_PKG_VERSION"),
        raw: text,
        raw_base64: text.is_none().then(|| base64::engine::general_purpose::STANDARD.encode(raw)),
    };
    // Strings and numbers always serialise, and a Vec takes every byte.
    if serde_json::to_writer(&mut *out, &entry).is_ok() {
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_where_why_and_what() {
        let object = ObjectRef::new("raw-logs", "a.json.gz");
        let mut out = Vec::new();
        let at = Position { index: 3, offset: 77 };
        write_entry(&mut out, "cloudtrail", &object, at, "missing_event_time", "no eventTime", b"{\"a\":1}");
        write_entry(&mut out, "cloudtrail", &object, at, "unreadable", "not valid UTF-8", b"\xff");
        let lines: Vec<serde_json::Value> = out
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        assert_eq!(lines[0]["raw"], "{\"a\":1}");
        assert_eq!((&lines[0]["record"], &lines[0]["offset"]), (&3.into(), &77.into()));
        assert_eq!((&lines[1]["raw_base64"], lines[1].get("raw")), (&"/w==".into(), None));
    }
}
