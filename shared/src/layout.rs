//! Names: where objects stand in the lake, and what the Glue database and tables are called. They are Amazon
//! Security Lake's, so that its readers and its published queries find everything where they look.
//!
//! | what | form |
//! |---|---|
//! | lake object | `aws/<SOURCE>/<version>/region=<r>/accountId=<id>/eventDay=<YYYYMMDD>/<32 hex>.<codec>.parquet` |
//! | quarantine | `quarantine/<function>/<32 hex>.jsonl.gz` |
//! | database | `amazon_security_lake_glue_db_<region>` |
//! | table | `amazon_security_lake_table_<region>_<source>_<version>` |
//!
//! The 32 hex digits derive from the raw objects and the partition: the same input is written to the same key.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::table::TableDefinition;

/// True for keys that only a lake writes. Such an object is refused as input, or the lake would feed on itself.
pub fn is_lake_key(key: &str) -> bool {
    let is_table = (key.starts_with("aws/") || key.starts_with("ext/")) && key.contains("/eventDay=");
    is_table || (key.starts_with("quarantine/") && key.ends_with(".jsonl.gz"))
}

/// Compression of the lake's Parquet objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// zstd, level 1.
    #[default]
    Zstd,
    /// gzip, as AWS writes.
    Gzip,
}

impl Codec {
    /// The codec as configuration writes it.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "zstd" => Some(Self::Zstd),
            "gzip" => Some(Self::Gzip),
            _ => None,
        }
    }

    /// What stands before `.parquet` in an object's name.
    fn infix(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gz",
        }
    }
}

/// Values of the partition keys. They are the record's own region, account and UTC day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition {
    /// `us-east-1`
    pub region: String,
    /// Twelve digits as a rule; whatever the record says otherwise.
    pub account: String,
    /// `YYYYMMDD`
    pub day: String,
}

impl Partition {
    /// The values in the order of [`crate::table::PARTITION_KEYS`].
    pub fn values(&self) -> [&str; 3] {
        [&self.region, &self.account, &self.day]
    }
}

/// Key prefix of a table, with the closing slash.
pub fn table_prefix(table: &TableDefinition) -> String {
    format!("aws/{}/{}/", table.source, table.version)
}

/// Key prefix of a partition, with the closing slash.
pub fn partition_prefix(table: &TableDefinition, partition: &Partition) -> String {
    let [region, account, day] = partition.values().map(escape);
    format!("{}region={region}/accountId={account}/eventDay={day}/", table_prefix(table))
}

/// The partition whose prefix this is; nothing if no partition of the table has such a prefix.
pub fn partition_of(table: &TableDefinition, prefix: &str) -> Option<Partition> {
    let rest = prefix.strip_prefix(&table_prefix(table))?.strip_suffix('/')?;
    let (region, rest) = rest.strip_prefix("region=")?.split_once("/accountId=")?;
    let (account, day) = rest.split_once("/eventDay=")?;
    let partition = Partition { region: unescape(region)?, account: unescape(account)?, day: unescape(day)? };
    // What is spelled otherwise is not ours, and a reader would not find it where the catalogue says.
    (partition_prefix(table, &partition) == prefix).then_some(partition)
}

/// Key of a Parquet object. `inputs` are the identities of the raw objects of the group that it comes from, in
/// any order; `part` counts the objects of one partition and group.
pub fn object_key<'a>(
    table: &TableDefinition,
    partition: &Partition,
    inputs: impl IntoIterator<Item = &'a str>,
    part: u32,
    codec: Codec,
) -> String {
    let prefix = partition_prefix(table, partition);
    let name = digest(inputs, &[&prefix, &part.to_string()]);
    format!("{prefix}{name}.{}.parquet", codec.infix())
}

/// Key of a quarantine object; `inputs` and `part` as for [`object_key`]. `tables` are the ids of the tables that the
/// inputs were read for: read for others later, they leave other records.
pub fn quarantine_key<'a>(
    function: &str,
    inputs: impl IntoIterator<Item = &'a str>,
    tables: &[String],
    part: u32,
) -> String {
    let mut tables: Vec<&str> = tables.iter().map(String::as_str).collect();
    tables.sort_unstable();
    let name = digest(inputs, &["quarantine", &tables.join(","), &part.to_string()]);
    format!("quarantine/{function}/{name}.jsonl.gz")
}

/// Name of the Glue database of the lake in `region`.
pub fn database_name(region: &str) -> String {
    format!("amazon_security_lake_glue_db_{}", region.replace('-', "_"))
}

/// Name of the Glue table of `table` in the lake of `region`.
pub fn table_name(region: &str, table: &TableDefinition) -> String {
    let suffix = format!("{}_{}", table.source, table.version).to_lowercase().replace('.', "_");
    format!("amazon_security_lake_table_{}_{suffix}", region.replace('-', "_"))
}

/// A partition value as a path segment: characters that Hive escapes, and those that a path gives a meaning,
/// become `%XX`.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// Undoes [`escape`].
fn unescape(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// 128 bits of SHA-256 over the sorted inputs and the given parts, as 32 hex digits.
fn digest<'a>(inputs: impl IntoIterator<Item = &'a str>, parts: &[&str]) -> String {
    let mut inputs: Vec<&str> = inputs.into_iter().collect();
    inputs.sort_unstable();
    inputs.dedup();
    let mut hash = Sha256::new();
    for part in inputs.iter().chain(parts) {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize()[..16].iter().fold(String::with_capacity(32), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::definitions::CLOUD_TRAIL_MGMT_2_0;

    fn partition() -> Partition {
        Partition { region: "us-east-1".into(), account: "111122223333".into(), day: "20260314".into() }
    }

    #[test]
    fn keys_are_security_lakes() {
        let key = object_key(&CLOUD_TRAIL_MGMT_2_0, &partition(), ["raw/a"], 0, Codec::Zstd);
        let prefix = "aws/CLOUD_TRAIL_MGMT/2.0/region=us-east-1/accountId=111122223333/eventDay=20260314/";
        let name = key.strip_prefix(prefix).unwrap().strip_suffix(".zstd.parquet").unwrap();
        assert!(
            name.len() == 32
                && name.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
        );
        assert!(
            object_key(&CLOUD_TRAIL_MGMT_2_0, &partition(), ["raw/a"], 0, Codec::Gzip)
                .ends_with(".gz.parquet")
        );
    }

    #[test]
    fn a_prefix_tells_its_partition() {
        let odd = Partition { account: "700***/é%".into(), ..partition() };
        for partition in [partition(), odd] {
            let prefix = partition_prefix(&CLOUD_TRAIL_MGMT_2_0, &partition);
            assert_eq!(partition_of(&CLOUD_TRAIL_MGMT_2_0, &prefix), Some(partition));
            assert_eq!(partition_of(&crate::table::definitions::S3_DATA_2_0, &prefix), None);
        }
        for wrong in [
            "region=r/accountId=1/",
            "region=r/accountId=1/eventDay=1/x/",
            "region=a%2/accountId=1/eventDay=1/",
        ] {
            let prefix = format!("{}{wrong}", table_prefix(&CLOUD_TRAIL_MGMT_2_0));
            assert_eq!(partition_of(&CLOUD_TRAIL_MGMT_2_0, &prefix), None, "{wrong}");
        }
    }

    #[test]
    fn names_derive_from_the_inputs_in_any_order() {
        let key = |inputs: &[&str], part| {
            object_key(&CLOUD_TRAIL_MGMT_2_0, &partition(), inputs.iter().copied(), part, Codec::Zstd)
        };
        assert_eq!(key(&["a", "b"], 0), key(&["b", "a"], 0));
        assert_ne!(key(&["a", "b"], 0), key(&["ab"], 0));
        assert_ne!(key(&["a", "b"], 0), key(&["a", "b"], 1));
    }

    #[test]
    fn catalogue_names() {
        assert_eq!(database_name("us-east-1"), "amazon_security_lake_glue_db_us_east_1");
        assert_eq!(
            table_name("eu-west-1", &CLOUD_TRAIL_MGMT_2_0),
            "amazon_security_lake_table_eu_west_1_cloud_trail_mgmt_2_0"
        );
    }

    #[test]
    fn the_lakes_own_keys_are_known() {
        assert!(is_lake_key(&object_key(&CLOUD_TRAIL_MGMT_2_0, &partition(), ["a"], 0, Codec::Zstd)));
        assert!(is_lake_key(&quarantine_key("cloudtrail", ["a"], &[], 0)));
        assert!(!is_lake_key("aws/AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/14/x.json.gz"));
    }

    #[test]
    fn what_is_read_for_other_tables_leaves_its_quarantine_elsewhere() {
        let key = |tables: &[&str]| {
            let tables: Vec<String> = tables.iter().map(|table| (*table).to_owned()).collect();
            quarantine_key("cloudtrail", ["a"], &tables, 0)
        };
        assert_eq!(key(&["A@1.0", "A@2.0"]), key(&["A@2.0", "A@1.0"]));
        assert_ne!(key(&["A@1.0"]), key(&["A@2.0"]));
    }

    #[test]
    fn values_cannot_leave_their_path_segment() {
        assert_eq!(escape("../a=b*é"), "..%2Fa%3Db%2A%C3%A9");
    }
}
