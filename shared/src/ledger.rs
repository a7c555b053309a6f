//! Which raw objects are in the lake: what makes "at least once" of S3, SQS and Lambda an "exactly once" of rows.
//!
//! Queues deliver a message again, in another batch, beside other messages. Rows of several raw objects share a
//! Parquet object, so the unit that is done or not done is the *group* of raw objects that went into Parquet objects
//! together. A group's members are written down before any of its rows can be seen, and are never regrouped.
//!
//! ```text
//!             claim                     decide                         finish
//! free ───────────────▶ open, undecided ───────▶ open, decided ──────────────▶ done
//!   ▲                                      │
//!   └──── members that cannot be read ─────┘
//! ```
//!
//! 1. **claim**: objects that nobody has become members of a new group, all or none, under the lease of this
//!    invocation.
//! 2. The members are read and their rows written to outputs that nobody can see yet.
//! 3. **decide**: members that could not be read leave the group and are free again; the others are its members for
//!    good. Only after that are the outputs completed and the partitions registered.
//! 4. **finish**: the group is done; messages that name its members are acknowledged from now on.
//!
//! An invocation that meets a member of an open group whose lease has run out takes the group over and runs it again,
//! as it stands, whichever of its members the batch names. A group under a living lease is left to the queue.
//!
//! A group is run again *as it was begun*: the settings that its outputs depend on are written down with it
//! ([`OutputSettings`]), and so are the names of the outputs before the first of them is completed.
//!
//! A group whose runs keep ending in the middle holds an object that the function cannot bear: one that takes more memory
//! than there is, or a mistake of ours. Such a group is dissolved while it is undecided, by a decision that leaves all of
//! its members out, and they are claimed again one by one: so the object is alone with its failure, and the others land.
//!
//! # Why each record is in the lake once
//!
//! * *At most one group.* An object is claimed by a conditional write, and freed only by the decision that leaves it
//!   out. So at any time it is a member of one group at most. Objects and groups are looked up one after the other; an
//!   object whose group is done by then may have left it in between, so the group is asked for that too.
//! * *Nothing is visible without a decision.* Outputs are completed after `decide` has been answered. An object that was
//!   left out has no row in any output of that group: it had left before the first one was completed.
//! * *Running a group again changes nothing.* Names of outputs derive from the group's members and the partition, and
//!   rows from the members' bytes and the settings that the group was begun with, which are not those of today if there
//!   was a deployment in between: codec, limits, buffer and tables are taken from the entry. Once decided, the members
//!   that are read are the same each time, in the run that has decided too: if somebody left who was in its buffer, it
//!   reads the others again, because how rows are cut into outputs depends on all that was read. Members that leave for
//!   lack of time were never in it, as members are read in their order. If a member cannot be read any more, nothing is
//!   completed; such a group, of which rows may be visible, ends in the dead-letter queue, where a person sees it. So each
//!   run completes the same outputs with the same rows, and S3 replaces an object whole. This holds for two runs at once,
//!   too, so a lease that was judged too short costs work, not rows.
//! * *Another version of the code leaves nothing beside.* It may put a record into another partition or into quarantine,
//!   or cut outputs differently. A run therefore writes the keys of its outputs down before it completes the first one,
//!   with the decision or (a later run that names others) by `note_outputs`, beside those of the runs before. When all of
//!   its own are complete and registered, it removes those that only the others have named; only then is the group done.
//!   So nothing is removed before the same records are visible elsewhere, and until then a reader may see them in both
//!   places. No other group names these keys: an output is named by all members of its group, or by one of them if it
//!   holds that one's rows alone, and a member is in no other group.
//! * *Nothing is lost.* A message is acknowledged only for objects whose group is done, and a group is done only after
//!   every output is complete and every partition registered. Whatever happens before leaves the group open, and its
//!   messages in the queue bring it up again.
//!
//! Where the ledger [is exclusive](Ledger::is_exclusive), members may leave a group that is decided, too, if they are
//! gone or have changed. The group's next outputs replace those with their rows or, where they are named no more, these
//! are removed as those of another version are. A group that loses its last member so removes all of its outputs before
//! it is gone. Whoever uses such a ledger finishes open groups before it claims new ones, as `lake ingest` does: a file
//! that has left and come back as it was would name an output anew that the open group still has to remove.
//!
//! A person may give up (`DynamoLedger::give_up`) a decided group that can never end, as one of its members is gone: under the group's
//! lease all that it has named is removed, and then its members are free, in one transaction. Until then the group is
//! there, and whoever runs it completes all of its outputs again.
//!
//! # What it rests on
//!
//! * Entries outlive the messages ([`TTL_DAYS`]).
//! * One identity never stands for two contents ([`ObjectRef::identity`]).
//! * A ledger is of one lake: its bucket is not among the settings that are written down.
//! * A version of the code that maps records differently does not run a group while an invocation of the former one still
//!   completes outputs of it. A lease lasts until that invocation's deadline and 30 seconds more, so only a write that is
//!   on its way to S3 for longer than that could come after the removal, and its rows would be there twice.
//! * The keys of a group's outputs fit its entry: DynamoDB's home writes down 200 KB of them, some 1,500. A group with
//!   more is run again as it was begun, but what another version of the code names otherwise stays beside.
//! * Groups from before settings and outputs were written down have none: they are run with the settings of today, and
//!   leave what only their former runs have named.
//! * The table of a group is still known to the code. Where it is not, the group fails, names the version that began it
//!   and the table, and its messages stay.

#[cfg(feature = "aws")]
pub mod dynamodb;
pub mod folder;
pub mod seen;

use std::collections::BTreeMap;
use std::future::Future;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use self::seen::{Arrivals, Origin, Seen};
use crate::notification::ObjectRef;
use crate::pipeline::OutputSettings;

/// Entries are kept this long, in days: a message lives 7 days in its queue and 14 in the dead-letter queue, and as
/// long again after a redrive.
pub const TTL_DAYS: i64 = 45;

/// An invocation, as the ledger knows it. Times are milliseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Names the invocation.
    pub owner: String,
    /// The time now.
    pub now: i64,
    /// When the invocation is over for certain, whatever it does.
    pub until: i64,
}

/// Raw objects that go into Parquet objects together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// 32 hex digits that derive from the members.
    pub id: String,
    /// The members when the group was claimed.
    pub members: Vec<ObjectRef>,
    /// Members that have left it, by their place in `members`; `None` before that is decided.
    #[serde(default)]
    pub left_out: Option<Vec<usize>>,
    /// What its outputs depend on beside its members; `None` for a group from before that was written down, which is
    /// run with what holds today.
    #[serde(default)]
    pub settings: Option<OutputSettings>,
    /// Keys of the outputs that its runs may have completed.
    #[serde(default)]
    pub outputs: Vec<String>,
    /// Runs of it, this one included, since one last came to its end, well or not. More than one says that invocations
    /// died in the middle of it. Always one where the home does not count.
    #[serde(default = "one")]
    pub runs: u32,
}

fn one() -> u32 {
    1
}

/// Id of the group of the objects with these identities, in any order: 32 hex digits.
pub fn group_id(mut identities: Vec<String>) -> String {
    identities.sort_unstable();
    let mut digest = Sha256::new();
    for identity in &identities {
        digest.update((identity.len() as u64).to_be_bytes());
        digest.update(identity.as_bytes());
    }
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl Group {
    /// A new group, which is begun with these settings.
    pub fn new(members: Vec<ObjectRef>, settings: OutputSettings) -> Self {
        let id = group_id(members.iter().map(ObjectRef::identity).collect());
        Self { id, members, left_out: None, settings: Some(settings), outputs: Vec::new(), runs: 1 }
    }

    /// The members that have not left it.
    pub fn remaining(&self) -> Vec<usize> {
        let left_out = self.left_out.as_deref().unwrap_or_default();
        (0..self.members.len()).filter(|index| !left_out.contains(index)).collect()
    }

    /// True if the object is a member that has left it.
    pub fn has_left(&self, object: &ObjectRef) -> bool {
        let left_out = self.left_out.as_deref().unwrap_or_default();
        let mut left = left_out.iter().filter_map(|&index| self.members.get(index));
        left.any(|member| member.identity() == object.identity())
    }
}

/// How an object stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// In no group.
    Free,
    /// In the open group of this id.
    Open(String),
    /// Its records are in the lake.
    Done,
}

/// Why the ledger could not do what was asked. It may have been done all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ledger could not {operation}: {reason}")]
pub struct LedgerError {
    /// What was asked.
    pub operation: &'static str,
    /// What its home said.
    pub reason: String,
}

/// The ledger. Every change is one conditional write: it is made whole, or refused and nothing is changed.
pub trait Ledger: Send + Sync {
    /// Members of a group at most.
    fn max_members(&self) -> usize;

    /// True if nothing of a group can be completed any more by whoever had its lease before. (Where that is told by
    /// the clocks of two hosts it is likely, not certain.) Then members may leave a group that is decided, too: what
    /// their rows are in is replaced or removed before the group is done.
    fn is_exclusive(&self) -> bool {
        false
    }

    /// How the objects stand, one answer for each.
    fn look_up(
        &self,
        objects: &[ObjectRef],
    ) -> impl Future<Output = Result<Vec<Standing>, LedgerError>> + Send;

    /// Makes the group, if all its members are free. False if one is not.
    fn claim(&self, group: &Group, lease: &Lease) -> impl Future<Output = Result<bool, LedgerError>> + Send;

    /// Takes over an open group whose lease has run out. `None` if its lease holds, or it is done by now.
    fn take_over(
        &self,
        id: &str,
        lease: &Lease,
    ) -> impl Future<Output = Result<Option<Group>, LedgerError>> + Send;

    /// Lets members leave the group, which are free then; a group without members is gone. `left_out` are all that
    /// have left; `outputs` are the keys of what is about to be completed, none if the others are read again first.
    /// False if it has been decided before (unless the ledger [is exclusive](Ledger::is_exclusive)) or is another's by
    /// now: then nothing of it may be completed.
    fn decide(
        &self,
        group: &Group,
        left_out: &[usize],
        outputs: &[String],
        lease: &Lease,
    ) -> impl Future<Output = Result<bool, LedgerError>> + Send;

    /// Writes down the keys of all outputs that runs of a decided group may have completed or are about to. False if
    /// it is another's or done by now: then nothing of it may be completed.
    fn note_outputs(
        &self,
        group: &Group,
        outputs: &[String],
        lease: &Lease,
    ) -> impl Future<Output = Result<bool, LedgerError>> + Send;

    /// The group is done.
    fn finish(&self, group: &Group) -> impl Future<Output = Result<(), LedgerError>> + Send;

    /// Gives the lease back, so that the next delivery need not wait for its end. Runs are counted on from the group's.
    fn release(&self, group: &Group, lease: &Lease) -> impl Future<Output = Result<(), LedgerError>> + Send;

    /// Notes what has come into the lake at `now`, in milliseconds since the epoch: see [`seen`]. A home that keeps
    /// nothing of it does nothing.
    fn note(&self, arrivals: &Arrivals, now: i64) -> impl Future<Output = Result<(), LedgerError>> + Send {
        let _ = (arrivals, now);
        async { Ok(()) }
    }

    /// All that was last seen.
    fn seen(&self) -> impl Future<Output = Result<BTreeMap<Origin, Seen>, LedgerError>> + Send {
        async { Ok(BTreeMap::new()) }
    }
}

/// The ledger of those who have none: there is no value of it.
#[derive(Debug, Clone, Copy)]
pub enum NoLedger {}

impl Ledger for NoLedger {
    fn max_members(&self) -> usize {
        match *self {}
    }

    async fn look_up(&self, _: &[ObjectRef]) -> Result<Vec<Standing>, LedgerError> {
        match *self {}
    }

    async fn claim(&self, _: &Group, _: &Lease) -> Result<bool, LedgerError> {
        match *self {}
    }

    async fn take_over(&self, _: &str, _: &Lease) -> Result<Option<Group>, LedgerError> {
        match *self {}
    }

    async fn decide(&self, _: &Group, _: &[usize], _: &[String], _: &Lease) -> Result<bool, LedgerError> {
        match *self {}
    }

    async fn note_outputs(&self, _: &Group, _: &[String], _: &Lease) -> Result<bool, LedgerError> {
        match *self {}
    }

    async fn finish(&self, _: &Group) -> Result<(), LedgerError> {
        match *self {}
    }

    async fn release(&self, _: &Group, _: &Lease) -> Result<(), LedgerError> {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_named_by_its_members_in_any_order() {
        let [a, b, c] = ["a", "b", "c"].map(|key| ObjectRef::new("raw", key));
        let new = |members| Group::new(members, OutputSettings::default());
        let group = new(vec![a.clone(), b.clone()]);
        assert_eq!(group.id.len(), 32);
        assert_eq!(group.id, new(vec![b.clone(), a.clone()]).id);
        assert_ne!(group.id, new(vec![a, c]).id);
        let group = Group { left_out: Some(vec![0]), ..group };
        assert_eq!(group.remaining(), [1]);
        assert!(group.has_left(&group.members[0]) && !group.has_left(&group.members[1]));
    }
}
