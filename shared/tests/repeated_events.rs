//! Two trails deliver one event, and repeated events are dropped: once in each group, whatever fails.
//!
//! The world of the [simulation](../simulation.rs) with objects that share events. When everything has come to rest, the
//! lake is what its groups say, each run alone and in peace: byte for byte, with each event of a group in it once.
//!
//! ```text
//! REPEATED_SEED=4711 cargo test -p shared --test repeated_events
//! ```

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[allow(dead_code, reason = "the simulation uses all of it")]
mod simulation {
    pub(crate) mod bugs;
    pub(crate) mod edges;
    pub(crate) mod logs;
    pub(crate) mod world;
}

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::executor::block_on;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::RowAccessor as _;
use shared::deadline::Deadline;
use shared::frame::Framing;
use shared::intake::Intake;
use shared::json::Cursor;
use shared::ledger::Lease;
use shared::notification::ObjectRef;
use shared::pipeline::{Pipeline, Report, Settings};
use shared::rows::{Rows, RowsError};
use shared::source::{
    EventId, KeyClass, KeyFacts, Normalizer, Outcome, Output, REPEATED_EVENT, RecordError, Rejection, Source,
};
use shared::table::TableDefinition;

use simulation::edges::{Book, Buckets, Partitions};
use simulation::logs::{Logs, TABLES};
use simulation::world::{Deployment, World};

const LAKE: &str = "aws-security-data-lake-test";
const TIMEOUT: i64 = 60_000;
/// Without optimisation only a taste of it.
const SEEDS: u64 = if cfg!(debug_assertions) { 30 } else { 2_000 };

const LOGS: Logs = Logs { mapping: 0 };

/// The source of the simulation, whose ids tell the event.
struct Trails;

struct TrailsNormalizer(Box<dyn Normalizer>);

impl Source for Trails {
    fn name(&self) -> &'static str {
        LOGS.name()
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        LOGS.tables()
    }

    fn framing(&self) -> Framing {
        LOGS.framing()
    }

    fn event_id(&self) -> EventId {
        EventId::Member("the first word")
    }

    fn classify(&self, key: &str) -> KeyClass {
        LOGS.classify(key)
    }

    fn normalizer(&self, tables: &[&'static TableDefinition]) -> Result<Box<dyn Normalizer>, RowsError> {
        Ok(Box::new(TrailsNormalizer(LOGS.normalizer(tables)?)))
    }

    fn constants(&self, table: &'static TableDefinition, rows: &mut Rows) -> Result<(), RowsError> {
        LOGS.constants(table, rows)
    }
}

impl Normalizer for TrailsNormalizer {
    fn normalize(
        &mut self,
        record: &mut Cursor<'_>,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, RecordError> {
        self.0.normalize(record, facts, out)
    }

    fn normalize_line(
        &mut self,
        line: &str,
        facts: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, Rejection> {
        // Asked before it is certain that there is a row: what is rejected is taken back all the same.
        let id = line.strip_prefix("bad ").or(line.split(' ').next()).unwrap_or_default();
        if out.is_repeated(id) {
            return Ok(Outcome::Skipped(REPEATED_EVENT));
        }
        self.0.normalize_line(line, facts, out)
    }
}

fn pipeline(world: &World, drop_repeated_events: bool) -> Pipeline<Buckets, Partitions> {
    let buffer_bytes = world.state().deployment.buffer_bytes;
    let settings =
        Settings { fetch_concurrency: 3, buffer_bytes, drop_repeated_events, ..Settings::new(LAKE) };
    let (store, catalog) = (Buckets(world.clone()), Partitions(world.clone()));
    Pipeline::new(Box::new(Trails), vec![TABLES[1]], store, catalog, settings).unwrap()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

/// Events of each object, by its key; those that cannot be read have none.
type Events = BTreeMap<String, BTreeSet<String>>;

/// Puts logs of several trails into the raw bucket.
fn deliver(world: &World) -> Events {
    let mut state = world.state();
    let mut events = Events::new();
    let objects = 2 + state.random.below(5);
    for object in 0..objects {
        let (mut text, mut ids) = (String::new(), BTreeSet::new());
        for _ in 0..state.random.below(12) {
            let event = state.random.below(15);
            if state.random.chance(10) {
                text.push_str(&format!("bad e{event}\n"));
            } else {
                // An event has one account and one day, whoever delivers it.
                text.push_str(&format!("e{event} {} {}\n", event % 2, 20_000 + event % 3));
                ids.insert(format!("e{event}"));
            }
        }
        let mut bytes = gzip(&text);
        if state.random.chance(15) {
            bytes.truncate(bytes.len() - 4);
            ids.clear();
        }
        let key = format!("logs/{object}.log.gz");
        state.raw.insert(key.clone(), (bytes, format!("e{object}")));
        events.insert(key, ids);
    }
    events
}

/// Ids in each object of the lake's tables.
fn rows(world: &World) -> BTreeMap<String, Vec<String>> {
    let state = world.state();
    let tables = state.lake.iter().filter(|(key, _)| key.starts_with("aws/"));
    let ids = |bytes: &Vec<u8>| {
        let reader = SerializedFileReader::new(Bytes::from(bytes.clone())).unwrap();
        let uid = |row: parquet::record::Row| row.get_string(0).unwrap().clone();
        reader.get_row_iter(None).unwrap().map(|row| uid(row.unwrap())).collect()
    };
    tables.map(|(key, bytes)| (key.clone(), ids(bytes))).collect()
}

/// Brings everything in, with invocations that die, fail and are handed the same objects again.
fn ingest(world: &World) {
    let mut waiting: Vec<String> = world.state().raw.keys().cloned().collect();
    for round in 0..60 {
        if round > 30 {
            world.calm();
        }
        let (mut batch, lives, now) = {
            let mut state = world.state();
            state.now += if state.random.chance(70) { 2 * TIMEOUT } else { 1 };
            let all: Vec<String> = state.raw.keys().cloned().collect();
            let pick = |key: &&String, random: &mut simulation::world::Random| {
                random.chance(if waiting.contains(key) { 60 } else { 5 })
            };
            let mut batch = Vec::new();
            for key in &all {
                if pick(&key, &mut state.random) {
                    let etag = Some(state.raw[key].1.clone());
                    batch.push(ObjectRef { etag, ..ObjectRef::new("raw", key.clone()) });
                }
            }
            let lives =
                if state.quiet || state.random.chance(50) { usize::MAX } else { state.random.below(150) };
            (batch, lives, state.now)
        };
        let turn = world.state().random.below(batch.len());
        batch.rotate_left(turn);
        let lease = Lease { owner: format!("i{round}"), now, until: now + TIMEOUT };
        let intake = Intake::new(pipeline(world, true), Some(Book(world.clone())));
        let deadline = Deadline::never(&|| 0);
        let mut invocation = Box::pin(intake.ingest(batch.clone(), &lease, &deadline));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..lives {
            if let Poll::Ready(report) = invocation.as_mut().poll(&mut context) {
                let failed: BTreeSet<usize> = report.failures.iter().map(|failure| failure.index).collect();
                let done = |key: &String| {
                    (0..batch.len()).any(|index| batch[index].key == *key && !failed.contains(&index))
                };
                waiting.retain(|key| !done(key));
                break;
            }
        }
    }
}

fn run(seed: u64) -> Result<u64, String> {
    let world = World::new(seed, None);
    let events = deliver(&world);
    ingest(&world);
    let (raw, groups, buffer_bytes) = {
        let state = world.state();
        (state.raw.clone(), state.groups.clone(), state.deployment.buffer_bytes)
    };
    let (mut expected, mut landed, mut dropped) = (BTreeMap::new(), BTreeSet::new(), 0);
    for group in groups.values() {
        if !group.done {
            return Err("a group has not come to its end".to_owned());
        }
        let alone = World::new(seed, None);
        alone.calm();
        {
            let mut state = alone.state();
            state.raw = raw.clone();
            state.deployment.buffer_bytes = buffer_bytes;
        }
        let identities: Vec<String> = group.group.members.iter().map(ObjectRef::identity).collect();
        let left_out = group.group.left_out.clone().unwrap_or_default();
        let members = (0..group.group.members.len()).filter(|member| !left_out.contains(member));
        let members: Vec<ObjectRef> = members.map(|member| group.group.members[member].clone()).collect();
        let wanted: BTreeSet<String> =
            members.iter().flat_map(|member| events[&member.key].iter().cloned()).collect();
        let pipeline = pipeline(&alone, true);
        let report: Report = block_on(async {
            let read = pipeline.read(members, &identities, &|_| {}, &Deadline::never(&|| 0)).await;
            pipeline.publish(read).await
        });
        if !report.failures.is_empty() {
            return Err(format!("a group that is done cannot be run: {:?}", report.failures));
        }
        dropped += report.skipped.get(REPEATED_EVENT).copied().unwrap_or_default();
        let found: Vec<String> = rows(&alone).into_values().flatten().collect();
        if found.len() != wanted.len() || found.iter().any(|id| !wanted.contains(id)) {
            return Err(format!("a group has {found:?}, expected each of {wanted:?} once"));
        }
        landed.extend(found);
        expected.extend(alone.state().lake.clone());
    }
    if world.state().lake != expected {
        return Err("the lake is not what its groups say".to_owned());
    }
    let lost: Vec<&String> = events.values().flatten().filter(|id| !landed.contains(*id)).collect();
    if lost.is_empty() { Ok(dropped) } else { Err(format!("lost {lost:?}")) }
}

#[expect(clippy::disallowed_methods, reason = "which seed is the caller's choice")]
fn seeds() -> std::ops::Range<u64> {
    let seed = std::env::var("REPEATED_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    seed.map_or(0..SEEDS, |seed| seed..seed + 1)
}

#[test]
fn an_event_is_in_its_group_once_and_in_no_case_lost() {
    let mut dropped = 0;
    for seed in seeds() {
        dropped += run(seed).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
    assert!(dropped > 0, "nothing was repeated, so nothing was tested");
}

/// One object after the other, each with the events `a` and `b` or what is said.
fn ingest_all(objects: &[Vec<u8>], buffer_bytes: usize, drop: bool) -> (Report, Vec<Vec<String>>) {
    let world = World::new(0, None);
    world.state().quiet = true;
    world.state().deployment = Deployment { buffer_bytes, ..Deployment::plain() };
    let mut refs = Vec::new();
    for (number, bytes) in objects.iter().enumerate() {
        let key = format!("logs/{number}.log.gz");
        world.state().raw.insert(key.clone(), (bytes.clone(), "e".to_owned()));
        refs.push(ObjectRef::new("raw", key));
    }
    let report = block_on(pipeline(&world, drop).ingest(refs, &|_| {}));
    (report, rows(&world).into_values().collect())
}

fn repeated(report: &Report) -> u64 {
    report.skipped.get(REPEATED_EVENT).copied().unwrap_or_default()
}

#[test]
fn an_object_that_is_refused_takes_its_ids_with_it() {
    let two = gzip("a 1 20000\nb 1 20000\n");
    let mut cut = two.clone();
    cut.truncate(cut.len() - 4);
    let (report, rows) = ingest_all(&[cut, two.clone(), two.clone()], 48 << 20, true);
    assert_eq!((report.failures.len(), repeated(&report), report.records), (1, 2, 4));
    assert_eq!(rows, [["a", "b"]]);
    let (report, rows) = ingest_all(&[two.clone(), two], 48 << 20, false);
    assert_eq!(
        (repeated(&report), rows),
        (0, vec![vec!["a".to_owned(), "b".to_owned(), "a".to_owned(), "b".to_owned()]])
    );
}

#[test]
fn an_object_that_is_read_again_does_not_see_itself() {
    // The second does not fit beside the first and gets outputs of its own; the third repeats both.
    let many: String = (0..40).map(|number| format!("m{number} 1 20000\n")).collect();
    let objects = [gzip("a 1 20000\n"), gzip(&many), gzip(&format!("a 1 20000\n{many}c 1 20000\n"))];
    for buffer_bytes in [60, 200, 1_000, 48 << 20] {
        let (report, rows) = ingest_all(&objects, buffer_bytes, true);
        assert_eq!((report.failures.len(), repeated(&report), report.records), (0, 41, 83), "{buffer_bytes}");
        let mut ids: Vec<String> = rows.into_iter().flatten().collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 42, "{buffer_bytes}");
        assert_eq!(report.rows.values().sum::<u64>(), 42, "{buffer_bytes}");
    }
}

#[test]
fn a_source_whose_records_have_no_id_is_refused() {
    let settings = Settings { drop_repeated_events: true, ..Settings::new(LAKE) };
    let world = World::new(0, None);
    let outcome =
        Pipeline::new(Box::new(LOGS), vec![TABLES[1]], Buckets(world.clone()), Partitions(world), settings);
    let error = outcome.unwrap_err().to_string();
    assert_eq!(
        error,
        "repeated events of logs cannot be told (DROP_REPEATED_EVENTS): its records have no id of their own"
    );
}
