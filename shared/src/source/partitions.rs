//! Partitions that the rows of a group go to, numbered.

use rustc_hash::FxHashMap;

use crate::layout::Partition;

/// Partitions that the rows of one group may go to. Each is an object that is written at the same time in every table
/// it has rows in, so it costs memory (about 170 kB) and requests; no batch of real logs comes near it.
pub const MAX_PARTITIONS: usize = 1024;

/// Why a record goes to quarantine whose partition would be one too many.
pub(crate) const TOO_MANY_PARTITIONS: &str = "too_many_partitions";

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Every partition met so far, numbered.
#[derive(Debug, Default)]
pub struct Partitions {
    all: Vec<(Partition, i64)>,
    by_hash: FxHashMap<u64, Vec<u32>>,
    latest: u32,
}

impl Partitions {
    /// The number of the partition, which is new if it was not met before. `None` if there are [`MAX_PARTITIONS`] others.
    pub fn index(&mut self, region: &str, account: &str, time: i64) -> Option<u32> {
        let day = time.div_euclid(DAY);
        let is = |(known, known_day): &(Partition, i64)| {
            *known_day == day && known.region == region && known.account == account
        };
        if self.all.get(self.latest as usize).is_some_and(is) {
            return Some(self.latest); // records of one file come from a few partitions, most from the one before
        }
        let candidates = self.by_hash.entry(hash(region, account, day)).or_default();
        let found = candidates.iter().copied().find(|&index| self.all.get(index as usize).is_some_and(is));
        let index = match found {
            Some(index) => index,
            None if self.all.len() >= MAX_PARTITIONS => return None,
            None => {
                let index = u32::try_from(self.all.len()).ok()?;
                let partition = Partition {
                    region: region.to_owned(),
                    account: account.to_owned(),
                    day: crate::time::day(time),
                };
                self.all.push((partition, day));
                candidates.push(index);
                index
            }
        };
        self.latest = index;
        Some(index)
    }

    /// The partition of that number.
    pub fn get(&self, index: u32) -> &Partition {
        &self.all[index as usize].0
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Forgets all but the first `length`: no row goes to the others any more.
    pub(crate) fn truncate(&mut self, length: usize) {
        for (partition, day) in self.all.drain(length.min(self.all.len())..) {
            if let Some(numbers) = self.by_hash.get_mut(&hash(&partition.region, &partition.account, day)) {
                numbers.retain(|number| (*number as usize) < length);
            }
        }
        self.latest = 0;
    }
}

fn hash(region: &str, account: &str, day: i64) -> u64 {
    use std::hash::{BuildHasher as _, BuildHasherDefault};

    BuildHasherDefault::<rustc_hash::FxHasher>::default().hash_one((region, account, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_numbered_once() {
        let mut partitions = Partitions::default();
        let first = partitions.index("us-east-1", "1", 0);
        let second = partitions.index("us-east-1", "1", DAY);
        assert_ne!(first, second);
        assert_eq!(partitions.index("us-east-1", "1", DAY - 1), first);
        assert_eq!(partitions.index("us-east-1", "2", 2 * DAY - 1), Some(2));
        assert_eq!(partitions.index("us-east-1", "1", 2 * DAY - 1), second);
        assert_eq!(partitions.get(1).day, "19700102");
        assert_eq!(partitions.get(2).account, "2");
        partitions.truncate(1);
        assert_eq!(partitions.index("us-east-1", "2", DAY), Some(1));
        assert_eq!(partitions.index("us-east-1", "1", 0), first);
        assert_eq!((partitions.get(1).account.as_str(), partitions.len()), ("2", 2));
    }

    #[test]
    fn no_more_than_may_be() {
        let mut partitions = Partitions::default();
        let account = |number: usize| number.to_string();
        assert!((0..MAX_PARTITIONS).all(|number| partitions.index("r", &account(number), 0).is_some()));
        assert_eq!(partitions.index("r", "one more", 0), None);
        assert_eq!(partitions.index("r", "7", 0), Some(7));
        partitions.truncate(MAX_PARTITIONS - 1);
        assert!(partitions.index("r", "one more", 0).is_some());
    }
}
