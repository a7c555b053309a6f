//! The time by the clock: for lags, leases and what the ledger still remembers. No row and no name depends on it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in milliseconds since the epoch.
#[expect(clippy::disallowed_methods, reason = "the one place of `lake` that reads the clock")]
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    i64::try_from(since).unwrap_or(i64::MAX)
}
