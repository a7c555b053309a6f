//! The whole road from queue to catalogue in a world of its own: raw bucket, lake, catalogue, ledger, queue and clock
//! in memory, invocations that are interleaved step by step, and everything that can go wrong goes wrong at random:
//! crashes at any await point, errors before and after the deed, late and double deliveries, batches that regroup and come
//! in any order, invocations whose time runs out, leases that end too early, clocks that are wrong, services that refuse
//! for a while, a partition that cannot be registered, objects that are torn while they are read. The seed decides all of it, so a run that fails is run again by its number:
//!
//! ```text
//! SIMULATION_SEED=4711 cargo test -p shared --test simulation
//! SIMULATION_SEEDS=100000 cargo test --release -p shared --test simulation
//! ```
//!
//! The promise: when everything has come to rest, each record is in the lake or in quarantine exactly once, and the
//! queue is empty but for messages whose object cannot be read at all. What was last seen of an account is never ahead of
//! the lake, nor behind it unless it could not be noted.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod laws;
mod simulation {
    pub(crate) mod bugs;
    pub(crate) mod check;
    pub(crate) mod edges;
    pub(crate) mod folder;
    pub(crate) mod limits;
    pub(crate) mod logs;
    pub(crate) mod run;
    pub(crate) mod schedules;
    pub(crate) mod world;
}

use std::collections::BTreeSet;

use simulation::bugs::Bug;
use simulation::limits;
use simulation::run::run;

#[expect(clippy::disallowed_methods, reason = "how many seeds is the caller's choice")]
fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Seeds where nothing else is said: enough to meet every kind of trouble many times. Without optimisation only a
/// taste of it.
const SEEDS: u64 = if cfg!(debug_assertions) { 100 } else { 10_000 };

#[test]
fn every_record_is_in_the_lake_once_whatever_fails() {
    let seeds = match variable("SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..variable("SIMULATION_SEEDS").unwrap_or(SEEDS),
    };
    let count = seeds.end - seeds.start;
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let (mut failed, mut met) = (Vec::new(), BTreeSet::new());
    std::thread::scope(|scope| {
        let work = |thread: u64| {
            let seeds = seeds.clone();
            scope.spawn(move || {
                let of_thread = seeds.filter(|seed| seed % threads == thread);
                of_thread.map(|seed| (seed, run(seed, None))).collect::<Vec<_>>()
            })
        };
        let workers: Vec<_> = (0..threads).map(work).collect();
        for (seed, outcome) in workers.into_iter().flat_map(|worker| worker.join().unwrap()) {
            match outcome {
                Ok(happened) => met.extend(happened),
                Err(problem) => failed.push(format!("seed {seed}: {problem}")),
            }
        }
    });
    let first: Vec<&String> = failed.iter().take(5).collect();
    assert!(failed.is_empty(), "{} of {count} seeds failed, first {first:#?}", failed.len());
    let missing: Vec<_> = TROUBLE.iter().filter(|trouble| count >= 100 && !met.contains(*trouble)).collect();
    assert!(missing.is_empty(), "{count} seeds have never met {missing:?}");
}

/// What has to happen in a hundred runs, or they show nothing.
const TROUBLE: &[&str] = &[
    "a crash",
    "a group done in the middle of trouble",
    "a group given up",
    "a group taken over",
    "a group that some have left",
    "a lease given back",
    "a note that failed",
    "a partition that cannot be registered",
    "ended at its deadline",
    "killed by an object",
    "throttled",
    "torn while read",
];

/// The simulation has teeth: each of these mistakes is found.
#[test]
#[cfg_attr(debug_assertions, ignore = "takes minutes without optimisation; `make test` runs it with")]
fn deliberate_bugs_are_caught() {
    const ENOUGH: u64 = 3_000;
    for bug in Bug::ALL {
        let caught = (0..ENOUGH).find_map(|seed| Some((seed, run(seed, Some(*bug)).err()?)));
        let Some((seed, problem)) = caught else { panic!("{bug:?} was not caught by {ENOUGH} seeds") };
        println!("{bug:?} is caught by seed {seed}: {problem}");
    }
}

/// Where the buffer runs full depends on what was read before, and so on objects that leave the group. What is
/// completed must not.
#[test]
fn an_object_that_leaves_does_not_change_how_the_others_are_cut() {
    simulation::schedules::cut_beside_a_broken_object().unwrap();
}

#[test]
fn a_group_waits_for_the_code_that_knows_its_tables() {
    simulation::schedules::a_table_that_is_not_known().unwrap();
}

/// The ledger of the simulation obeys what the others do.
#[test]
fn the_book_obeys_the_laws() {
    let world = simulation::world::World::new(0, None);
    world.state().trouble = 0;
    futures::executor::block_on(laws::hold_for(&simulation::edges::Book(world)));
}

/// On a real folder, whatever runs next: the same code, or versions of it that map records otherwise.
#[test]
fn a_process_on_a_folder_may_die_at_each_step() {
    let all: &[u8] = if cfg!(debug_assertions) { &[2] } else { &[0, 1, 2] };
    for &next in all {
        let steps = simulation::folder::dies_at_each_step(next);
        assert!(steps > 50, "{steps} steps are too few to have been through it all");
    }
}

#[test]
fn a_process_on_a_folder_may_die_twice() {
    simulation::folder::dies_twice();
}

/// The ledger looks up the objects and then their groups, and much may happen between the two.
#[test]
fn an_object_that_leaves_while_it_is_looked_up_is_not_done() {
    simulation::schedules::left_out_while_looked_up(None).unwrap();
    simulation::schedules::left_out_while_looked_up(Some(Bug::ForgetWhoLeft)).unwrap_err();
}

#[test]
fn an_object_that_leaves_before_its_group_is_taken_over_is_not_done() {
    simulation::schedules::left_out_before_taken_over().unwrap();
}

#[test]
fn a_group_takes_objects_up_to_its_weight() {
    limits::groups_are_weighed();
}

/// Each point of the one with every fifth of the other; without optimisation a part of them.
#[test]
fn invocations_may_die_at_every_await() {
    let strides = if cfg!(debug_assertions) { [(11, 17), (17, 11)] } else { [(1, 5), (5, 1)] };
    for (first, second) in strides {
        let pairs = limits::dies_at_every_await(first, second);
        let all = pairs * first * second;
        assert!(all > 3_000, "{pairs} pairs are too few to have been through it all");
    }
}

/// All objects in one group, some in each, one in each.
#[test]
fn an_invocation_stops_in_time() {
    for max_objects in [6, 2, 1] {
        let left = limits::work_stops_in_time(max_objects);
        assert!(
            left.contains(&0) && left.iter().any(|left| (1..6).contains(left)),
            "{max_objects}: {left:?}"
        );
    }
}

/// As the template has it: after the fifth delivery a message goes to the dead-letter queue.
#[test]
fn an_object_that_ends_its_invocations_goes_alone() {
    limits::a_deadly_object_goes_alone();
}

#[test]
fn a_panic_while_reading_costs_its_object_alone() {
    limits::a_panic_costs_its_object_alone();
}

#[test]
fn a_panic_while_publishing_costs_its_group_a_turn() {
    limits::a_panic_costs_a_group_its_turn();
}
