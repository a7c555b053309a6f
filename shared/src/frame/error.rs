//! Why an object is refused.

use crate::json;

/// Why an object could not be framed: the whole object is refused and its message goes back to the queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The object's outer structure is not what its source writes.
    #[error("unexpected structure at byte {offset}: {reason}")]
    Structure {
        /// Byte offset in the decoded object.
        offset: u64,
        /// What was expected.
        reason: String,
    },
    /// The object ends inside a record or before its document is complete.
    #[error("truncated: the document ends after {offset} bytes, inside {inside}")]
    Truncated {
        /// Decoded bytes read.
        offset: u64,
        /// Which part of the document was open.
        inside: &'static str,
    },
    /// One record is longer than the configured cap.
    #[error("the record at byte {offset} is longer than {limit} bytes (MAX_RECORD_BYTES)")]
    RecordTooLong {
        /// Byte offset of the record.
        offset: u64,
        /// The cap, in bytes.
        limit: usize,
    },
    /// A record is nested deeper than [`json::MAX_DEPTH`].
    #[error("the record at byte {offset} is nested deeper than {} levels", json::MAX_DEPTH)]
    TooDeep {
        /// Byte offset of the record.
        offset: u64,
    },
}
