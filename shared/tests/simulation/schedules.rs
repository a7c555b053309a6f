//! Two invocations in an order that chance hardly ever comes upon.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::task::{Context, Poll, Waker};

use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use shared::handler::SqsBatchResponse;

use super::bugs::Bug;
use super::run::{TIMEOUT, Worker, created, invoke};
use super::world::{Deployment, Message, World};

/// A world without trouble. Of the objects (name, lines) the first is broken: its last bytes are missing.
fn world(objects: [(&str, String); 2], buffer_bytes: usize, bug: Option<Bug>) -> (World, Vec<Message>) {
    let world = World::new(0, bug);
    let mut messages = Vec::new();
    {
        world.calm();
        let mut state = world.state();
        state.max_group_bytes = 1 << 20;
        state.deployment = Deployment { buffer_bytes, ..Deployment::plain() };
        for (id, (name, lines)) in (0..).zip(objects) {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(lines.as_bytes()).unwrap();
            let mut bytes = gzip.finish().unwrap();
            bytes.truncate(bytes.len() - if id == 0 { 4 } else { 0 });
            let size = bytes.len();
            state.raw.insert(format!("logs/{name}.log.gz"), (bytes, name.to_owned()));
            let body = created(&format!("logs/{name}.log.gz"), name, size);
            messages.push(Message { id, body: body.to_string(), visible_at: 0, receives: 0 });
        }
    }
    (world, messages)
}

pub(crate) fn finish(worker: &mut Worker) -> SqsBatchResponse {
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(answer) = worker.future.as_mut().poll(&mut context) {
            return answer;
        }
    }
}

/// An object that gives its column's dictionary up, with so many different texts, and is broken; and one of many equal
/// texts, which fits the buffer with a dictionary only. The first run dies when something is visible.
pub(crate) fn cut_beside_a_broken_object() -> Result<(), String> {
    let different: String = (0..4200).map(|record| format!("r{record} 1 20000\n")).collect();
    let equal = format!("{} 1 20000\n", "e".repeat(100)).repeat(3000);
    let (world, messages) = world([("broken", different), ("equal", equal)], 200_000, None);
    let mut first = invoke(&world, 1, messages.clone());
    let mut context = Context::from_waker(Waker::noop());
    while world.state().lake.is_empty() {
        if first.future.as_mut().poll(&mut context).is_ready() {
            return Err("the first run has come to its end, nothing is visible".to_owned());
        }
    }
    drop(first);
    world.state().now += 2 * TIMEOUT;
    finish(&mut invoke(&world, 2, messages));
    let mut found = BTreeMap::new();
    for (key, bytes) in &world.state().lake {
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes.clone())).unwrap();
        found.insert(key.clone(), reader.metadata().file_metadata().num_rows());
    }
    if found.values().sum::<i64>() == 3000 { Ok(()) } else { Err(format!("expected 3000 rows: {found:?}")) }
}

/// Messages of a broken object and a good one are delivered twice. For every step of the first invocation at every step of
/// the second, as long as neither has come to its end: `then` says what becomes of the first, and the second comes to its
/// end, which must not acknowledge the broken object. Answers what has happened to the second.
fn keeps_the_broken_one(
    bug: Option<Bug>,
    then: impl Fn(&World, Worker),
) -> Result<BTreeSet<&'static str>, String> {
    const STEPS: usize = 40;
    let objects = || [("broken", "r1 1 20000\n".to_owned()), ("good", "r2 1 20000\n".to_owned())];
    let mut met = BTreeSet::new();
    for (steps_of_first, steps_of_second) in (0..STEPS * STEPS).map(|at| (at / STEPS, at % STEPS)) {
        let (world, messages) = world(objects(), 48 << 20, bug);
        let mut first = invoke(&world, 1, messages.clone());
        let mut second = invoke(&world, 2, messages);
        if has_ended(&mut first, steps_of_first) || has_ended(&mut second, steps_of_second) {
            continue;
        }
        then(&world, first);
        world.state().met.clear();
        let failed = finish(&mut second).batch_item_failures;
        met.extend(std::mem::take(&mut world.state().met));
        if !failed.iter().any(|failure| failure.item_identifier == "0") {
            return Err(format!(
                "the broken object was acknowledged after {steps_of_first} and {steps_of_second} steps"
            ));
        }
    }
    Ok(met)
}

/// Lets an invocation go on for so many steps. True if it has come to its end.
fn has_ended(worker: &mut Worker, steps: usize) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    (0..steps).any(|_| worker.future.as_mut().poll(&mut context).is_ready())
}

/// While the second invocation looks the objects up, which are members of a group, the first leaves the broken one out
/// and finishes the other.
pub(crate) fn left_out_while_looked_up(bug: Option<Bug>) -> Result<(), String> {
    keeps_the_broken_one(bug, |_, mut first| drop(finish(&mut first))).map(|_| ())
}

/// As above, but the first invocation gives its group back as soon as it is decided, so that the second takes it over.
pub(crate) fn left_out_before_taken_over() -> Result<(), String> {
    let met = keeps_the_broken_one(None, |world, mut first| {
        let is_decided = || world.state().groups.values().any(|entry| entry.group.left_out.is_some());
        while !is_decided() && !has_ended(&mut first, 1) {}
        drop(first);
        world.state().groups.values_mut().for_each(|entry| entry.until = 0);
    })?;
    if met.contains("a group taken over") { Ok(()) } else { Err("no group was taken over".to_owned()) }
}

/// A group was begun with a table that the code of the next invocation does not know; the one after knows it again.
pub(crate) fn a_table_that_is_not_known() -> Result<(), String> {
    let (world, mut messages) =
        world([("broken", String::new()), ("good", "r1 1 20000\n".to_owned())], 48 << 20, None);
    messages.remove(0);
    let mut context = Context::from_waker(Waker::noop());
    let mut first = invoke(&world, 1, messages.clone());
    while world.state().groups.is_empty() {
        if first.future.as_mut().poll(&mut context).is_ready() {
            return Err("the first run has come to its end, nothing is claimed".to_owned());
        }
    }
    drop(first);
    let rename = |from: &str, to: &str| {
        for entry in world.state().groups.values_mut() {
            let tables = &mut entry.group.settings.as_mut().unwrap().tables;
            assert_eq!(*tables, [from]);
            *tables = vec![to.to_owned()];
        }
    };
    rename("TEST@2.0", "TEST@9.0");
    for invocation in [2, 3] {
        world.state().now += 2 * TIMEOUT;
        let answer = finish(&mut invoke(&world, invocation, messages.clone()));
        if answer.batch_item_failures.len() != 1 || !world.state().lake.is_empty() {
            return Err(format!("the message has to stay, and the lake as it was: {answer:?}"));
        }
    }
    rename("TEST@9.0", "TEST@2.0");
    // The lease was given back, so nobody has to wait for its end. Both tables are enabled by now; it began with one.
    world.state().deployment.tables = [true, true];
    world.state().now += 1;
    let answer = finish(&mut invoke(&world, 4, messages));
    let keys: Vec<String> = world.state().lake.keys().cloned().collect();
    match (answer.batch_item_failures.is_empty(), keys.as_slice()) {
        (true, [key]) if key.starts_with("aws/TEST/2.0/") => Ok(()),
        _ => Err(format!("expected one object of the table it was begun with: {answer:?}, {keys:?}")),
    }
}
