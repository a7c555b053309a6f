//! The answer to a question while rows are being read.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value};
use shared::time::to_rfc3339;

use super::{Key, LIMIT, Question, Row};

/// Rows of one group.
#[derive(Debug, Clone, Copy)]
struct Tally {
    count: u64,
    first: i64,
    last: i64,
}

/// The answer to a question.
#[derive(Debug)]
pub(crate) struct Answer {
    question: &'static Question,
    groups: BTreeMap<Vec<Key>, Tally>,
}

impl Answer {
    /// An answer from no rows.
    pub(crate) fn new(question: &'static Question) -> Self {
        Self { question, groups: BTreeMap::new() }
    }

    /// Counts a row if the question asks for it.
    pub(crate) fn add(&mut self, row: &dyn Row) {
        let Some(key) = (self.question.select)(row) else { return };
        let amount = match self.question.sum {
            Some(leaf) => u64::try_from(row.number(leaf).unwrap_or_default()).unwrap_or_default(),
            None => 1,
        };
        let time = row.time();
        let tally = self.groups.entry(key).or_insert(Tally { count: 0, first: time, last: time });
        tally.count = tally.count.saturating_add(amount);
        tally.first = tally.first.min(time);
        tally.last = tally.last.max(time);
    }

    /// The question.
    pub(crate) fn question(&self) -> &'static Question {
        self.question
    }

    /// The answer's rows: the largest count first, then by key.
    pub(crate) fn rows(&self) -> Vec<Map<String, Value>> {
        let mut groups: Vec<(&Vec<Key>, &Tally)> = self.groups.iter().collect();
        groups.sort_by(|(key, tally), (other_key, other)| {
            other.count.cmp(&tally.count).then_with(|| nulls_last(key, other_key))
        });
        groups.truncate(LIMIT);
        let row = |(key, tally): (&Vec<Key>, &Tally)| {
            let mut values: Vec<Value> = key.iter().cloned().map(Value::from).collect();
            values.push(tally.count.into());
            if self.question.seen {
                values.extend([tally.first, tally.last].map(|time| Value::from(to_rfc3339(time))));
            }
            self.question.columns().into_iter().map(str::to_owned).zip(values).collect()
        };
        groups.into_iter().map(row).collect()
    }
}

/// The order of SQL: a null stands behind everything.
fn nulls_last(a: &[Key], b: &[Key]) -> Ordering {
    let rank = |key: &Key| key.is_none();
    let pairs = a.iter().zip(b).map(|(a, b)| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    pairs.fold(Ordering::Equal, Ordering::then)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::questions::all;

    #[derive(Default)]
    struct Made {
        time: i64,
        texts: HashMap<&'static str, &'static str>,
        numbers: HashMap<&'static str, i64>,
    }

    impl Row for Made {
        fn time(&self) -> i64 {
            self.time
        }

        fn account(&self) -> Option<&str> {
            Some("111122223333")
        }

        fn text(&self, leaf: &str) -> Option<&str> {
            self.texts.get(leaf).copied()
        }

        fn number(&self, leaf: &str) -> Option<i64> {
            self.numbers.get(leaf).copied()
        }
    }

    fn made(texts: &[(&'static str, &'static str)]) -> Made {
        Made { texts: texts.iter().copied().collect(), ..Made::default() }
    }

    fn answer(name: &str) -> Answer {
        Answer::new(all().find(|question| question.name == name).unwrap())
    }

    #[test]
    fn most_first_then_by_name_and_nulls_last() {
        let mut answer = answer("denied_callers");
        answer.add(&made(&[("api.response.error", "AccessDenied")]));
        for user in ["b", "a", "c", "c"] {
            answer.add(&made(&[("api.response.error", "AccessDenied"), ("actor.user.uid", user)]));
        }
        answer.add(&made(&[("api.response.error", "NoSuchBucket"), ("actor.user.uid", "d")]));
        let callers: Vec<Value> = answer.rows().into_iter().map(|mut row| row["caller"].take()).collect();
        assert_eq!(callers, [Value::from("c"), "a".into(), "b".into(), Value::Null]);
    }

    #[test]
    fn first_and_last() {
        let mut answer = answer("root_use");
        for time in [2_000, 1_000, 3_000] {
            let row = made(&[("actor.user.type", "Root"), ("api.operation", "CreateKey")]);
            answer.add(&Made { time, ..row });
        }
        let rows = answer.rows();
        assert_eq!(rows[0]["first_seen"], "1970-01-01T00:00:01Z");
        assert_eq!(rows[0]["last_seen"], "1970-01-01T00:00:03Z");
        assert_eq!(rows[0]["events"], 3);
    }

    #[test]
    fn bytes_are_added_up() {
        let mut answer = answer("top_talkers");
        for (ip, bytes) in [("192.0.2.1", 1), ("192.0.2.2", 1 << 40), ("192.0.2.2", 5)] {
            let mut row = made(&[("src_endpoint.ip", ip)]);
            row.numbers.insert("traffic.bytes", bytes);
            answer.add(&row);
        }
        answer.add(&made(&[("src_endpoint.ip", "192.0.2.3")]));
        let bytes: Vec<Value> = answer.rows().into_iter().map(|mut row| row["bytes"].take()).collect();
        assert_eq!(bytes, [Value::from((1_u64 << 40) + 5), 1.into()]);
    }
}
