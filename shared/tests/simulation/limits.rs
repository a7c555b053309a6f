//! One invocation and its limits: weight, time, and a panic of our own.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::task::{Context, Poll, Waker};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::check::{Places, find};
use super::run::{TIMEOUT, created, invoke};
use super::schedules::finish;
use super::world::{Deployment, Message, World};

const OBJECTS: u64 = 6;

/// A world without trouble, and announcements of objects with a record each. Every second one is of account 0.
fn world() -> (World, Vec<Message>, u64) {
    let world = World::new(0, None);
    world.calm();
    let (mut messages, mut size) = (Vec::new(), 0);
    {
        let mut state = world.state();
        (state.max_members, state.max_group_bytes) = (99, 1 << 20);
        state.deployment = Deployment::plain();
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

fn found(world: &World) -> BTreeMap<String, Places> {
    let state = world.state();
    find(&state.lake, &state.partitions).unwrap().0
}

fn each_once(world: &World) -> bool {
    let found = found(world);
    found.len() as u64 == OBJECTS && found.values().all(|places| places.values().eq([&1]))
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
        let found = found(&world);
        assert_eq!(found.len() + back.len(), OBJECTS as usize, "{pace} ms a call: {back:?} came back");
        left.insert(back.len());
        world.state().pace = 0;
        let rest: Vec<Message> = messages.into_iter().filter(|message| back.contains(&message.id)).collect();
        assert_eq!(failed(&world, 2, &rest), BTreeSet::new(), "{pace} ms a call");
        assert!(each_once(&world), "{pace} ms a call");
    }
    left
}

/// Two invocations die one after the other, each at any of its await points, and the next ones come to their end. Answers how
/// many pairs of points that were, with so many points from one to the next.
pub(crate) fn dies_at_every_await(stride_of_first: usize, stride_of_second: usize) -> usize {
    let mut context = Context::from_waker(Waker::noop());
    let mut pairs = 0;
    for first in (0..).step_by(stride_of_first) {
        let mut is_past = true;
        for second in (0..).step_by(stride_of_second) {
            let (world, mut messages, _) = world();
            // One cannot be read, so it leaves the group; what is in the lake of the others must not depend on it.
            let broken = messages.remove(0);
            world.state().raw.get_mut("logs/0.log.gz").unwrap().0.truncate(9);
            messages.push(broken);
            let mut die = |invocation, steps| {
                let mut worker = invoke(&world, invocation, messages.clone());
                let ended = (0..steps).any(|_| worker.future.as_mut().poll(&mut context).is_ready());
                drop(worker);
                world.state().now += 6 * TIMEOUT;
                ended
            };
            is_past = die(1, first);
            if is_past || die(2, second) {
                break;
            }
            failed(&world, 3, &messages); // a group that is decided is passed over now
            let waiting = failed(&world, 4, &messages);
            assert_eq!(waiting, BTreeSet::from([0]), "died after {first} and {second} steps");
            let found = found(&world);
            let once =
                found.len() as u64 == OBJECTS - 1 && found.values().all(|places| places.values().eq([&1]));
            assert!(once, "died after {first} and {second} steps: {found:?}");
            pairs += 1;
        }
        if is_past {
            break;
        }
    }
    pairs
}

/// One of a batch ends each invocation that reads it. The others land and are acknowledged by the fifth delivery, which it
/// is given up after.
pub(crate) fn a_deadly_object_goes_alone() {
    for deadly in 0..OBJECTS {
        let (world, mut messages, _) = world();
        world.state().deadly = Some(format!("logs/{deadly}.log.gz"));
        let mut context = Context::from_waker(Waker::noop());
        for delivery in 1..=5 {
            let mut worker = invoke(&world, delivery, messages.clone());
            let answer = loop {
                let polled = worker.future.as_mut().poll(&mut context);
                if std::mem::take(&mut world.state().killed) {
                    break None;
                }
                if let Poll::Ready(answer) = polled {
                    break Some(answer);
                }
            };
            drop(worker);
            if let Some(answer) = answer {
                let failed = answer.batch_item_failures.iter().map(|failure| &failure.item_identifier);
                let failed: BTreeSet<u64> = failed.map(|id| id.parse().unwrap()).collect();
                messages.retain(|message| failed.contains(&message.id));
            }
            world.state().now += 6 * TIMEOUT;
        }
        assert_eq!(messages.iter().map(|message| message.id).collect::<Vec<_>>(), [deadly]);
        let found = found(&world);
        assert_eq!(found.len() as u64, OBJECTS - 1, "{deadly} is deadly: {found:?}");
        assert!(
            found.values().all(|places| places.values().eq([&1]))
                && !found.contains_key(&format!("r{deadly}"))
        );
        // With more memory it lands.
        world.state().deadly = None;
        assert_eq!(failed(&world, 9, &messages), BTreeSet::new());
        assert!(each_once(&world));
    }
}

/// A panic while a group is read costs the object that causes it, and no other.
pub(crate) fn a_panic_costs_its_object_alone() {
    for deadly in 0..OBJECTS {
        let (world, messages, _) = world();
        {
            let mut state = world.state();
            (state.deadly, state.panics) = (Some(format!("logs/{deadly}.log.gz")), true);
        }
        assert_eq!(failed(&world, 1, &messages), BTreeSet::from([deadly]));
        assert_eq!(found(&world).len() as u64, OBJECTS - 1);
        world.state().panics = false;
        world.state().deadly = None;
        assert_eq!(failed(&world, 2, &messages), BTreeSet::new());
        assert!(each_once(&world));
    }
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
