//! One invocation and its limits: weight, time, and a panic of our own.

use std::collections::BTreeSet;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::check::find;
use super::run::{TIMEOUT, created, invoke};
use super::schedules::finish;
use super::world::{Message, World};

const OBJECTS: u64 = 6;

/// A world without trouble, and announcements of objects with a record each. Every second one is of account 0.
fn world() -> (World, Vec<Message>, u64) {
    let world = World::new(0, None);
    world.calm();
    let (mut messages, mut size) = (Vec::new(), 0);
    {
        let mut state = world.state();
        state.max_group_bytes = 1 << 20;
        for id in 0..OBJECTS {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(format!("r{id} {} 20000\n", id % 2).as_bytes()).unwrap();
            let bytes = gzip.finish().unwrap();
            size = bytes.len();
            let key = format!("logs/{id}.log.gz");
            let body = created(&key, "e", size).to_string();
            messages.push(Message { id, body, visible_at: 0, receives: 1 });
            state.raw.insert(key, (bytes, "e".to_owned()));
        }
    }
    (world, messages, size as u64)
}

/// Invokes; answers the messages that failed.
fn failed(world: &World, invocation: u64, messages: &[Message]) -> BTreeSet<u64> {
    let answer = finish(&mut invoke(world, invocation, messages.to_vec()));
    answer.batch_item_failures.iter().map(|failure| failure.item_identifier.parse().unwrap()).collect()
}

fn each_once(world: &World) -> bool {
    let (found, _) = find(&world.state()).unwrap();
    found.len() as u64 == OBJECTS && found.values().all(|count| *count == 1)
}

/// A batch is one group, and one Parquet object a partition, as long as it is light enough.
pub(crate) fn groups_are_weighed() {
    for (max_objects, groups) in [(OBJECTS, 1), (OBJECTS - 1, 2), (2, 3), (1, 6), (0, 6)] {
        let (world, messages, size) = world();
        world.state().max_group_bytes = (max_objects * size).max(1);
        assert_eq!(failed(&world, 1, &messages), BTreeSet::new());
        assert_eq!(world.state().groups.len(), groups, "{max_objects} objects a group");
        assert!(each_once(&world));
        if groups == 1 {
            assert_eq!(world.state().lake.len(), 2, "an object for each of the two partitions");
        }
    }
}

/// However fast calls are: an invocation is done before it would be ended, what it has not done is free for the next
/// one, which need not wait for anything, and each record is there once. Answers how many messages came back each time.
pub(crate) fn work_stops_in_time(max_objects: u64) -> BTreeSet<usize> {
    let mut left = BTreeSet::new();
    for pace in (0..12_000).step_by(100) {
        let (world, messages, size) = world();
        {
            let mut state = world.state();
            (state.pace, state.reserve) = (pace, TIMEOUT / 2);
            state.max_group_bytes = max_objects * size;
        }
        let start = world.state().now;
        let back = failed(&world, 1, &messages);
        let took = world.state().now - start;
        // What is not in its power: calls that were begun before it was time to stop.
        assert!(took < TIMEOUT / 2 + 20 * (pace + 1), "{pace} ms a call: it took {took} ms");
        let (found, _) = find(&world.state()).unwrap();
        assert_eq!(found.len() + back.len(), OBJECTS as usize, "{pace} ms a call: {back:?} came back");
        left.insert(back.len());
        world.state().pace = 0;
        let rest: Vec<Message> = messages.into_iter().filter(|message| back.contains(&message.id)).collect();
        assert_eq!(failed(&world, 2, &rest), BTreeSet::new(), "{pace} ms a call");
        assert!(each_once(&world), "{pace} ms a call");
    }
    left
}

/// A panic while rows are published costs its group this turn, no other group, and no row.
pub(crate) fn a_panic_costs_a_group_its_turn() {
    let (world, messages, size) = world();
    {
        let mut state = world.state();
        (state.max_group_bytes, state.cursed, state.panics) = (size, Some("0"), true);
    }
    let back = failed(&world, 1, &messages);
    // The next one of that account fails as well, without a panic.
    assert_eq!(back, BTreeSet::from([0, 2, 4]));
    world.state().cursed = None;
    assert_eq!(failed(&world, 2, &messages), BTreeSet::new());
    assert!(each_once(&world));
}
