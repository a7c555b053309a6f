//! What is wrong with a pipeline that cannot be made.

use crate::rows::RowsError;

/// Why a pipeline cannot be made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetUpError {
    /// Only a mistake in the code can cause this.
    #[error("the mapping of {source_name} does not fit its tables: {error}")]
    Mapping {
        /// The source.
        source_name: &'static str,
        /// What does not fit.
        error: RowsError,
    },
    /// See [`drop_repeated_events`](super::Settings::drop_repeated_events).
    #[error("repeated events of {source_name} cannot be told (DROP_REPEATED_EVENTS): {reason}")]
    NoEventId {
        /// The source.
        source_name: &'static str,
        /// What its records lack.
        reason: &'static str,
    },
}
