//! Why an object is refused.

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
    /// One record is longer than the configured cap, and the object ends before the record does.
    #[error(
        "the record at byte {offset} is longer than {limit} bytes (MAX_RECORD_BYTES), and its end was not found"
    )]
    EndlessRecord {
        /// Byte offset of the record.
        offset: u64,
        /// The cap, in bytes.
        limit: usize,
    },
    /// What stands around the records is over a limit.
    #[error("over a limit at byte {offset}, outside the records: {reason}")]
    OverLimit {
        /// Byte offset of what is read there.
        offset: u64,
        /// Which limit.
        reason: String,
    },
    /// Records were found, and every one of them is over a limit.
    #[error(
        "no record of the object is within the limits; the first, at byte {offset}: {reason}; \
         raise the limit and send the object again"
    )]
    AllOverLimit {
        /// Byte offset of the first record.
        offset: u64,
        /// Which limit.
        reason: String,
    },
}
