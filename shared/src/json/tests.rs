use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn whole(text: &str) -> Result<Raw<'_>, Error> {
    let mut cursor = Cursor::new(text);
    let value = cursor.value()?;
    match cursor.peek() {
        None => Ok(value),
        Some(_) => Err(Error::Syntax { at: cursor.offset(), expected: "the end" }),
    }
}

fn arbitrary_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e300_f64..1e300).prop_map(Value::from),
        ".{0,24}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,12}", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn agrees_with_serde_json_on_values(value in arbitrary_json()) {
        for text in [serde_json::to_string(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap()] {
            let raw = whole(&text).unwrap();
            let mut compacted = String::new();
            raw.write_compact(&mut compacted);
            prop_assert_eq!(&compacted, &serde_json::to_string(&value).unwrap());
            let is_container = matches!(raw.kind, Kind::Array | Kind::Object);
            prop_assert!(!is_container || raw.plain == (text == compacted));
            prop_assert_eq!(balanced_length(text.as_bytes()), is_container.then_some(text.len()));
        }
    }

    #[test]
    fn agrees_with_serde_json_on_text(text in r#"[\[\]{}",:\\ 0-9a-fntrulse.+Ee-]{0,24}"#) {
        let text = format!("[{text}]");
        prop_assert_eq!(whole(&text).is_ok(), serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
    }

    #[test]
    fn a_prefix_is_incomplete_never_wrong(value in arbitrary_json(), cut in 0.0..1.0_f64) {
        let text = serde_json::to_string(&serde_json::json!([value])).unwrap();
        let mut end = (text.len() as f64 * cut) as usize;
        while !text.is_char_boundary(end) { end -= 1; }
        prop_assert_eq!(whole(&text[..end]), Err(Error::Incomplete));
    }

    #[test]
    fn strings_unescape_as_serde_json_does(text in ".{0,40}") {
        let quoted = serde_json::to_string(&text).unwrap();
        let raw = whole(&quoted).unwrap();
        let mut scratch = String::new();
        prop_assert_eq!(raw.as_text(&mut scratch), Some(text.as_str()));
    }
}

#[test]
fn surrogates() {
    let mut scratch = String::new();
    for (text, expected) in
        [(r#""\ud83d\ude00""#, "😀"), (r#""a\ud800b""#, "a\u{fffd}b"), (r#""\u0000""#, "\0")]
    {
        assert_eq!(whole(text).unwrap().as_text(&mut scratch), Some(expected));
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(whole(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(whole(&nested(MAX_DEPTH + 1)), Err(Error::TooDeep { at: MAX_DEPTH, limit: MAX_DEPTH }));
    assert_eq!(balanced_length(nested(100_000).as_bytes()), Some(200_000));
}

/// Reads all levels by the cursor's own steps, as the readers of records do for their outer levels.
fn walk(cursor: &mut Cursor<'_>) -> Result<(), Error> {
    let mut first = true;
    match cursor.peek() {
        Some(b'{') => {
            while cursor.next_member(&mut first)?.is_some() {
                walk(cursor)?;
            }
        }
        Some(b'[') => {
            while cursor.next_element(&mut first)? {
                walk(cursor)?;
            }
        }
        _ => {
            cursor.value()?;
        }
    }
    Ok(())
}

fn levels(value: &Value) -> usize {
    match value {
        Value::Array(elements) => 1 + elements.iter().map(levels).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(levels).max().unwrap_or(0),
        _ => 0,
    }
}

fn fields(value: &Value) -> usize {
    match value {
        Value::Array(elements) => elements.iter().map(|element| 1 + fields(element)).sum(),
        Value::Object(members) => members.values().map(|member| 1 + fields(member)).sum(),
        _ => 0,
    }
}

proptest! {
    #[test]
    fn limits_hold_at_their_edge_however_a_value_is_read(value in arbitrary_json()) {
        let (depth, fields) = (levels(&value), fields(&value));
        let text = format!(" {value} ");
        let read = |limits| {
            let whole = Cursor::with_limits(&text, limits).value().map(|_| ());
            let steps = walk(&mut Cursor::with_limits(&text, limits));
            assert_eq!(whole, steps);
            whole
        };
        prop_assert_eq!(read(Limits { depth, fields }), Ok(()));
        if depth > 0 {
            let error = read(Limits { depth: depth - 1, fields }).unwrap_err();
            prop_assert_eq!(error.over_limit(), Some("too_deep"));
        }
        if fields > 0 {
            let error = read(Limits { depth, fields: fields - 1 }).unwrap_err();
            prop_assert_eq!(error.over_limit(), Some("too_many_fields"));
        }
    }
}

#[test]
fn a_record_counts_for_itself() {
    let mut outer = Cursor::with_limits("[[1,[2]],[3,[4]]]", Limits { depth: 2, fields: 3 });
    outer.expect(b'[', "an array").unwrap();
    let mut record = outer.record(7);
    assert_eq!(record.value().map(|value| value.text), Ok("[1,[2]]"));
    outer.follow(&record);
    outer.expect(b',', "`,`").unwrap();
    assert_eq!(outer.record(7).value().map(|value| value.text), Ok("[3,[4]]"));
    assert_eq!(outer.record(6).value(), Err(Error::Incomplete));
    assert_eq!(outer.record(usize::MAX).value().map(|value| value.text), Ok("[3,[4]]"));
}

#[test]
fn members() {
    let raw = whole(r#"{"a":1,"b":{"c":"x"},"n":null,"a":2}"#).unwrap();
    assert_eq!(raw.member("a").map(|value| value.text), Some("2"));
    assert_eq!(raw.member("b").and_then(|value| value.member("c")).map(|value| value.text), Some("x"));
    assert_eq!(raw.member("n"), None);
    assert!(whole("{ }").unwrap().is_nothing() && whole("[]").unwrap().is_nothing());
}

#[test]
fn errors_say_where_and_what() {
    let message = |text: &str| whole(text).unwrap_err().to_string();
    assert_eq!(message(r#"{"a" 1}"#), "not JSON at byte 5: expected `:`");
    assert_eq!(message("[1 2]"), "not JSON at byte 3: expected `,` or `]`");
    assert_eq!(
        message("{\"a\":\"\n\"}"),
        "not JSON at byte 6: expected no raw control character in a string"
    );
    assert_eq!(message(r#"["\x"]"#), "not JSON at byte 3: expected an escape character");
}
