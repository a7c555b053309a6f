//! One run: logs are delivered and announced, invocations come, interleave and die, and at the end all is counted.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::pin::Pin;
use std::task::{Context, Waker};

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use shared::handler::{Handler, SqsBatchResponse, SqsEvent};
use shared::intake::Intake;
use shared::ledger::Lease;
use shared::pipeline::{Pipeline, Settings};

use super::bugs::Bug;
use super::edges::{Book, Buckets, Partitions};
use super::logs::{Logs, TABLES};
use super::world::{Deployment, Message, State, World};

const LAKE: &str = "aws-security-data-lake-test";

/// Milliseconds that an invocation may take.
pub(crate) const TIMEOUT: i64 = 60_000;

/// A message that was received this often goes to the dead-letter queue, once there is no more trouble.
const MAX_RECEIVES: u32 = 4;

/// An invocation under way.
pub(crate) struct Worker {
    pub(crate) future: Pin<Box<dyn Future<Output = SqsBatchResponse>>>,
    messages: Vec<Message>,
    deadline: i64,
}

/// Records by id, and how often each is in the lake or in quarantine.
type Counts = BTreeMap<String, u32>;

/// Runs a seed. The error says what does not hold.
pub(crate) fn run(seed: u64, bug: Option<Bug>) -> Result<(), String> {
    let world = World::new(seed, bug);
    let (expected, broken) = deliver(&world);
    let mut workers: Vec<Worker> = Vec::new();
    let steps = 400 + world.state().random.below(600);
    let mut invocations = 0;
    for step in 0.. {
        if step > steps {
            world.state().quiet = true;
        }
        if step > 200_000 {
            return Err("it does not come to rest".to_owned());
        }
        let action = world.state().random.below(100);
        match action {
            0..10 if workers.len() < 4 => {
                invocations += 1;
                workers.extend(receive(&world, invocations));
            }
            10..12 => {
                let mut state = world.state();
                let ahead = state.random.below(2 * TIMEOUT as usize) as i64;
                state.now += ahead;
            }
            12..14 if !workers.is_empty() && !world.state().quiet => {
                let dead = world.state().random.below(workers.len());
                workers.swap_remove(dead); // a crash: what it holds is gone
            }
            14 if !world.state().quiet => world.deploy(),
            _ if !workers.is_empty() => {
                let index = world.state().random.below(workers.len());
                step_worker(&world, &mut workers, index);
            }
            _ => {}
        }
        let now = world.state().now;
        workers.retain(|worker| worker.deadline > now); // Lambda ends what takes too long
        let state = world.state();
        if state.quiet && workers.is_empty() && state.queue.is_empty() {
            break;
        }
        if state.quiet && workers.is_empty() && state.queue.iter().all(|message| message.visible_at > now) {
            drop(state);
            world.state().now += TIMEOUT; // nothing to do but wait
        }
    }
    check(&world, &expected, &broken)
}

/// Puts logs into the raw bucket and announcements into the queue. Tells the records that have to come out, and the
/// keys of objects that cannot be read.
fn deliver(world: &World) -> (Counts, Vec<String>) {
    let mut state = world.state();
    let (mut expected, mut broken) = (Counts::new(), Vec::new());
    let objects = 1 + state.random.below(8);
    let mut record = 0;
    for object in 0..objects {
        let key = format!("logs/{object}.log.gz");
        let mut lines = String::new();
        for _ in 0..state.random.below(5) {
            record += 1;
            if state.random.chance(10) {
                lines.push_str(&format!("bad r{record}\n"));
            } else {
                lines.push_str(&format!(
                    "r{record} {} {}\n",
                    state.random.below(2),
                    20_000 + state.random.below(2)
                ));
            }
            expected.insert(format!("r{record}"), 1);
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(lines.as_bytes()).unwrap();
        let mut bytes = gzip.finish().unwrap();
        if state.random.chance(8) {
            bytes.truncate(bytes.len() - 4);
            lines.lines().for_each(|line| {
                expected.remove(line.split(' ').find(|word| word.starts_with('r')).unwrap_or_default());
            });
            broken.push(key.clone());
        }
        let etag = format!("e{object}");
        let ids = lines.lines().filter_map(|line| line.split(' ').find(|word| word.starts_with('r')));
        state.records.insert(etag.clone(), ids.map(str::to_owned).collect());
        state.raw.insert(key.clone(), (bytes, etag.clone()));
        for _ in 0..1 + usize::from(state.random.chance(25)) {
            let body = match state.random.below(3) {
                0 => serde_json::json!({"s3Bucket": "raw", "s3ObjectKey": [key]}),
                _ => {
                    serde_json::json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                    "s3": {"bucket": {"name": "raw"}, "object": {"key": key, "eTag": etag}}}]})
                }
            };
            let id = state.queue.len() as u64;
            let visible_at = state.now + state.random.below(TIMEOUT as usize) as i64;
            state.queue.push(Message { id, body: body.to_string(), visible_at, receives: 0 });
        }
    }
    drop(state);
    overwrite(world, &mut expected, &broken);
    (expected, broken)
}

/// Now and then a key is written again, with another content: both are logs, and the first was ingested by then.
fn overwrite(world: &World, expected: &mut Counts, broken: &[String]) {
    let key = "logs/0.log.gz".to_owned();
    if broken.contains(&key) || !world.state().random.chance(15) {
        return;
    }
    // Ingest the first content in peace.
    let first: Vec<Message> = {
        let mut state = world.state();
        let (first, rest) =
            std::mem::take(&mut state.queue).into_iter().partition(|message| message.body.contains(&key));
        state.queue = rest;
        first
    };
    let trouble = std::mem::take(&mut world.state().trouble);
    let mut worker = invoke(world, 0, first.clone());
    let mut context = Context::from_waker(Waker::noop());
    while worker.future.as_mut().poll(&mut context).is_pending() {}
    let mut state = world.state();
    state.trouble = trouble;
    if state.random.chance(50) {
        state.queue.extend(first); // they were acknowledged, and come again all the same
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"again 0 20000\n").unwrap();
    expected.insert("again".to_owned(), 1);
    state.records.insert("second".to_owned(), vec!["again".to_owned()]);
    state.raw.insert(key.clone(), (gzip.finish().unwrap(), "second".to_owned()));
    let body = serde_json::json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "raw"}, "object": {"key": key, "eTag": "second"}}}]});
    let visible_at = state.now;
    state.queue.push(Message { id: 1000, body: body.to_string(), visible_at, receives: 0 });
}

/// Receives a batch, if there is anything to receive, and invokes the function with it.
fn receive(world: &World, invocation: u64) -> Option<Worker> {
    let mut state = world.state();
    let (now, wanted) = (state.now, 1 + state.random.below(6));
    let visible: Vec<usize> =
        (0..state.queue.len()).filter(|&index| state.queue[index].visible_at <= now).collect();
    let mut messages = Vec::new();
    for index in visible {
        if messages.len() < wanted && state.random.chance(70) {
            let message = &mut state.queue[index];
            message.visible_at = now + 6 * TIMEOUT;
            message.receives += 1;
            messages.push(message.clone());
            if !state.quiet && state.random.chance(5) {
                state.queue[index].visible_at = now; // delivered a second time all the same
            }
        }
    }
    if state.quiet {
        // Trouble is over, so what still fails is beyond help.
        let (dead, queue) = std::mem::take(&mut state.queue)
            .into_iter()
            .partition(|message| message.receives > 60 + MAX_RECEIVES);
        state.queue = queue;
        state.dead_letters.extend::<Vec<Message>>(dead);
    }
    if world.has(Bug::AcknowledgeFirst) {
        state.queue.retain(|message| messages.iter().all(|received| received.id != message.id));
    }
    drop(state);
    (!messages.is_empty()).then(|| invoke(world, invocation, messages))
}

pub(crate) fn invoke(world: &World, invocation: u64, messages: Vec<Message>) -> Worker {
    let (now, short, deployment) = {
        let mut state = world.state();
        (state.now, !state.leases_hold && state.random.chance(40), state.deployment)
    };
    // A lease that ends before the invocation does: clocks differ. It may cost work, never rows.
    let until = now + if short { TIMEOUT / 4 } else { TIMEOUT };
    let lease = Lease { owner: format!("i{invocation}"), now, until };
    let Deployment { codec, buffer_bytes, tables, mapping } = deployment;
    let settings = Settings { fetch_concurrency: 3, codec, buffer_bytes, ..Settings::new(LAKE) };
    let tables = TABLES.iter().zip(tables).filter(|(_, is_written)| *is_written).map(|(table, _)| *table);
    let store = Buckets(world.clone());
    let pipeline = Pipeline::new(
        Box::new(Logs { mapping }),
        tables.collect(),
        store,
        Partitions(world.clone()),
        settings,
    )
    .unwrap();
    let ledger = (!world.has(Bug::NoLedger)).then(|| Book(world.clone()));
    let handler = Handler::new(Intake::new(pipeline, ledger));
    let records: Vec<serde_json::Value> = messages
        .iter()
        .map(|message| serde_json::json!({"messageId": message.id.to_string(), "body": message.body}))
        .collect();
    let event: SqsEvent = serde_json::from_value(serde_json::json!({ "Records": records })).unwrap();
    let future = Box::pin(async move { handler.handle(event, &lease).await });
    Worker { future, messages, deadline: now + TIMEOUT }
}

/// Lets an invocation go on to its next await point; at its end the queue hears of it.
fn step_worker(world: &World, workers: &mut Vec<Worker>, index: usize) {
    let mut context = Context::from_waker(Waker::noop());
    let std::task::Poll::Ready(answer) = workers[index].future.as_mut().poll(&mut context) else { return };
    let worker = workers.swap_remove(index);
    let failed: Vec<String> = match world.has(Bug::ForgetFailures) {
        true => Vec::new(),
        false => answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect(),
    };
    let mut state = world.state();
    let now = state.now;
    for message in &worker.messages {
        if failed.contains(&message.id.to_string()) {
            state
                .queue
                .iter_mut()
                .filter(|queued| queued.id == message.id)
                .for_each(|queued| queued.visible_at = now);
        } else {
            let again = !state.quiet && state.random.chance(5);
            if again {
                state
                    .queue
                    .iter_mut()
                    .filter(|queued| queued.id == message.id)
                    .for_each(|queued| queued.visible_at = now);
            } else {
                state.queue.retain(|queued| queued.id != message.id);
            }
        }
    }
}

/// Where a record is, and how often: in a table (by its source version), or in quarantine.
pub(crate) type Places = BTreeMap<String, u32>;

const QUARANTINE: &str = "quarantine";

/// What is in the lake (in registered partitions) and in quarantine, by record.
pub(crate) fn found(
    lake: &BTreeMap<String, Vec<u8>>,
    partitions: &BTreeSet<String>,
) -> Result<BTreeMap<String, Places>, String> {
    let mut found: BTreeMap<String, Places> = BTreeMap::new();
    let mut add = |id: &str, place: &str| {
        *found.entry(id.to_owned()).or_default().entry(place.to_owned()).or_default() += 1;
    };
    for (key, bytes) in lake {
        if key.starts_with("quarantine/") {
            let mut text = String::new();
            MultiGzDecoder::new(bytes.as_slice())
                .read_to_string(&mut text)
                .map_err(|error| format!("{key}: {error}"))?;
            for line in text.lines() {
                let entry: serde_json::Value = serde_json::from_str(line).unwrap();
                let raw = entry["raw"].as_str().unwrap_or_default();
                let id = raw.trim_start_matches("bad ").split(' ').next();
                add(id.unwrap_or_default(), QUARANTINE);
            }
            continue;
        }
        let prefix = format!("{}/", key.rsplit_once('/').unwrap().0);
        if !partitions.contains(&prefix) {
            continue; // no reader finds it
        }
        let version = key.split('/').nth(2).unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes.clone()))
            .map_err(|error| format!("{key}: {error}"))?;
        for row in reader.get_row_iter(None).map_err(|error| error.to_string())? {
            let row = row.map_err(|error| error.to_string())?;
            let uid = row.get_column_iter().find(|(name, _)| *name == "uid").map(|(_, uid)| uid.to_string());
            add(uid.unwrap_or_default().trim_matches('"'), version);
        }
    }
    Ok(found)
}

/// The tables that the groups of the records were begun with, by record.
fn tables_of_groups(state: &State) -> BTreeMap<&str, BTreeSet<String>> {
    let mut tables = BTreeMap::new();
    for group in state.groups.values().map(|entry| &entry.group) {
        let Some(settings) = &group.settings else { continue };
        let versions: BTreeSet<String> =
            settings.tables.iter().filter_map(|id| Some(id.split_once('@')?.1.to_owned())).collect();
        let members = group.remaining().into_iter().map(|member| &group.members[member]);
        let records = members.filter_map(|member| state.records.get(member.etag.as_ref()?));
        tables.extend(records.flatten().map(|id| (id.as_str(), versions.clone())));
    }
    tables
}

/// Counts what is in the lake and in quarantine: each record is in quarantine, or a row in each of the tables that its
/// group was begun with.
fn check(world: &World, expected: &Counts, broken: &[String]) -> Result<(), String> {
    let state = world.state();
    let found = found(&state.lake, &state.partitions)?;
    let tables = tables_of_groups(&state);
    let lost: Vec<&String> = expected.keys().filter(|id| !found.contains_key(*id)).collect();
    let strange: Vec<&String> = found.keys().filter(|id| !expected.contains_key(*id)).collect();
    let is_once = |id: &str, places: &Places| {
        let in_place: BTreeSet<String> = places.keys().cloned().collect();
        let in_tables = tables.get(id).is_none_or(|tables| *tables == in_place);
        let in_quarantine = places.len() == 1 && places.contains_key(QUARANTINE);
        places.values().all(|count| *count == 1)
            && (in_quarantine || in_tables && !places.contains_key(QUARANTINE))
    };
    let wrong: Vec<_> = found.iter().filter(|(id, places)| !is_once(id, places)).collect();
    if !lost.is_empty() || !wrong.is_empty() || !strange.is_empty() {
        return Err(format!(
            "lost {lost:?}, not where it has to be once {wrong:?}, from nowhere {strange:?}"
        ));
    }
    match state.dead_letters.iter().find(|message| !broken.iter().any(|key| message.body.contains(key))) {
        Some(message) => Err(format!("given up for no reason: {}", message.body)),
        None => Ok(()),
    }
}
