//! The questions of `lake report`. Each has its SQL, for Athena and for whoever wants to go on from there,
//! and the same in Rust, so that a machine without a query engine can answer it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value};
use shared::time::to_rfc3339;

use crate::report::Event;

/// Rows that an answer has at most; the `LIMIT` of every query.
const LIMIT: usize = 20;

/// A value that an answer is grouped by.
type Key = Option<String>;

/// A question about management events.
#[derive(Debug)]
pub(crate) struct Question {
    /// For machines: `root_use`.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) text: &'static str,
    /// The Athena query, with the names of the lake of `us-east-1`.
    sql: &'static str,
    /// Names of the columns that the answer is grouped by.
    keys: &'static [&'static str],
    /// Name of the column that counts.
    count: &'static str,
    /// True if the answer also has `first_seen` and `last_seen`.
    seen: bool,
    /// The values of [`Question::keys`], if the event is one that the question asks for.
    select: fn(&Event<'_>) -> Option<Vec<Key>>,
}

/// The questions, in the order of the report.
pub(crate) const ALL: &[Question] = &[
    Question {
        name: "root_use",
        text: "What has been done as root?",
        sql: include_str!("questions/root_use.sql"),
        keys: &["account", "event"],
        count: "events",
        seen: true,
        select: |event| {
            (event.user_type == Some("Root")).then(|| vec![owned(event.account), owned(event.operation)])
        },
    },
    Question {
        name: "failed_sign_ins",
        text: "Who failed to sign in to the console, and from where?",
        sql: include_str!("questions/failed_sign_ins.sql"),
        keys: &["user_name", "source_ip"],
        count: "failures",
        seen: false,
        select: |event| {
            let is = event.class_uid == Some(3002)
                && event.operation == Some("ConsoleLogin")
                && event.status == Some("Failure");
            is.then(|| vec![owned(event.user_name.or(event.user_uid)), owned(event.source_ip)])
        },
    },
    Question {
        name: "assumed_roles",
        text: "Who assumed which role?",
        sql: include_str!("questions/assumed_roles.sql"),
        keys: &["caller", "role"],
        count: "times",
        seen: false,
        select: |event| {
            let is = event.operation.is_some_and(|operation| operation.starts_with("AssumeRole"))
                && event.status == Some("Success");
            is.then(|| vec![owned(event.caller()), owned(event.target_uid)])
        },
    },
    Question {
        name: "denied_callers",
        text: "Who is denied most often?",
        sql: include_str!("questions/denied_callers.sql"),
        keys: &["caller"],
        count: "denied",
        seen: false,
        select: |event| {
            let denied = [
                "AccessDenied",
                "AccessDeniedException",
                "UnauthorizedOperation",
                "Client.UnauthorizedOperation",
            ];
            let is = event.error.is_some_and(|error| denied.contains(&error));
            is.then(|| vec![owned(event.caller())])
        },
    },
];

fn owned(text: Option<&str>) -> Key {
    text.map(str::to_owned)
}

/// Events of one group.
#[derive(Debug, Clone, Copy)]
struct Tally {
    count: u64,
    first: i64,
    last: i64,
}

/// The answer to a question while events are being read.
#[derive(Debug)]
pub(crate) struct Answer {
    question: &'static Question,
    groups: BTreeMap<Vec<Key>, Tally>,
}

impl Question {
    /// The query for the lake of a region (`us_east_1`).
    pub(crate) fn sql(&self, region: &str) -> String {
        self.sql.trim_end().replace("us_east_1", region)
    }

    /// Names of the answer's columns.
    pub(crate) fn columns(&self) -> Vec<&'static str> {
        let seen: &[&str] = if self.seen { &["first_seen", "last_seen"] } else { &[] };
        [self.keys, &[self.count], seen].concat()
    }

    /// An answer without events.
    pub(crate) fn answer(&'static self) -> Answer {
        Answer { question: self, groups: BTreeMap::new() }
    }
}

impl Answer {
    /// Counts an event if the question asks for it.
    pub(crate) fn add(&mut self, event: &Event<'_>) {
        let Some(key) = (self.question.select)(event) else { return };
        let tally = self.groups.entry(key).or_insert(Tally { count: 0, first: event.time, last: event.time });
        tally.count += 1;
        tally.first = tally.first.min(event.time);
        tally.last = tally.last.max(event.time);
    }

    /// The question.
    pub(crate) fn question(&self) -> &'static Question {
        self.question
    }

    /// The answer's rows: most events first, then by key.
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
    use super::*;

    fn denied(user: Option<&'static str>, time: i64) -> Event<'static> {
        Event { time, user_uid: user, error: Some("AccessDenied"), ..Event::default() }
    }

    #[test]
    fn most_first_then_by_name_and_nulls_last() {
        let question = ALL.iter().find(|question| question.name == "denied_callers").unwrap();
        let mut answer = question.answer();
        for user in [None, Some("b"), Some("a"), Some("c"), Some("c")] {
            answer.add(&denied(user, 0));
        }
        answer.add(&Event { error: Some("NoSuchBucket"), ..denied(Some("d"), 0) });
        let callers: Vec<Value> = answer.rows().into_iter().map(|mut row| row["caller"].take()).collect();
        assert_eq!(callers, [Value::from("c"), "a".into(), "b".into(), Value::Null]);
    }

    #[test]
    fn an_answer_has_the_columns_of_its_query() {
        for question in ALL {
            let mut rest = question.sql;
            for column in question.columns() {
                let alias = format!(" AS {column}");
                let at = rest.find(&alias).unwrap_or_else(|| panic!("{} lacks {column}", question.name));
                rest = &rest[at..];
            }
            assert!(question.sql.contains(&format!("LIMIT {LIMIT}")));
            assert!(
                question
                    .sql("eu_west_1")
                    .contains("amazon_security_lake_glue_db_eu_west_1.amazon_security_lake_table_eu_west_1_")
            );
        }
    }

    #[test]
    fn first_and_last() {
        let mut answer = ALL[0].answer();
        for time in [2_000, 1_000, 3_000] {
            let event =
                Event { time, user_type: Some("Root"), operation: Some("CreateKey"), ..Event::default() };
            answer.add(&event);
        }
        let rows = answer.rows();
        assert_eq!(rows[0]["first_seen"], "1970-01-01T00:00:01Z");
        assert_eq!(rows[0]["last_seen"], "1970-01-01T00:00:03Z");
        assert_eq!(rows[0]["events"], 3);
    }
}
