//! What was last seen of each account and region: how far behind the lake is, and who has fallen silent.
//!
//! The ledger's home keeps one [`Seen`] for each [`Origin`]; `lake status` shows them. It is told after a group's rows
//! can be found and before the group is done, so it is never ahead of the lake, and a run that dies in between is made
//! up for by the next. It is told as well as can be: where that fails, one line says so, and no message fails for it.
//! `latest` only grows, in whatever order logs come.

pub mod folder;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where events come from, as the lake is partitioned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The table that holds them, as `VPC_FLOW@2.0`.
    pub table: String,
    /// Account of the records.
    pub account: String,
    /// Region of the records.
    pub region: String,
}

/// What came into the lake at one time from one origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Time of the latest event, in milliseconds since the epoch.
    pub latest: i64,
    /// Rows.
    pub rows: u64,
}

impl Arrival {
    /// The two together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { latest: self.latest.max(other.latest), rows: self.rows + other.rows }
    }
}

/// Arrivals by origin.
pub type Arrivals = BTreeMap<Origin, Arrival>;

/// What was last seen of an origin. Times are milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Time of the latest event that is in the lake. An event that says it is later than its arrival counts as of its
    /// arrival.
    pub latest: i64,
    /// When this event came into the lake.
    pub arrived: i64,
    /// When anything last came, old logs that are replayed too.
    pub ingested: i64,
    /// Rows that came then.
    pub rows: u64,
}

impl Seen {
    /// What is seen after an arrival at `now`, given what was seen before it.
    pub fn after(before: Option<&Self>, arrival: Arrival, now: i64) -> Self {
        let new = Self { latest: arrival.latest.min(now), arrived: now, ingested: now, rows: arrival.rows };
        match before {
            Some(before) => {
                let newest = if before.latest >= new.latest { *before } else { new };
                Self { ingested: new.ingested.max(before.ingested), rows: new.rows, ..newest }
            }
            None => new,
        }
    }

    /// Milliseconds from the latest event to its arrival.
    pub fn lag(&self) -> i64 {
        self.arrived.saturating_sub(self.latest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_event_only_grows() {
        let first = Seen::after(None, Arrival { latest: 100, rows: 5 }, 160);
        assert_eq!(first, Seen { latest: 100, arrived: 160, ingested: 160, rows: 5 });
        let replayed = Seen::after(Some(&first), Arrival { latest: 50, rows: 7 }, 900);
        assert_eq!(replayed, Seen { latest: 100, arrived: 160, ingested: 900, rows: 7 });
        assert_eq!(replayed.lag(), 60);
        let again = Seen::after(Some(&replayed), Arrival { latest: 100, rows: 5 }, 950);
        assert_eq!(again, Seen { latest: 100, arrived: 160, ingested: 950, rows: 5 });
        let next = Seen::after(Some(&again), Arrival { latest: 980, rows: 1 }, 1_000);
        assert_eq!(next, Seen { latest: 980, arrived: 1_000, ingested: 1_000, rows: 1 });
    }

    #[test]
    fn an_event_from_the_future_does_not_hide_those_that_follow() {
        let strange = Seen::after(None, Arrival { latest: i64::MAX, rows: 1 }, 1_000);
        assert_eq!((strange.latest, strange.lag()), (1_000, 0));
        assert_eq!(Seen::after(Some(&strange), Arrival { latest: 1_500, rows: 1 }, 2_000).latest, 1_500);
    }
}
