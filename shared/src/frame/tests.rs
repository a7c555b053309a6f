mod limits;
mod pieces;

use proptest::prelude::*;

use super::*;

const FRAMING: Framing = Framing::Document { records: "Records", marker: "digestS3Object" };

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seen {
    records: Vec<(u64, String)>,
    unreadable: Vec<(u64, String, String)>,
    /// Reason and offset of the same, and what a cut one was.
    why: Vec<(&'static str, u64, Option<Cut>)>,
}

impl RecordSink for Seen {
    fn record(&mut self, cursor: &mut Cursor<'_>, at: Position) -> Result<(), json::Error> {
        let value = cursor.value()?;
        self.records.push((at.offset, value.text.to_owned()));
        Ok(())
    }

    fn line(&mut self, line: &str, at: Position) {
        self.records.push((at.offset, line.to_owned()));
    }

    fn refused(&mut self, refused: &Refused<'_>, at: Position) {
        let (bytes, detail) = (String::from_utf8_lossy(refused.bytes), refused.detail);
        self.unreadable.push((at.index, bytes.into_owned(), detail.to_owned()));
        self.why.push((refused.reason, at.offset, refused.cut.clone()));
    }
}

fn frame(bytes: &[u8], chunk: usize) -> (Seen, Result<Framed, FrameError>) {
    frame_as(FRAMING, bytes, chunk)
}

fn frame_as(framing: Framing, bytes: &[u8], chunk: usize) -> (Seen, Result<Framed, FrameError>) {
    frame_by(Frames::new(framing, 10_000, Limits::default()), bytes, chunk)
}

fn frame_by(mut frames: Frames, bytes: &[u8], chunk: usize) -> (Seen, Result<Framed, FrameError>) {
    let mut seen = Seen::default();
    let outcome = bytes
        .chunks(chunk.max(1))
        .try_for_each(|piece| {
            frames.window().extend_from_slice(piece);
            frames.drain(false, &mut seen)
        })
        .and_then(|()| frames.drain(true, &mut seen))
        .and_then(|()| frames.finish());
    (seen, outcome)
}

fn texts(seen: &Seen) -> Vec<&str> {
    seen.records.iter().map(|(_, text)| text.as_str()).collect()
}

#[test]
fn a_comma_too_many_stands_for_nothing_wherever_a_piece_ends() {
    for object in [
        &b"[, 7] \n{\"a\":1}"[..],
        b"[{\"a\":1},, {\"b\":2},{\"c\":3}]",
        b"[,{\"a\":1}]",
        b"[{\"a\":1}, ]",
        b"[{\"a\":1}, , \n]",
        b"[{\"a\":1}\x0c, {\"b\":2},\x0c\n]",
        b"[,,]",
        b"[1 2,3e\":4]",
    ] {
        for framing in [Framing::Lines, Framing::Values { list: None }] {
            let whole = frame_as(framing, object, usize::MAX);
            for chunk in 1..object.len() {
                assert_eq!(frame_as(framing, object, chunk), whole, "{framing:?} in pieces of {chunk}");
            }
        }
        let document = [b"{\"Records\":", object, b"}"].concat();
        let whole = frame(&document, usize::MAX);
        for chunk in 1..document.len() {
            assert_eq!(frame(&document, chunk), whole, "pieces of {chunk}");
        }
    }
    for object in ["[{\"a\":1},, {\"b\":2}]", "[{\"a\":1},{\"b\":2},]", "[,{\"a\":1},{\"b\":2} , ,]"] {
        let (seen, outcome) = frame_as(Framing::Values { list: None }, object.as_bytes(), 3);
        assert_eq!(
            (texts(&seen), outcome),
            (vec!["{\"a\":1}", "{\"b\":2}"], Ok(Framed::Records)),
            "{object}"
        );
        assert_eq!(seen.unreadable, []);
    }
}

proptest! {
    #[test]
    fn any_split_gives_the_same_records(chunk in 1..200_usize, pretty: bool, bom: bool) {
        let document = serde_json::json!({"v": [1, {"x": "]}"}], "Records": [{"a": "é\"}"}, {"b": [1, 2]}, {}, null, 7], "tail": 1.5});
        let text = if pretty { serde_json::to_string_pretty(&document).unwrap().replace('\n', "\r\n") } else { document.to_string() };
        let text = format!("{}{text}\n{text}", if bom { "\u{feff}" } else { "" });
        let (whole, outcome) = frame(text.as_bytes(), usize::MAX);
        prop_assert_eq!(outcome, Ok(Framed::Records));
        prop_assert_eq!(whole.records.len(), 10);
        for (offset, record) in &whole.records {
            prop_assert!(text[usize::try_from(*offset).unwrap()..].starts_with(record.as_str()));
        }
        let (split, outcome) = frame(text.as_bytes(), chunk);
        prop_assert_eq!(outcome, Ok(Framed::Records));
        prop_assert_eq!(split, whole);
    }

    #[test]
    fn every_cut_is_an_error(cut in 0..44_usize, chunk in 1..50_usize) {
        let text = r#"{"v":1,"Records":[{"a":"b"},{"c":[1]}],"t":2}"#;
        prop_assert!(frame(&text.as_bytes()[..cut], chunk).1.is_err());
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), chunk in 1..50_usize) {
        let _outcome = frame(&[b"{\"Records\":[", bytes.as_slice()].concat(), chunk);
    }
}

#[test]
fn a_broken_record_costs_only_itself() {
    for chunk in [1, 7, 1000] {
        let (seen, outcome) = frame(
            b"{\"Records\":[{\"a\":1},{\"b\":\xff\xfe},{\"c\":tru},{\"d\":\"\xc3(\"},{\"e\":4}]}",
            chunk,
        );
        assert_eq!(outcome, Ok(Framed::Records));
        assert_eq!(texts(&seen), [r#"{"a":1}"#, r#"{"e":4}"#]);
        let indexes: Vec<u64> = seen.unreadable.iter().map(|(index, ..)| *index).collect();
        assert_eq!(indexes, [1, 2, 3]);
        assert!(
            seen.unreadable[0].2.contains("UTF-8") && seen.unreadable[1].2.contains("true, false or null")
        );
    }
}

#[test]
fn other_structures_are_refused_with_a_reason() {
    let reason = |text: &str| frame(text.as_bytes(), 5).1.unwrap_err().to_string();
    assert!(reason("").contains("found an empty object"));
    assert!(frame(b"\xff\xfe{\0\"\0", 2).1.unwrap_err().to_string().contains("UTF-8"));
    assert!(reason("{}").contains("expected a JSON object with an array `Records`"));
    assert!(reason(r#"{"Records":null}"#).contains("an array of records"));
    assert!(reason("<?xml version=\"1.0\"?>").contains("where an object belongs"));
    assert!(reason(r#"{"eventVersion":"1.08"}"#).contains("that array, before the closing brace"));
    let (seen, outcome) = frame(br#"{"Records":[{"a":1} {"b":2}]}"#, 9);
    assert_eq!((texts(&seen).len(), seen.unreadable.len(), outcome), (1, 1, Ok(Framed::Records)));
    assert!(reason(&format!("{{\"Records\":[{}", "[".repeat(600))).contains("512 levels of nesting"));
    assert!(reason(&format!("{{\"Records\":[\"{}", "x".repeat(40_000))).contains("longer than 10000 bytes"));
    let blanks = format!("{{\"Records\":[1,2{}]}}", " ".repeat(40_000));
    assert_eq!(frame(blanks.as_bytes(), 700).1, Ok(Framed::Records));
}

#[test]
fn empty_arrays_and_files_of_another_kind() {
    assert_eq!(frame(br#"{"Records":[]}"#, 3), (Seen::default(), Ok(Framed::Records)));
    assert_eq!(
        frame(br#"{"digestS3Object":"x","logFiles":[]}"#, 3),
        (Seen::default(), Ok(Framed::OtherKind))
    );
}

const VALUES: Framing = Framing::Values { list: Some("Findings") };

#[test]
fn values_with_any_separator_or_none() {
    let text = "[{\"a\":1}, {\"a\":2}]\n[]{\"a\":3}{\"a\":4}\n\n {\"a\":5}\r\n{\"Findings\":[{\"a\":6}],\"NextToken\":\"x\"}\n{\"x\":1,\"Findings\":[7]}";
    for chunk in [1, 2, 7, 1000] {
        let (seen, outcome) = frame_as(VALUES, text.as_bytes(), chunk);
        assert_eq!(outcome, Ok(Framed::Records));
        let expected = [
            "{\"a\":1}",
            "{\"a\":2}",
            "{\"a\":3}",
            "{\"a\":4}",
            "{\"a\":5}",
            "{\"a\":6}",
            "{\"x\":1,\"Findings\":[7]}",
        ];
        assert_eq!(texts(&seen), expected, "{chunk}");
    }
}

#[test]
fn a_value_that_cannot_be_read_costs_its_line() {
    let text = b"hello\n[]\n{\"a\":1}\n{\"a\": \n{\"a\":2}\r\n{\"b\":\"\xff\"}\r\n7\n{\"a\":3}\n{\"a\":";
    for chunk in [1, 3, 1000] {
        let (seen, outcome) = frame_as(VALUES, text, chunk);
        assert_eq!(outcome, Ok(Framed::Records));
        assert_eq!(texts(&seen), ["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"], "{chunk}");
        let lines: Vec<&str> = seen.unreadable.iter().map(|(_, line, _)| line.as_str()).collect();
        assert_eq!(lines, ["hello", "[]", "{\"a\": ", "{\"b\":\"\u{fffd}\"}", "7", "{\"a\":"], "{chunk}");
    }
    let (seen, outcome) = frame_as(VALUES, b"<Error>\n<Code>AccessDenied</Code>\n", 1000);
    assert!(seen.records.is_empty() && matches!(outcome, Err(FrameError::Structure { .. })), "{outcome:?}");
    assert!(matches!(frame_as(VALUES, b"[{\"a\":1},", 1000).1, Err(FrameError::Truncated { .. })));
    assert_eq!(frame_as(VALUES, b" \n", 1000).1, Ok(Framed::Records));
}

#[test]
fn lines_are_records_unless_the_object_is_json() {
    let text = "\u{feff}a b\r\n\n  \r\n c \t\nlast é";
    for chunk in [1, 2, 1000] {
        let (seen, outcome) = frame_as(Framing::Lines, text.as_bytes(), chunk);
        assert_eq!(outcome, Ok(Framed::Records));
        assert_eq!(texts(&seen), ["a b", " c \t", "last é"], "{chunk}");
        assert!(
            seen.records.iter().all(|(at, line)| text[usize::try_from(*at).unwrap()..].starts_with(line))
        );
    }
    for chunk in [1, 1000] {
        let (seen, outcome) = frame_as(Framing::Lines, b"good\nb\xffd\ngood", chunk);
        assert_eq!((texts(&seen), outcome), (vec!["good", "good"], Ok(Framed::Records)));
        assert_eq!(seen.unreadable.len(), 1);
        let (seen, _) = frame_as(Framing::Lines, b"\n {\"m\":\n1}{\"m\":2}", chunk);
        assert_eq!(texts(&seen), ["{\"m\":\n1}", "{\"m\":2}"]);
    }
}

#[test]
fn an_object_that_ends_inside_a_character_loses_no_bytes() {
    for chunk in [1, 3, 1000] {
        let (seen, outcome) = frame_as(Framing::Lines, b"a b\nc \xe2\x82", chunk);
        assert_eq!((texts(&seen), outcome), (vec!["a b"], Ok(Framed::Records)));
        assert_eq!(seen.unreadable, [(1, "c \u{fffd}".to_owned(), "bytes that are not UTF-8".to_owned())]);
        let (seen, _) = frame_as(VALUES, b"{\"a\":1}\n\xe2\x82", chunk);
        assert_eq!((texts(&seen).len(), seen.unreadable.len()), (1, 1));
        let (_, outcome) = frame(b"{\"Records\":[]}\xe2\x82", chunk);
        assert!(matches!(outcome, Err(FrameError::Structure { .. })), "{outcome:?}");
    }
}

#[test]
fn a_number_is_not_cut_where_a_piece_ends() {
    for chunk in [1, 2, 1000] {
        let (seen, outcome) = frame_as(VALUES, b"[   12,34]\n{\"a\":1}", chunk);
        assert_eq!((texts(&seen), outcome), (vec!["12", "34", "{\"a\":1}"], Ok(Framed::Records)));
    }
}

#[test]
fn names_of_members_in_any_notation() {
    let expected = (vec!["{\"a\":1}", "{\"a\":2}"], Ok(Framed::Records));
    let (seen, outcome) = frame(br#"{"\u0052ecords":[{"a":1}],"Records":[{"a":2}]}"#, 7);
    assert_eq!((texts(&seen), outcome), expected);
    let (seen, outcome) = frame_as(VALUES, br#"{"Findings":[{"a":1}],"x":{},"Findings":[{"a":2}],"":2}"#, 7);
    assert_eq!((texts(&seen), outcome), expected);
    let (seen, outcome) = frame(br#"{"digestS3Object":"","Records":[{"a":1},{"a":2}]}"#, 7);
    assert_eq!((texts(&seen), outcome), expected);
}

#[test]
fn reasons_count_from_the_start_of_the_record() {
    for chunk in [1, 3, 1000] {
        let (seen, _) = frame(br#"{"Records":[{"a":1}, {"b" 2},{"c":3}]}"#, chunk);
        assert_eq!(seen.unreadable[0].2, "not JSON at byte 5: expected `:`");
        let (seen, _) = frame_as(VALUES, b"{\"a\":1}\n {\"b\" 2}\n", chunk);
        assert_eq!(seen.unreadable[0].2, "not JSON at byte 5: expected `:`");
    }
}
