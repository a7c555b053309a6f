//! What a pipeline may use.

use crate::json::{Limits, MAX_DEPTH};
use crate::layout::Codec;

/// What the pipeline may use and where it writes. Sizes are bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Bucket (or folder) of the lake.
    pub lake_bucket: String,
    /// Buckets that raw objects may come from; empty allows any.
    pub raw_buckets: Vec<String>,
    /// Compression of the lake's Parquet objects.
    pub codec: Codec,
    /// Cap of one raw object's decoded size.
    pub max_object_bytes: u64,
    /// Cap of one record's size.
    pub max_record_bytes: usize,
    /// Cap of one record's nesting.
    pub max_depth: usize,
    /// Cap of one record's members and elements.
    pub max_fields: usize,
    /// Events whose id occurred in the same group are skipped. Only for sources whose events have an id:
    /// [`Source::event_id`](crate::source::Source::event_id).
    pub drop_repeated_events: bool,
    /// Rows are held in memory up to this size, then written as row groups.
    pub buffer_bytes: usize,
    /// Raw objects fetched ahead.
    pub fetch_concurrency: usize,
    /// Region of the lake.
    pub region: Option<String>,
}

impl Settings {
    /// The defaults, for a lake in `lake_bucket`.
    pub fn new(lake_bucket: impl Into<String>) -> Self {
        Self {
            lake_bucket: lake_bucket.into(),
            raw_buckets: Vec::new(),
            codec: Codec::Zstd,
            max_object_bytes: 4 << 30,
            max_record_bytes: 32 << 20,
            max_depth: MAX_DEPTH,
            max_fields: 256 << 10,
            drop_repeated_events: false,
            buffer_bytes: 48 << 20,
            fetch_concurrency: 8,
            region: None,
        }
    }

    /// How much of a record is read.
    pub(crate) fn limits(&self) -> Limits {
        Limits { depth: self.max_depth, fields: self.max_fields }
    }
}
