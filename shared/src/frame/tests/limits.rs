//! Limits, each at its edge: what is over one costs its neighbours nothing.

use sha2::{Digest as _, Sha256};

use super::*;

/// Longest record of these tests, in bytes.
const LONGEST: usize = 1000;

const FORMS: [(&str, Framing); 4] =
    [("document", FRAMING), ("values", VALUES), ("list", VALUES), ("lines", Framing::Lines)];

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An object of that form.
fn object(form: &str, records: &[&str]) -> String {
    match form {
        "document" => format!("{{\"v\":1,\"Records\":[{}]}}", records.join(", ")),
        "list" => format!("{{\"Findings\":[{}]}}", records.join(",\n")),
        _ => records.join("\n"),
    }
}

fn frames(framing: Framing, depth: usize, fields: usize) -> Frames {
    Frames::new(framing, LONGEST, Limits { depth, fields })
}

/// A record of that many bytes.
fn long(length: usize) -> String {
    let record = format!(r#"{{"a":"\\\"{}é"}}"#, "]},".repeat(length));
    format!("{}\"}}", &record[..length - 2])
}

#[test]
fn a_record_that_is_too_large_is_cut_and_its_neighbours_are_read() {
    let (good, most, over) = (r#"{"a":1}"#, long(LONGEST), long(LONGEST + 1));
    let huge = long(200_000);
    for (form, framing) in FORMS {
        let text = object(form, &[good, &most, &over, good, &huge, good]);
        let mut first: Option<Seen> = None;
        for chunk in [1, 7, 999, 4096, usize::MAX] {
            let (seen, outcome) = frame_by(frames(framing, 512, 999), text.as_bytes(), chunk);
            assert_eq!(outcome, Ok(Framed::Records), "{form} {chunk}");
            assert_eq!(texts(&seen), [good, &most, good, good], "{form} {chunk}");
            for ((reason, offset, cut), (record, (index, kept, _))) in
                seen.why.iter().zip([&over, &huge].into_iter().zip(&seen.unreadable))
            {
                let cut = cut.as_ref().unwrap();
                assert_eq!(*reason, TOO_LARGE);
                assert_eq!((cut.length, &cut.sha256), (record.len() as u64, &sha256(record.as_bytes())));
                assert!(text[usize::try_from(*offset).unwrap()..].starts_with(record.as_str()));
                assert_eq!(kept, &record[..record.len().min(KEPT_BYTES)]);
                assert!([2, 4].contains(index));
            }
            assert_eq!(seen.why.len(), 2, "{form} {chunk}");
            assert_eq!(first.get_or_insert(seen.clone()), &seen, "{form} {chunk}");
        }
    }
}

#[test]
fn depth_and_fields_at_their_edge() {
    let deep = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
    let wide = |fields: usize| format!(r#"{{"a":[{}1]}}"#, "1,".repeat(fields - 2));
    let good = "{}";
    for (form, framing) in &FORMS[..3] {
        for (most, over, reason) in
            [(deep(20), deep(21), "too_deep"), (wide(300), wide(301), "too_many_fields")]
        {
            let text = object(form, &[good, &most, &over, good]);
            for chunk in [1, 50, usize::MAX] {
                let (seen, outcome) = frame_by(frames(*framing, 20, 300), text.as_bytes(), chunk);
                assert_eq!(outcome, Ok(Framed::Records));
                assert_eq!(texts(&seen), [good, &most, good], "{form} {chunk}");
                assert_eq!((seen.why[0].0, &seen.why[0].2), (reason, &None));
                assert_eq!((seen.unreadable[0].0, &seen.unreadable[0].1), (2, &over));
            }
        }
    }
}

#[test]
fn a_record_whose_end_is_not_found_fails_its_object_or_costs_its_rest() {
    let endless = |text: &str, framing| frame_by(frames(framing, 20, 300), text.as_bytes(), 333);
    let text = format!("{{\"Records\":[{{}},{{\"a\":\"{}", "x".repeat(5000));
    let error = endless(&text, FRAMING).1.unwrap_err();
    assert_eq!(error, FrameError::EndlessRecord { offset: 15, limit: LONGEST });
    // A value that has a line ends with it, and the last one with the object.
    let text =
        format!("{{\"a\":1}}\n{{\"a\":\"{}\n{{\"a\":2}}\n{{\"a\":[{}", "x".repeat(5000), "1,".repeat(900));
    let (seen, outcome) = endless(&text, VALUES);
    assert_eq!((texts(&seen), outcome), (vec!["{\"a\":1}", "{\"a\":2}"], Ok(Framed::Records)));
    assert_eq!(seen.why.iter().map(|(why, ..)| *why).collect::<Vec<_>>(), ["too_large", "too_large"]);
    assert_eq!(seen.why[0].2.as_ref().unwrap().length, 5006);
    // So does one that is too deep.
    let text = format!("{{}}\n{{\"a\":{}\n{{}}", "[".repeat(30));
    let (seen, outcome) = endless(&text, VALUES);
    assert_eq!((texts(&seen), outcome), (vec!["{}", "{}"], Ok(Framed::Records)));
    assert_eq!(seen.why[0].0, "too_deep");
}

#[test]
fn an_object_of_nothing_but_records_over_a_limit_is_refused() {
    for (form, framing) in FORMS {
        let over = long(LONGEST + 1);
        let error = frame_by(frames(framing, 20, 300), object(form, &[&over, &over]).as_bytes(), 64);
        let error = error.1.unwrap_err();
        assert!(matches!(error, FrameError::AllOverLimit { .. }), "{form}: {error}");
        assert!(error.to_string().contains("found 1001; the first 1001 are kept"), "{error}");
    }
    let deep = format!("{{\"x\":{}{},\"Records\":[{{}}]}}", "[".repeat(30), "]".repeat(30));
    let outcome = frame_by(frames(FRAMING, 20, 300), deep.as_bytes(), 64).1;
    assert!(matches!(outcome, Err(FrameError::OverLimit { offset: 0 | 1, .. })), "{outcome:?}");
    let large = format!("{{\"x\":\"{}\",\"Records\":[{{}}]}}", "x".repeat(5 * LONGEST));
    let outcome = frame_by(frames(FRAMING, 20, 300), large.as_bytes(), 64).1;
    assert!(matches!(outcome, Err(FrameError::OverLimit { offset: 1, .. })), "{outcome:?}");
}

#[test]
fn limits_count_for_each_record_by_itself() {
    let text = "{\"Findings\":[{\"a\":[1]}]}\n".repeat(500);
    let (seen, outcome) = frame_by(frames(VALUES, 3, 3), text.as_bytes(), usize::MAX);
    assert_eq!((seen.records.len(), seen.why.len(), outcome), (500, 0, Ok(Framed::Records)));
}

proptest! {
    #[test]
    fn any_split_cuts_alike(
        records in prop::collection::vec((prop::sample::select(vec![3, 200, 998, 1001, 2500]), any::<bool>()), 1..8),
        form in 0..4_usize, chunk in 1..1500_usize,
    ) {
        let (form, framing) = FORMS[form];
        let records: Vec<String> = records
            .into_iter()
            .map(|(length, damaged)| match (damaged, length) {
                (true, _) => format!("{{\"a\":\"{}\u{1}\"}}", "x".repeat(length)),
                (false, 3) => "{}".to_owned(),
                (false, length) => long(length),
            })
            .collect();
        let text = object(form, &records.iter().map(String::as_str).collect::<Vec<_>>());
        let (whole, expected) = frame_by(frames(framing, 20, 300), text.as_bytes(), usize::MAX);
        prop_assert_eq!(whole.records.len() + whole.why.len(), records.len());
        let (split, outcome) = frame_by(frames(framing, 20, 300), text.as_bytes(), chunk);
        prop_assert_eq!(split, whole);
        prop_assert_eq!(outcome, expected);
    }
}

/// Reading goes on after each refusal without looking at the rest of the window again.
#[test]
fn a_window_full_of_refused_records_takes_linear_time() {
    let text = format!("{{\"Records\":[{}{{}}]}}", "{x},".repeat(400_000));
    let (seen, outcome) = frame_by(frames(FRAMING, 20, 300), text.as_bytes(), usize::MAX);
    assert_eq!((seen.why.len(), texts(&seen), outcome), (400_000, vec!["{}"], Ok(Framed::Records)));
}
