//! One run: logs are delivered and announced, invocations come, interleave and die, and at the end all is counted.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Waker};

use flate2::Compression;
use flate2::write::GzEncoder;
use shared::deadline::Deadline;
use shared::handler::{BatchItemFailure, Handler, SqsBatchResponse, SqsEvent};
use shared::intake::Intake;
use shared::ledger::Lease;
use shared::notification;
use shared::pipeline::{Pipeline, Settings};

use super::bugs::Bug;
use super::check::{Counts, check};
use super::edges::{Book, Buckets, Partitions};
use super::logs::{Logs, TABLES};
use super::world::{Deployment, Edge, Message, World};

const LAKE: &str = "aws-security-data-lake-test";

/// Milliseconds that an invocation may take.
pub(crate) const TIMEOUT: i64 = 60_000;

/// Milliseconds for which nobody else receives a message that was received: six times the function's, as in the template.
const VISIBILITY_TIMEOUT: i64 = 6 * TIMEOUT;

/// A message that was received this often since trouble has ended goes to the dead-letter queue. Invocations still run out
/// of time then, or are ended by an object that came with others, so a few tries can all be in vain.
const MAX_RECEIVES: u32 = 20;

/// An invocation under way.
pub(crate) struct Worker {
    pub(crate) future: Pin<Box<dyn Future<Output = SqsBatchResponse>>>,
    messages: Vec<Message>,
    deadline: i64,
}

/// Runs a seed. The error says what does not hold.
/// The answer is what has happened.
pub(crate) fn run(seed: u64, bug: Option<Bug>) -> Result<BTreeSet<&'static str>, String> {
    let world = World::new(seed, bug);
    let (expected, broken) = deliver(&world);
    let mut workers: Vec<Worker> = Vec::new();
    let (steps, crashes) = {
        let random = &mut world.state().random;
        // Seeds in which every invocation dies show little of what comes after; so do those in which none does.
        (400 + random.below(1_600), [0, 2, 8, 20][random.below(4)])
    };
    let mut invocations = 0;
    for step in 0.. {
        if step > steps {
            world.calm();
        }
        if step > 200_000 {
            return Err("it does not come to rest".to_owned());
        }
        let (action, quiet) = {
            let mut state = world.state();
            (state.random.below(1_000), state.quiet)
        };
        match action {
            0..80 if workers.len() < 4 => {
                invocations += 1;
                workers.extend(receive(&world, invocations));
            }
            80..100 => {
                let mut state = world.state();
                let far = state.random.chance(15);
                let ahead = state.random.below(if far { 2 * TIMEOUT } else { TIMEOUT / 12 } as usize);
                state.now += ahead as i64;
            }
            _ if action >= 1_000 - crashes && !workers.is_empty() && !quiet => {
                let dead = world.state().random.below(workers.len());
                workers.swap_remove(dead); // a crash: what it holds is gone
                world.state().met.insert("a crash");
            }
            100..103 if !quiet => {
                let mut state = world.state();
                let edge = Edge::ALL[state.random.below(4)];
                let calls = state.random.below(30);
                state.throttled = Some((edge, calls));
            }
            103..113 if !quiet => world.deploy(),
            _ if !workers.is_empty() => {
                let index = world.state().random.below(workers.len());
                step_worker(&world, &mut workers, index);
            }
            _ => {}
        }
        let now = world.state().now;
        let living = workers.len();
        workers.retain(|worker| worker.deadline > now); // Lambda ends what takes too long
        if workers.len() < living {
            world.state().met.insert("ended at its deadline");
        }
        let state = world.state();
        if state.quiet && workers.is_empty() && state.queue.is_empty() {
            break;
        }
        if workers.is_empty() && state.queue.iter().all(|message| message.visible_at > now) {
            drop(state);
            world.state().now += TIMEOUT; // nothing to do but wait
        }
    }
    check(&world, &expected, &broken)?;
    Ok(std::mem::take(&mut world.state().met))
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
        let size = bytes.len();
        state.raw.insert(key.clone(), (bytes, etag.clone()));
        for _ in 0..1 + usize::from(state.random.chance(25)) {
            let body = match state.random.below(4) {
                0 => serde_json::json!({"s3Bucket": "raw", "s3ObjectKey": [key]}),
                1 => {
                    serde_json::json!({"detail-type": "Object Created", "detail": {"bucket": {"name": "raw"},
                    "object": {"key": key, "etag": etag, "size": size}}})
                }
                _ => created(&key, &etag, size),
            };
            let id = state.queue.len() as u64;
            let visible_at = state.now + state.random.below(TIMEOUT as usize) as i64;
            state.queue.push(Message { id, body: body.to_string(), visible_at, receives: 0 });
        }
    }
    if state.random.chance(15) {
        let key = format!("logs/{}.log.gz", state.random.below(objects));
        let etag = state.raw[&key].1.clone();
        state.records[&etag].clone().iter().for_each(|id| {
            expected.remove(id);
        });
        state.deadly = Some(key.clone());
        broken.push(key);
    }
    drop(state);
    overwrite(world, &mut expected, &broken);
    (expected, broken)
}

/// S3's notification.
pub(crate) fn created(key: &str, etag: &str, size: usize) -> serde_json::Value {
    serde_json::json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "raw"}, "object": {"key": key, "eTag": etag, "size": size}}}]})
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
    let (pace, cursed) = {
        let mut state = world.state();
        state.quiet = true;
        (std::mem::take(&mut state.pace), state.cursed.take())
    };
    let mut worker = invoke(world, 0, first.clone());
    let mut context = Context::from_waker(Waker::noop());
    while worker.future.as_mut().poll(&mut context).is_pending() {}
    let mut state = world.state();
    (state.quiet, state.pace, state.cursed) = (false, pace, cursed);
    if state.random.chance(50) {
        state.queue.extend(first); // they were acknowledged, and come again all the same
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"again 0 20000\n").unwrap();
    expected.insert("again".to_owned(), 1);
    state.records.insert("second".to_owned(), vec!["again".to_owned()]);
    let bytes = gzip.finish().unwrap();
    let body = created(&key, "second", bytes.len());
    state.raw.insert(key, (bytes, "second".to_owned()));
    let visible_at = state.now;
    state.queue.push(Message { id: 1000, body: body.to_string(), visible_at, receives: 0 });
}

/// Receives a batch, if there is anything to receive, and invokes the function with it.
fn receive(world: &World, invocation: u64) -> Option<Worker> {
    let mut state = world.state();
    let (now, wanted) = (state.now, 1 + state.random.below(6));
    let mut visible: Vec<usize> =
        (0..state.queue.len()).filter(|&index| state.queue[index].visible_at <= now).collect();
    for at in (1..visible.len()).rev() {
        visible.swap(at, state.random.below(at + 1)); // a queue keeps no order
    }
    let mut messages = Vec::new();
    for index in visible {
        if messages.len() < wanted && state.random.chance(70) {
            let message = &mut state.queue[index];
            message.visible_at = now + VISIBILITY_TIMEOUT;
            message.receives += 1;
            messages.push(message.clone());
            if !state.quiet && state.random.chance(5) {
                state.queue[index].visible_at = now; // delivered a second time all the same
            }
        }
    }
    if state.quiet {
        // Trouble is over, so what still fails is beyond help.
        let (dead, queue) =
            std::mem::take(&mut state.queue).into_iter().partition(|message| message.receives > MAX_RECEIVES);
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
    let (now, short, skew) = {
        let mut state = world.state();
        let bound = state.skew;
        let skew = state.random.below(2 * bound + 1) as i64 - bound as i64;
        (state.now, !state.leases_hold && state.random.chance(40), skew)
    };
    // A lease that ends before the invocation does, and clocks that differ. It may cost work, never rows.
    let host = now + skew;
    let until = host + if short { TIMEOUT / 4 } else { TIMEOUT };
    let lease = Lease { owner: format!("i{invocation}"), now: host, until };
    let (deployment, max_group_bytes, reserve) = {
        let state = world.state();
        (state.deployment, state.max_group_bytes, state.reserve)
    };
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
    let intake = Intake::new(pipeline, ledger).with_max_group_bytes(max_group_bytes);
    let records: Vec<serde_json::Value> = messages
        .iter()
        .map(|message| {
            serde_json::json!({"messageId": message.id.to_string(), "body": message.body,
                "attributes": {"ApproximateReceiveCount": message.receives.to_string()}})
        })
        .collect();
    let event: SqsEvent = serde_json::from_value(serde_json::json!({ "Records": records })).unwrap();
    let clock = {
        let world = world.clone();
        move || world.state().now + skew
    };
    let acknowledge_left = world.has(Bug::AcknowledgeLeft);
    let future = Box::pin(async move {
        let deadline = Deadline::before(&clock, host + TIMEOUT, reserve);
        if acknowledge_left {
            return forgetful(&intake, event, &lease, &deadline).await;
        }
        Handler::new(intake).handle(event, &lease, &deadline).await
    });
    Worker { future, messages, deadline: now + TIMEOUT }
}

/// A handler that does not know of objects that were left.
async fn forgetful(
    intake: &Intake<Buckets, Partitions, Book>,
    event: SqsEvent,
    lease: &Lease,
    deadline: &Deadline<'_>,
) -> SqsBatchResponse {
    let (mut objects, mut messages) = (Vec::new(), Vec::new());
    for message in event.records {
        for object in notification::parse(&message.body).unwrap().objects {
            objects.push(object);
            messages.push(message.message_id.clone());
        }
    }
    let report = intake.ingest(objects, lease, deadline).await;
    let failed = report.failures.iter().map(|failure| messages[failure.index].clone());
    let failed = failed.map(|item_identifier| BatchItemFailure { item_identifier });
    SqsBatchResponse { batch_item_failures: failed.collect() }
}

/// Lets an invocation go on to its next await point; at its end the queue hears of it.
fn step_worker(world: &World, workers: &mut Vec<Worker>, index: usize) {
    let mut context = Context::from_waker(Waker::noop());
    let polled = workers[index].future.as_mut().poll(&mut context);
    if std::mem::take(&mut world.state().killed) {
        workers.swap_remove(index);
        world.state().met.insert("killed by an object");
        return;
    }
    let std::task::Poll::Ready(answer) = polled else { return };
    let worker = workers.swap_remove(index);
    let failed: Vec<String> = match world.has(Bug::ForgetFailures) {
        true => Vec::new(),
        false => answer.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect(),
    };
    let mut state = world.state();
    for message in &worker.messages {
        // One that failed comes again when its visibility timeout ends, as does now and then one that did not.
        let again = failed.contains(&message.id.to_string()) || !state.quiet && state.random.chance(5);
        if !again {
            state.queue.retain(|queued| queued.id != message.id);
        } else if !state.quiet && state.random.chance(50) {
            let now = state.now; // sooner than it should
            state
                .queue
                .iter_mut()
                .filter(|queued| queued.id == message.id)
                .for_each(|queued| queued.visible_at = now);
        }
    }
}
