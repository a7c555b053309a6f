use std::sync::Arc;

use arrow_array::{
    BooleanArray, Float64Array, Int32Array, Int64Array, ListArray, StringArray, TimestampMicrosecondArray,
    types::Int32Type,
};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;

use super::*;
use crate::decode::Decoder;

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn decode(stored: &[u8], chunk: usize, limit: u64) -> Result<String, DecodeError> {
    let (mut decoder, mut out) = (Decoder::new(limit).reading_tables(true), Vec::new());
    for mut piece in stored.chunks(chunk) {
        while decoder.decode(&mut piece, &mut out)? {}
    }
    while decoder.finish(&mut out)? {}
    assert_eq!(decoder.decoded(), out.len() as u64);
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn some() -> Vec<u8> {
    parquet(vec![
        ("account_id", Arc::new(StringArray::from(vec![Some("111122223333"), None, Some("")]))),
        ("srcport", Arc::new(Int32Array::from(vec![Some(-1), None, Some(443)]))),
        ("bytes", Arc::new(Int64Array::from(vec![Some(i64::MAX), None, Some(0)]))),
        ("dst port", Arc::new(Float64Array::from(vec![Some(53.0), None, Some(f64::NAN)]))),
        ("new", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        (
            "start",
            Arc::new(TimestampMicrosecondArray::from(vec![Some(1_773_479_100_000_999), None, Some(0)])),
        ),
    ])
}

#[test]
fn rows_become_lines() {
    let expected = "#columns account_id srcport bytes dst~port new start\n\
        111122223333 -1 9223372036854775807 53 true 1773479100000\n- - - - - -\n- 443 0 - false 0\n"
        .replace(' ', "\t")
        .replace('~', " ");
    let stored = some();
    for chunk in [1, 3, 64, stored.len()] {
        assert_eq!(decode(&stored, chunk, 1 << 20).unwrap(), expected);
    }
}

#[test]
fn files_after_each_other_are_refused() {
    let (one, empty) = (some(), parquet(vec![("a", Arc::new(Int32Array::from(Vec::<i32>::new())))]));
    for files in [[&one, &one], [&one, &empty], [&empty, &one]] {
        let error = decode(&files.map(Vec::as_slice).concat(), 999, 1 << 20).unwrap_err().to_string();
        assert!(error.contains("another Parquet file"), "{error}");
    }
    assert!(decode(&empty, 999, 1 << 20).is_ok());
}

#[test]
fn rows_come_a_few_at_a_time() {
    let many = Arc::new(Int64Array::from_iter_values(0..5000));
    let stored = parquet(vec![("bytes", many)]);
    let mut decoder = Decoder::new(u64::MAX).reading_tables(true);
    let mut out = Vec::new();
    while decoder.decode(&mut stored.as_slice(), &mut out).unwrap() {}
    let (mut lines, mut most) = (0, 0);
    while decoder.finish(&mut out).unwrap() {
        let found = out.iter().filter(|byte| **byte == b'\n').count();
        (lines, most) = (lines + found, most.max(found));
        out.clear();
    }
    assert_eq!((lines, most), (5001, ROWS));
}

#[test]
fn what_is_refused() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
    let error = decode(&parquet(vec![("lists", Arc::new(list))]), 999, 1 << 20).unwrap_err().to_string();
    assert!(error.contains("`lists`"), "{error}");
    let stored = some();
    assert!(decode(&stored[..stored.len() - 9], 999, 1 << 20).unwrap_err().to_string().contains("Parquet"));
    assert_eq!(decode(&stored, 999, 10), Err(DecodeError::TooLarge { limit: 10 }));
    let large = [MAGIC.as_slice(), &vec![0; MAX_STORED]].concat();
    assert_eq!(decode(&large, 1 << 20, 10), Err(DecodeError::TableTooLarge { limit: MAX_STORED }));
}

#[test]
fn a_source_without_tables_sees_the_bytes() {
    let (mut decoder, mut out) = (Decoder::new(u64::MAX), Vec::new());
    let stored = some();
    while decoder.decode(&mut stored.as_slice(), &mut out).unwrap() {}
    assert!(!decoder.finish(&mut out).unwrap());
    assert!(out.starts_with(&MAGIC));
}

proptest! {
    #[test]
    fn a_row_is_one_line_whatever_it_holds(values in prop::collection::vec("[a\\\\tnr \t\n\r\u{b}\u{c}\u{1f}é-]{1,9}", 1..20)) {
        let columns = || Arc::new(StringArray::from(values.clone()));
        let stored = parquet(vec![("a\tb\n", columns()), ("\\c", columns())]);
        let decoded = decode(&stored, 999, 1 << 20).unwrap();
        let lines: Vec<&str> = decoded.strip_suffix('\n').unwrap().split('\n').collect();
        prop_assert_eq!(Columns::of_line(lines[0]).unwrap().names(), ["a\tb\n", "\\c"]);
        prop_assert_eq!(lines.len(), values.len() + 1);
        for (line, value) in lines[1..].iter().zip(&values) {
            prop_assert!(!line.trim_ascii().is_empty() && !line.contains('\r'));
            let found: Vec<String> = line
                .split('\t')
                .map(|value| {
                    let mut text = String::new();
                    unescape(value, &mut text);
                    text
                })
                .collect();
            prop_assert_eq!(found, [value.as_str(), value.as_str()]);
        }
    }

    #[test]
    fn damage_is_an_error(at in 0.0..1.0_f64, byte in any::<u8>()) {
        let mut stored = some();
        let at = (stored.len() as f64 * at) as usize;
        stored[at] = byte;
        let _outcome = decode(&stored, 999, 1 << 20);
    }
}
