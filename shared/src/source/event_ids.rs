//! Ids of the events of one group, so that an event which two trails have delivered becomes one row.

use std::collections::HashSet;

use rustc_hash::FxBuildHasher;
use sha2::{Digest as _, Sha256};

/// Ids that are remembered of one group, at most: about 50 MB. Events beyond them are all taken for new.
pub const MAX_EVENT_IDS: usize = 1 << 19;

/// Why an event is skipped whose id has occurred in its group.
pub const REPEATED_EVENT: &str = "repeated_event";

/// Whether the records of a source have an id that no other event has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventId {
    /// They do: this member of theirs.
    Member(&'static str),
    /// They do not, for this reason.
    None(&'static str),
}

/// The ids met so far, by 16 bytes of their SHA-256: who writes the records must not be able to choose an id that is
/// taken for another one.
#[derive(Debug)]
pub(crate) struct EventIds {
    known: HashSet<[u8; 16], FxBuildHasher>,
    /// In the order in which they came, so that the latest can be taken back.
    order: Vec<[u8; 16]>,
    most: usize,
    /// Events that were not looked up, since no more ids are remembered.
    unchecked: u64,
}

/// What [`EventIds::mark`] remembers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mark {
    ids: usize,
    unchecked: u64,
}

impl EventIds {
    /// Remembers `most` ids.
    pub(crate) fn new(most: usize) -> Self {
        Self { known: HashSet::default(), order: Vec::new(), most, unchecked: 0 }
    }

    /// True if the id was met before; otherwise it has been now. Nothing is no id.
    pub(crate) fn meet(&mut self, id: &str) -> bool {
        if id.is_empty() {
            return false;
        }
        let digest = Sha256::digest(id.as_bytes());
        let Some(hash) = digest.first_chunk::<16>() else { return false };
        if self.known.contains(hash) {
            return true;
        }
        if self.order.len() == self.most {
            self.unchecked += 1;
            return false;
        }
        self.known.insert(*hash);
        self.order.push(*hash);
        false
    }

    /// Events that were not looked up.
    pub(crate) fn unchecked(&self) -> u64 {
        self.unchecked
    }

    /// Remembers how far it has come.
    pub(crate) fn mark(&self) -> Mark {
        Mark { ids: self.order.len(), unchecked: self.unchecked }
    }

    /// Forgets what was met since: it has come to nothing.
    pub(crate) fn take_back(&mut self, mark: Mark) {
        for hash in self.order.drain(mark.ids.min(self.order.len())..) {
            self.known.remove(&hash);
        }
        self.unchecked = mark.unchecked;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_more_are_remembered_than_may_be() {
        let mut ids = EventIds::new(2);
        assert_eq!(["a", "b", "c", "a", "c"].map(|id| ids.meet(id)), [false, false, false, true, false]);
        assert_eq!(ids.unchecked(), 2);
    }

    #[test]
    fn events_without_an_id_are_not_taken_for_one() {
        let mut ids = EventIds::new(2);
        assert_eq!(["", "", "a"].map(|id| ids.meet(id)), [false; 3]);
    }

    proptest! {
        /// As a list of all that was met and not taken back would say.
        #[test]
        fn what_is_taken_back_was_never_met(steps in prop::collection::vec((0..12_u8, any::<bool>()), 0..60)) {
            let (mut ids, mut list) = (EventIds::new(8), Vec::new());
            let mut marks = vec![(ids.mark(), 0)];
            for (id, back) in steps {
                if back && id % 3 == 0 {
                    let (mark, length) = marks.pop().unwrap_or_default();
                    ids.take_back(mark);
                    list.truncate(length);
                } else if back {
                    marks.push((ids.mark(), list.len()));
                } else {
                    let is_known = list.contains(&id);
                    prop_assert_eq!(ids.meet(&id.to_string()), is_known);
                    if !is_known && list.len() < 8 {
                        list.push(id);
                    }
                }
                prop_assert_eq!(ids.known.len(), list.len());
            }
        }
    }
}
