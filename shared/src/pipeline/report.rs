//! What became of an invocation.

use std::collections::BTreeMap;

use crate::cost::Requests;
use crate::ledger::seen::{Arrival, Arrivals, Origin};

/// A raw object that did not make it into the lake. Nothing of it is lost: its message goes back to the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Index among the objects that were to be ingested.
    pub index: usize,
    /// What failed and why.
    pub reason: String,
    /// True if some of its rows may be in the lake already: reading succeeded, writing or registering did not.
    pub partial: bool,
}

/// What became of an invocation. Records are those of objects that could be read: `records` is the sum of rows,
/// skipped and quarantined, less the rows of what could not be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Objects whose records are in the lake, in quarantine or were skipped.
    pub objects_ingested: u64,
    /// Objects whose records were in the lake already.
    pub objects_known: u64,
    /// Objects that are no logs, by reason.
    pub objects_skipped: BTreeMap<&'static str, u64>,
    /// Objects that failed.
    pub failures: Vec<Failure>,
    /// Objects that are not known to be in the lake and have not failed either, so that they are left to the queue: mostly
    /// for lack of time. By their index among those that were to be ingested.
    pub left: Vec<usize>,
    /// Records read.
    pub records: u64,
    /// Rows written, by table (`SOURCE@version`).
    pub rows: BTreeMap<String, u64>,
    /// Records that belong to no table, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Records in quarantine, by reason.
    pub quarantined: BTreeMap<&'static str, u64>,
    /// Events that may be repeated ones: their id was not looked up, since the group had more than
    /// [`MAX_EVENT_IDS`](crate::source::MAX_EVENT_IDS).
    pub events_unchecked: u64,
    /// Bytes fetched, as stored.
    pub bytes_in: u64,
    /// Bytes after decoding.
    pub bytes_decoded: u64,
    /// Bytes of Parquet written.
    pub bytes_out: u64,
    /// Keys of the objects written, quarantine included.
    pub objects_written: Vec<String>,
    /// Partitions registered.
    pub partitions: u64,
    /// Objects that cost a panic.
    pub panics: u64,
    /// The latest event's time, in milliseconds since the epoch.
    pub latest_event: Option<i64>,
    /// What was written, by where it comes from.
    pub arrivals: Arrivals,
    /// Requests that it took, for what it costs.
    pub requests: Requests,
}

impl Report {
    /// Adds the figures of another part of the same invocation. Its failures stay as they are.
    pub fn merge(&mut self, other: Self) {
        fn add<K: Ord>(sums: &mut BTreeMap<K, u64>, more: BTreeMap<K, u64>) {
            for (key, count) in more {
                *sums.entry(key).or_default() += count;
            }
        }
        self.objects_ingested += other.objects_ingested;
        self.objects_known += other.objects_known;
        add(&mut self.objects_skipped, other.objects_skipped);
        self.failures.extend(other.failures);
        self.left.extend(other.left);
        self.records += other.records;
        add(&mut self.rows, other.rows);
        add(&mut self.skipped, other.skipped);
        add(&mut self.quarantined, other.quarantined);
        self.events_unchecked += other.events_unchecked;
        self.bytes_in += other.bytes_in;
        self.bytes_decoded += other.bytes_decoded;
        self.bytes_out += other.bytes_out;
        self.objects_written.extend(other.objects_written);
        self.partitions += other.partitions;
        self.panics += other.panics;
        self.latest_event = self.latest_event.max(other.latest_event);
        self.requests.add(other.requests);
        other.arrivals.into_iter().for_each(|(origin, arrival)| self.add_arrival(origin, arrival));
    }

    pub(super) fn add_arrival(&mut self, origin: Origin, arrival: Arrival) {
        let known = self.arrivals.get(&origin).copied();
        self.arrivals.insert(origin, known.map_or(arrival, |known| known.and(arrival)));
    }
}
