//! What the pipeline asks of a source: which keys are its logs, how they are framed, and the mapping of one
//! record to rows. A source lives in its function's crate; this is the wall between the two.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::frame::Framing;
use crate::json::{self, Cursor};
use crate::layout::Partition;
use crate::rows::{Rows, RowsError};
use crate::table::TableDefinition;

/// What an object's key says of it, before anything is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyClass {
    /// A log of this source.
    Log(KeyFacts),
    /// Not a log, for a reason that the counters name in `snake_case`: `digest`, `marker`, `other_service`.
    NotALog(&'static str),
    /// The key says nothing. A function takes such an object for its source's log, since someone has sent it
    /// here; `lake` asks for `--source`.
    Unknown,
}

/// What a log's key says of its records. Used only for records that do not say it themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyFacts {
    /// `us-east-1`
    pub region: Option<String>,
    /// Twelve digits.
    pub account: Option<String>,
    /// Region of the lake: the last resort of sources whose records and keys may both be silent.
    pub lake_region: Option<String>,
    /// When the records came into being, to a few minutes, in milliseconds since the epoch: for sources whose
    /// records may lack a time.
    pub time: Option<i64>,
}

/// A source of raw logs.
pub trait Source: Send + Sync {
    /// The function's name: `cloudtrail`. Names the quarantine's folder.
    fn name(&self) -> &'static str;

    /// Tables that the source can fill.
    fn tables(&self) -> &'static [&'static TableDefinition];

    /// How its objects hold their records.
    fn framing(&self) -> Framing;

    /// What a key says.
    fn classify(&self, key: &str) -> KeyClass;

    /// The mapping to the given tables, which are some of [`Source::tables`]; rows of `Output::table(i)` are
    /// rows of `tables[i]`.
    ///
    /// # Errors
    /// If the mapping and a table's definition disagree.
    fn normalizer(&self, tables: &[&'static TableDefinition]) -> Result<Box<dyn Normalizer>, RowsError>;

    /// Gives the leaves of `table` their values that are the same in every row.
    ///
    /// # Errors
    /// As [`Source::normalizer`].
    fn constants(&self, table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError>;
}

/// The mapping of one source's records to rows.
pub trait Normalizer: Send {
    /// A new object begins: what was learned from the last one (a header, say) no longer holds.
    fn begin(&mut self) {}

    /// Reads the JSON record at the cursor, writes its rows and leaves the cursor behind the record.
    ///
    /// An envelope, a record that holds several, reports each of them by [`Output::part`] and answers
    /// [`Outcome::Parts`]. It has to be read to its end first: after [`RecordError::Json`] the same record comes
    /// again.
    ///
    /// # Errors
    /// See [`RecordError`]. The caller takes back every row of the record.
    fn normalize(
        &mut self,
        record: &mut Cursor<'_>,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, RecordError>;

    /// Reads one line of [`Framing::Lines`] and writes its rows. [`Outcome::Parts`] without a part is the answer
    /// to a line that is no record, such as a header.
    ///
    /// # Errors
    /// Why the line goes to quarantine. The caller takes back every row of it.
    fn normalize_line(
        &mut self,
        line: &str,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, Rejection> {
        let _ = (line, facts, out);
        Err(Rejection { reason: "not_json", detail: "expected JSON, found a line of text".to_owned() })
    }
}

/// What became of a record that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It has a row in each table it belongs to.
    Landed,
    /// It belongs to no table, for a reason that the counters name: `insight`.
    Skipped(&'static str),
    /// It is no record itself: what became of the records that it held was told to [`Output::part`].
    Parts,
}

/// What became of the records that an envelope held.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) landed: u64,
    pub(crate) skipped: Vec<&'static str>,
    /// With the record as it came.
    pub(crate) rejected: Vec<(Rejection, Vec<u8>)>,
}

impl Parts {
    /// True if nothing was told.
    pub(crate) fn is_empty(&self) -> bool {
        self.landed == 0 && self.skipped.is_empty() && self.rejected.is_empty()
    }
}

/// Why a record has no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordError {
    /// The text is not JSON, or not all there yet.
    Json(json::Error),
    /// The record cannot be normalised and goes to quarantine.
    Rejected(Rejection),
}

impl From<json::Error> for RecordError {
    fn from(error: json::Error) -> Self {
        Self::Json(error)
    }
}

/// Why a record goes to quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// For the counters: `missing_event_time`.
    pub reason: &'static str,
    /// For a person: what was expected and what was found, without the record's contents.
    pub detail: String,
}

/// Region or account of a partition whose records do not say it, and neither does anything else.
pub const UNKNOWN: &str = "unknown";

/// Region and account of a record's partition: the first of each that is there and not empty, [`UNKNOWN`] where
/// none is.
///
/// # Errors
/// If one is too long to be part of an object's key.
pub fn partition<'a>(
    regions: impl IntoIterator<Item = Option<Cow<'a, str>>>,
    accounts: impl IntoIterator<Item = Option<Cow<'a, str>>>,
) -> Result<(Cow<'a, str>, Cow<'a, str>), Rejection> {
    /// Both become part of a path, escaped to thrice their length at most.
    const MAX_LENGTH: usize = 64;
    let checked = |what: &str, text: Option<Cow<'a, str>>| {
        let text = text.unwrap_or(Cow::Borrowed(UNKNOWN));
        if text.len() <= MAX_LENGTH {
            return Ok(text);
        }
        let detail = format!("{what}: expected at most {MAX_LENGTH} bytes, found {}", text.len());
        Err(Rejection { reason: "bad_partition", detail })
    };
    let region = regions.into_iter().flatten().find(|text| !text.is_empty());
    let account = accounts.into_iter().flatten().find(|text| !text.is_empty());
    Ok((checked("region", region)?, checked("account", account)?))
}

/// Rows of one table with what the writer sorts and splits them by.
#[derive(Debug)]
pub struct TableRows {
    rows: Rows,
    times: Vec<i64>,
    partitions: Vec<u32>,
}

impl TableRows {
    /// No rows of `table`, whose values that are the same in every row are those of `source`.
    ///
    /// # Errors
    /// If the definition is mistaken.
    pub fn new(source: &dyn Source, table: &'static TableDefinition) -> Result<Self, RowsError> {
        let mut rows = Rows::new(table)?;
        source.constants(table, &mut rows)?;
        Ok(Self { rows, times: Vec::new(), partitions: Vec::new() })
    }

    /// Rows that were ended and not taken back.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// True if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// About how many bytes the rows take in memory.
    pub fn bytes(&self) -> usize {
        self.rows.bytes()
    }

    /// Each row's partition, an index into [`Partitions`].
    pub fn partitions(&self) -> &[u32] {
        &self.partitions
    }

    /// Takes back the current row and all rows from `rows` on.
    pub fn truncate(&mut self, rows: usize) {
        self.rows.truncate(rows);
        self.times.truncate(rows);
        self.partitions.truncate(rows);
    }

    /// All rows, partition by partition and each part ordered by time; equal times keep their order. Rows stay
    /// until they are taken back.
    pub fn parts(&mut self) -> Vec<Part> {
        self.rows.finish();
        let (times, partitions) = (&self.times, &self.partitions);
        let mut order: Vec<u32> = (0..u32::try_from(times.len()).unwrap_or(u32::MAX)).collect();
        let place = |&row: &u32| (partitions[row as usize], times[row as usize]);
        if !order.is_sorted_by_key(place) {
            order.sort_by_key(place);
        }
        order
            .chunk_by(|&a, &b| partitions[a as usize] == partitions[b as usize])
            .map(|rows| Part {
                partition: partitions[rows[0] as usize],
                order: rows.to_vec(),
                latest: times[rows[rows.len() - 1] as usize],
            })
            .collect()
    }

    /// The rows that [`TableRows::parts`] speaks of.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    fn end_row(&mut self, time: i64, partition: u32) {
        self.times.push(time);
        self.partitions.push(partition);
        self.rows.end_row();
    }
}

/// Rows of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The partition, an index into [`Partitions`].
    pub partition: u32,
    /// Numbers of the rows, in the order in which they are to be written.
    pub order: Vec<u32>,
    /// The latest event's time, in milliseconds since the epoch.
    pub latest: i64,
}

/// Where a normaliser writes.
#[derive(Debug)]
pub struct Output<'a> {
    tables: &'a mut [TableRows],
    partitions: &'a mut Partitions,
    parts: &'a mut Parts,
    /// Rows of each table before the current record.
    marks: &'a mut Vec<usize>,
}

impl<'a> Output<'a> {
    /// An output to `tables`, before a record.
    pub(crate) fn new(
        tables: &'a mut [TableRows],
        partitions: &'a mut Partitions,
        parts: &'a mut Parts,
        marks: &'a mut Vec<usize>,
    ) -> Self {
        let mut output = Self { tables, partitions, parts, marks };
        output.mark();
        output
    }

    /// Tells what became of one of the records that an envelope holds: `raw` is that record. The rows of a
    /// rejected one are taken back.
    pub fn part(&mut self, raw: &[u8], outcome: Result<Outcome, Rejection>) {
        match outcome {
            Ok(Outcome::Landed) => self.parts.landed += 1,
            Ok(Outcome::Skipped(reason)) => self.parts.skipped.push(reason),
            Ok(Outcome::Parts) => {}
            Err(rejection) => {
                self.take_back();
                self.parts.rejected.push((rejection, raw.to_vec()));
            }
        }
        self.mark();
    }

    fn mark(&mut self) {
        self.marks.clear();
        self.marks.extend(self.tables.iter().map(TableRows::len));
    }

    /// Takes back every row of the current record, in every table.
    pub(crate) fn take_back(&mut self) {
        for (table, rows) in self.tables.iter_mut().zip(&*self.marks) {
            table.truncate(*rows);
        }
    }

    /// Rows of table `index`.
    pub fn table(&mut self, index: usize) -> &mut Rows {
        &mut self.tables[index].rows
    }

    /// Ends the current row of table `index`. `time` is in milliseconds since the epoch; the row's event day is
    /// its UTC day.
    pub fn end_row(&mut self, index: usize, region: &str, account: &str, time: i64) {
        let partition = self.partitions.index(region, account, time);
        self.tables[index].end_row(time, partition);
    }
}

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Every partition met so far, numbered.
#[derive(Debug, Default)]
pub struct Partitions {
    all: Vec<(Partition, i64)>,
    by_hash: FxHashMap<u64, Vec<u32>>,
    latest: u32,
}

impl Partitions {
    /// The number of the partition, which is new if it was not met before.
    pub fn index(&mut self, region: &str, account: &str, time: i64) -> u32 {
        use std::hash::{BuildHasher as _, BuildHasherDefault};

        let day = time.div_euclid(DAY);
        let is = |(known, known_day): &(Partition, i64)| {
            *known_day == day && known.region == region && known.account == account
        };
        if self.all.get(self.latest as usize).is_some_and(is) {
            return self.latest; // records of one file come from a few partitions, most from the one before
        }
        let hash = BuildHasherDefault::<rustc_hash::FxHasher>::default().hash_one((region, account, day));
        let candidates = self.by_hash.entry(hash).or_default();
        let found = candidates.iter().copied().find(|&index| self.all.get(index as usize).is_some_and(is));
        self.latest = found.unwrap_or_else(|| {
            let index = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
            let partition = Partition {
                region: region.to_owned(),
                account: account.to_owned(),
                day: crate::time::day(time),
            };
            self.all.push((partition, day));
            candidates.push(index);
            index
        });
        self.latest
    }

    /// The partition of that number.
    pub fn get(&self, index: u32) -> &Partition {
        &self.all[index as usize].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_numbered_once() {
        let mut partitions = Partitions::default();
        let first = partitions.index("us-east-1", "1", 0);
        let second = partitions.index("us-east-1", "1", DAY);
        assert_ne!(first, second);
        assert_eq!(partitions.index("us-east-1", "1", DAY - 1), first);
        assert_eq!(partitions.index("us-east-1", "2", 2 * DAY - 1), 2);
        assert_eq!(partitions.index("us-east-1", "1", 2 * DAY - 1), second);
        assert_eq!(partitions.get(second).day, "19700102");
        assert_eq!(partitions.get(partitions.by_hash.len() as u32 - 1).account, "2");
    }
}
