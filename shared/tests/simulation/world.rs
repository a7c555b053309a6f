//! What there is: buckets, catalogue, ledger, queue and clock, and the trouble that is made.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use shared::ledger::seen::{Origin, Seen};
use shared::notification::ObjectRef;

use super::bugs::Bug;

/// Small and good enough, and the same on every machine (SplitMix64).
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// True `percent` times in a hundred.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

/// A message in the queue.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) body: String,
    pub(crate) visible_at: i64,
    pub(crate) receives: u32,
}

/// The ledger's entry of a group.
#[derive(Debug, Clone)]
pub(crate) struct GroupEntry {
    pub(crate) members: Vec<ObjectRef>,
    pub(crate) left_out: Option<Vec<usize>>,
    pub(crate) owner: String,
    pub(crate) until: i64,
    pub(crate) done: bool,
}

/// What a call goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    Raw,
    Lake,
    Catalogue,
    Ledger,
}

impl Edge {
    pub(crate) const ALL: [Self; 4] = [Self::Raw, Self::Lake, Self::Catalogue, Self::Ledger];
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) random: Random,
    pub(crate) now: i64,
    /// No more trouble: everything has to come to rest.
    pub(crate) quiet: bool,
    /// How often a call has trouble, in percent.
    pub(crate) trouble: u64,
    /// Rows that are held in memory, in bytes: some objects do not fit beside others, and some not at all.
    pub(crate) buffer_bytes: usize,
    /// Stored bytes of a group: some groups have one object only.
    pub(crate) max_group_bytes: u64,
    /// Milliseconds that a call takes at most.
    pub(crate) pace: i64,
    /// Milliseconds before its end at which an invocation stops.
    pub(crate) reserve: i64,
    /// Milliseconds by which a host's clock is wrong at most.
    pub(crate) skew: usize,
    /// An edge that refuses so many calls more.
    pub(crate) throttled: Option<(Edge, usize)>,
    /// The account whose partitions cannot be registered.
    pub(crate) cursed: Option<&'static str>,
    /// True if that is a panic.
    pub(crate) panics: bool,
    pub(crate) raw: BTreeMap<String, (Vec<u8>, String)>,
    pub(crate) lake: BTreeMap<String, Vec<u8>>,
    pub(crate) partitions: BTreeSet<String>,
    pub(crate) claims: BTreeMap<String, String>,
    pub(crate) groups: BTreeMap<String, GroupEntry>,
    pub(crate) queue: Vec<Message>,
    pub(crate) dead_letters: Vec<Message>,
    pub(crate) names: u64,
    pub(crate) seen: BTreeMap<Origin, Seen>,
    /// True if something seen could not be noted.
    pub(crate) missed: bool,
    /// What has happened, so that it is known to happen.
    pub(crate) met: BTreeSet<&'static str>,
}

/// The world, which every edge has a hand in.
#[derive(Debug, Clone)]
pub(crate) struct World {
    state: Arc<Mutex<State>>,
    pub(crate) bug: Option<Bug>,
}

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Done,
    /// An error, and nothing has happened.
    Refused,
    /// An error, and yet it has happened.
    Torn,
}

impl World {
    pub(crate) fn new(seed: u64, bug: Option<Bug>) -> Self {
        let mut random = Random(seed);
        let trouble = [0, 2, 5, 15][random.below(4)];
        let buffer_bytes = [48 << 20, 300, 150, 60][random.below(4)];
        let max_group_bytes = [1 << 20, 1 << 20, 150, 40][random.below(4)];
        let pace = [0, 50, 1_000, 4_000][random.below(4)];
        let reserve = [5_000, 20_000, 300_000][random.below(3)];
        let skew = [0, 0, 1_000, 20_000][random.below(4)];
        let cursed = [None, None, None, Some("0")][random.below(4)];
        let state = State {
            random,
            now: 1_800_000_000_000,
            quiet: false,
            trouble,
            buffer_bytes,
            max_group_bytes,
            pace,
            reserve,
            skew,
            throttled: None,
            cursed,
            panics: false,
            raw: BTreeMap::new(),
            lake: BTreeMap::new(),
            partitions: BTreeSet::new(),
            claims: BTreeMap::new(),
            groups: BTreeMap::new(),
            queue: Vec::new(),
            dead_letters: Vec::new(),
            names: 0,
            seen: BTreeMap::new(),
            missed: false,
            met: BTreeSet::new(),
        };
        Self { state: Arc::new(Mutex::new(state)), bug }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// An await point: other invocations go on, time passes, or this one dies here. Then the call has its fate.
    pub(crate) async fn call(&self, edge: Edge) -> Fate {
        let pause = {
            let mut state = self.state();
            // Now and then one takes so long that all others get far meanwhile.
            let longest = if !state.quiet && state.random.chance(5) { 100 } else { 3 };
            state.random.below(longest) + 1
        };
        Pause(pause).await;
        let mut state = self.state();
        let took = state.pace as usize + 1;
        state.now += state.random.below(took) as i64;
        match &mut state.throttled {
            Some((throttled, calls)) if *throttled == edge && *calls > 0 => {
                *calls -= 1;
                state.met.insert("throttled");
                return Fate::Refused;
            }
            _ => {}
        }
        let trouble = if state.quiet { 0 } else { state.trouble };
        match state.random.chance(trouble) {
            false => Fate::Done,
            true if state.random.chance(50) => Fate::Refused,
            true => Fate::Torn,
        }
    }

    /// No more trouble from now on.
    pub(crate) fn calm(&self) {
        let mut state = self.state();
        (state.quiet, state.pace, state.skew) = (true, 0, 0);
        (state.throttled, state.cursed) = (None, None);
    }
}

struct Pause(usize);

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
