//! What stands in the lake, read by the `parquet` crate and not by anything of ours.

use std::collections::BTreeMap;

use bytes::Bytes;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};

use crate::road::Seen;

/// Rows and quarantined records of a lake, in an order that does not depend on how they were written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Rows as text, sorted, by the prefix of their partition.
    pub rows: BTreeMap<String, Vec<String>>,
    /// Lines of the quarantine, sorted, without the group: an object may be read in any.
    pub quarantine: Vec<String>,
}

impl Contents {
    /// Reads a lake, and holds each row against the day of its partition, and their number against the report.
    pub fn of(seen: &Seen) -> Self {
        let mut contents = Self::default();
        for (key, bytes) in &seen.lake {
            if key.starts_with("quarantine/") {
                continue;
            }
            let prefix = prefix(key);
            let day = prefix.rsplit("eventDay=").next().unwrap().trim_end_matches('/');
            let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes)).unwrap();
            let rows = contents.rows.entry(prefix.to_owned()).or_default();
            for row in reader.get_row_iter(None).unwrap() {
                let row = row.unwrap();
                assert_eq!(shared::time::day(time(&row)), day, "a row of {key} is of another day");
                rows.push(row.to_string());
            }
        }
        let rows: usize = contents.rows.values().map(Vec::len).sum();
        assert_eq!(rows as u64, seen.report.rows.values().sum::<u64>(), "{:?}", seen.report);
        contents.rows.values_mut().for_each(|rows| rows.sort_unstable());
        contents.quarantine = seen.quarantine().iter().map(|line| without_group(line)).collect();
        contents.quarantine.sort_unstable();
        contents
    }

    /// The rows of a source version: `2.0`.
    pub fn rows_of<'a>(&'a self, version: &str) -> impl Iterator<Item = &'a String> {
        let folder = format!("/{version}/");
        self.rows.iter().filter(move |(prefix, _)| prefix.contains(&folder)).flat_map(|(_, rows)| rows)
    }

    /// Adds those of another lake.
    pub fn add(&mut self, other: Self) {
        for (prefix, more) in other.rows {
            let rows = self.rows.entry(prefix).or_default();
            rows.extend(more);
            rows.sort_unstable();
        }
        self.quarantine.extend(other.quarantine);
        self.quarantine.sort_unstable();
    }
}

fn without_group(line: &str) -> String {
    let mut entry: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
    assert!(entry.shift_remove("group").is_some_and(|group| group.as_str().unwrap().len() == 32), "{line}");
    serde_json::to_string(&entry).unwrap()
}

/// The key up to its last slash, which is included.
pub fn prefix(key: &str) -> &str {
    &key[..=key.rfind('/').unwrap()]
}

fn time(row: &Row) -> i64 {
    let column = row.get_column_iter().find(|(name, _)| name.as_str() == "time").unwrap();
    match column.1 {
        Field::Long(millis) | Field::TimestampMillis(millis) => *millis,
        other => panic!("`time` is {other:?}"),
    }
}
