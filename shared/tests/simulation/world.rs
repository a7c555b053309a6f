//! What there is: buckets, catalogue, ledger, queue and clock, and the trouble that is made.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use shared::layout::Codec;
use shared::ledger::Group;
use shared::ledger::seen::{Origin, Seen};

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
    pub(crate) group: Group,
    pub(crate) owner: String,
    pub(crate) until: i64,
    pub(crate) done: bool,
}

/// The version of the function that is deployed, and its settings. Invocations under way go on as they were.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deployment {
    pub(crate) codec: Codec,
    /// Rows that are held in memory, in bytes: some objects do not fit beside others, and some not at all.
    pub(crate) buffer_bytes: usize,
    /// Whether the tables of each source version are written: one is, at least.
    pub(crate) tables: [bool; 2],
    /// How the code maps records: to partitions of their own, or to quarantine.
    pub(crate) mapping: u8,
}

impl Deployment {
    /// One that takes no part in what is tried.
    pub(crate) fn plain() -> Self {
        Self { codec: Codec::Zstd, buffer_bytes: 48 << 20, tables: [false, true], mapping: 0 }
    }

    fn new(random: &mut Random) -> Self {
        Self {
            codec: [Codec::Zstd, Codec::Gzip][random.below(2)],
            buffer_bytes: [48 << 20, 300, 150, 60][random.below(4)],
            tables: [[true, false], [false, true], [true, true]][random.below(3)],
            mapping: 0,
        }
    }
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
    pub(crate) deployment: Deployment,
    /// Leases end when the invocation does, at the earliest. Where they do not (clocks differ), the code stays the same.
    pub(crate) leases_hold: bool,
    /// True once another version of the code has mapped records otherwise.
    pub(crate) remapped: bool,
    /// The records of each content that can be read, by its entity tag.
    pub(crate) records: BTreeMap<String, Vec<String>>,
    /// Members of a group at most: in some seeds fewer than an invocation may be told of.
    pub(crate) max_members: usize,
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
    /// The key of an object that ends every invocation that reads it, as one does for which there is not enough memory.
    pub(crate) deadly: Option<String>,
    /// True if it has done so just now.
    pub(crate) killed: bool,
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
        let deployment = Deployment::new(&mut random);
        let leases_hold = random.chance(50);
        let max_members = [4, 99][random.below(2)];
        let max_group_bytes = [1 << 20, 1 << 20, 150, 40][random.below(4)];
        let pace = [0, 50, 1_000, 4_000][random.below(4)];
        let reserve = [5_000, 20_000, 300_000][random.below(3)];
        let skew = if leases_hold { 0 } else { [0, 0, 1_000, 20_000][random.below(4)] };
        let cursed = [None, None, None, Some("0")][random.below(4)];
        let state = State {
            random,
            now: 1_800_000_000_000,
            quiet: false,
            trouble,
            deployment,
            leases_hold,
            remapped: false,
            records: BTreeMap::new(),
            max_members,
            max_group_bytes,
            pace,
            reserve,
            skew,
            throttled: None,
            cursed,
            deadly: None,
            killed: false,
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

    /// A deployment: other settings, and another version of the code.
    pub(crate) fn deploy(&self) {
        let mut state = self.state();
        let mapping = if state.leases_hold { state.random.below(3) as u8 } else { 0 };
        state.remapped |= mapping != 0;
        state.deployment = Deployment { mapping, ..Deployment::new(&mut state.random) };
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
        if !state.quiet {
            state.queue.iter_mut().for_each(|message| message.receives = 0);
        }
        (state.quiet, state.pace, state.skew) = (true, 0, 0);
        (state.throttled, state.cursed) = (None, None);
    }
}

/// An await point that takes so many turns.
pub(crate) struct Pause(pub(crate) usize);

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
