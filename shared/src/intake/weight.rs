//! How much goes into one group, and how long that takes.

use crate::ledger::MAX_MEMBERS;
use crate::notification::ObjectRef;

/// Stored bytes of the objects. One whose size nobody told counts as nothing: every shape of notification tells it but
/// CloudTrail's own, for whose objects the store is asked.
pub(super) fn bytes<'a>(objects: impl IntoIterator<Item = &'a ObjectRef>) -> u64 {
    objects.into_iter().fold(0, |sum, object| sum.saturating_add(object.size.unwrap_or_default()))
}

/// Parts the objects, in their order, into groups of at most `max_bytes` stored bytes and [`MAX_MEMBERS`] objects. What
/// is larger is a group by itself. Those come last, the smallest first: one that takes up all the time there is must
/// not cost the others their turn.
pub(super) fn groups(objects: Vec<ObjectRef>, max_bytes: u64) -> Vec<Vec<ObjectRef>> {
    let (mut large, small): (Vec<_>, Vec<_>) =
        objects.into_iter().partition(|object| object.size.is_some_and(|size| size > max_bytes));
    large.sort_by_key(|object| object.size);
    let mut groups: Vec<Vec<ObjectRef>> = Vec::new();
    let mut weight = 0u64;
    for object in small {
        let size = object.size.unwrap_or_default();
        match groups.last_mut() {
            Some(group) if group.len() < MAX_MEMBERS && weight + size <= max_bytes => {
                weight += size;
                group.push(object);
            }
            _ => {
                weight = size;
                groups.push(vec![object]);
            }
        }
    }
    groups.extend(large.into_iter().map(|object| vec![object]));
    groups
}

/// How fast an invocation was so far.
#[derive(Debug, Default)]
pub(super) struct Pace {
    bytes: u64,
    millis: i64,
}

impl Pace {
    pub(super) fn add(&mut self, bytes: u64, millis: i64) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.millis = self.millis.saturating_add(millis.max(0));
    }

    /// Milliseconds that so many bytes will take; 0 as long as nothing is known.
    pub(super) fn millis_of(&self, bytes: u64) -> i64 {
        let millis = i128::from(bytes) * i128::from(self.millis) / i128::from(self.bytes.max(1));
        if self.bytes == 0 { 0 } else { i64::try_from(millis).unwrap_or(i64::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn objects(sizes: &[Option<u64>]) -> Vec<ObjectRef> {
        let object = |(index, size): (usize, &Option<u64>)| ObjectRef {
            size: *size,
            ..ObjectRef::new("raw", index.to_string())
        };
        sizes.iter().enumerate().map(object).collect()
    }

    fn keys(groups: &[Vec<ObjectRef>]) -> Vec<String> {
        let keys = |group: &Vec<ObjectRef>| group.iter().map(|object| object.key.as_str()).collect();
        groups.iter().map(keys).map(|keys: Vec<&str>| keys.join(" ")).collect()
    }

    #[test]
    fn a_group_is_as_heavy_as_it_may_be() {
        let sizes = [Some(60), Some(40), Some(1), None, Some(100), Some(100)];
        assert_eq!(keys(&groups(objects(&sizes), 100)), ["0 1", "2 3", "4", "5"]);
        assert_eq!(keys(&groups(objects(&sizes), 401)), ["0 1 2 3 4 5"]);
        assert_eq!(keys(&groups(objects(&[]), 100)), Vec::<String>::new());
    }

    #[test]
    fn a_larger_object_is_alone_and_waits() {
        let sizes = [Some(300), Some(1), Some(u64::MAX), Some(101), Some(99), Some(1)];
        assert_eq!(keys(&groups(objects(&sizes), 100)), ["1 4", "5", "3", "0", "2"]);
    }

    #[test]
    fn a_group_has_no_more_members_than_the_ledger_takes() {
        let sizes = vec![Some(1); 2 * MAX_MEMBERS + 1];
        let lengths: Vec<usize> = groups(objects(&sizes), 1 << 20).iter().map(Vec::len).collect();
        assert_eq!(lengths, [MAX_MEMBERS, MAX_MEMBERS, 1]);
    }

    #[test]
    fn the_pace_is_that_of_all_groups_so_far() {
        let mut pace = Pace::default();
        assert_eq!(pace.millis_of(u64::MAX), 0);
        pace.add(1_000, 500);
        pace.add(3_000, 500);
        assert_eq!((pace.millis_of(8_000), pace.millis_of(u64::MAX)), (2_000, 4_611_686_018_427_387_903));
        pace.add(0, -5); // a clock that was set back
        assert_eq!(pace.millis_of(4_000), 1_000);
    }

    proptest! {
        #[test]
        fn every_object_is_in_one_group(sizes in proptest::collection::vec(proptest::option::of(0u64..200), 0..300)) {
            let objects = objects(&sizes);
            let groups = groups(objects.clone(), 100);
            for group in &groups {
                prop_assert!(!group.is_empty() && group.len() <= MAX_MEMBERS);
                prop_assert!(group.len() == 1 || bytes(group) <= 100);
            }
            let mut all: Vec<ObjectRef> = groups.concat();
            all.sort_by_key(|object| object.key.parse::<usize>().unwrap());
            prop_assert_eq!(all, objects);
        }
    }
}
