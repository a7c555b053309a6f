//! The questions of `lake report`. Each has its SQL, for Athena and for whoever wants to go on from there,
//! and the same in Rust, so that a machine without a query engine can answer it.

mod answer;
mod network;
mod trail;

pub(crate) use self::answer::Answer;

/// Rows that an answer has at most; the `LIMIT` of every query.
const LIMIT: usize = 20;

/// A value that an answer is grouped by.
type Key = Option<String>;

/// A question about the rows of one table.
#[derive(Debug)]
pub(crate) struct Question {
    /// For machines: `root_use`.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) text: &'static str,
    /// The table, as `SOURCE@version`.
    pub(crate) table: &'static str,
    /// The leaves that are asked for; nothing else of the table is read but its `time`.
    pub(crate) leaves: &'static [&'static str],
    /// The Athena query, with the names of the lake of `us-east-1`.
    sql: &'static str,
    /// Names of the columns that the answer is grouped by.
    keys: &'static [&'static str],
    /// Name of the column that counts.
    count: &'static str,
    /// The leaf whose numbers are added up; without one, rows are counted.
    sum: Option<&'static str>,
    /// True if the answer also has `first_seen` and `last_seen`.
    seen: bool,
    /// The values of [`Question::keys`], if the row is one that the question asks for.
    select: fn(&dyn Row) -> Option<Vec<Key>>,
}

/// What a question sees of a row.
pub(crate) trait Row {
    /// `time`, in milliseconds since the epoch.
    fn time(&self) -> i64;
    /// `accountid`
    fn account(&self) -> Option<&str>;
    /// A text leaf among [`Question::leaves`].
    fn text(&self, leaf: &str) -> Option<&str>;
    /// A leaf with a whole number.
    fn number(&self, leaf: &str) -> Option<i64>;

    /// A text leaf as a key.
    fn key(&self, leaf: &str) -> Key {
        self.text(leaf).map(str::to_owned)
    }
}

/// The questions, in the order of the report.
pub(crate) fn all() -> impl Iterator<Item = &'static Question> {
    trail::QUESTIONS.iter().chain(network::QUESTIONS)
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_columns_of_its_query() {
        for question in all() {
            let mut rest = question.sql;
            for column in question.columns() {
                let alias = format!(" AS {column}");
                let at = rest.find(&alias).unwrap_or_else(|| panic!("{} lacks {column}", question.name));
                rest = &rest[at..];
            }
            assert!(question.sql.contains(&format!("LIMIT {LIMIT}")));
            let table = question.table.replace(['@', '.'], "_").to_lowercase();
            assert!(question.sql("eu_west_1").contains(&format!(
                "amazon_security_lake_glue_db_eu_west_1.amazon_security_lake_table_eu_west_1_{table}\n"
            )));
        }
    }

    #[test]
    fn leaves_are_those_of_the_table() {
        use shared::table::Type;
        use shared::table::definitions::ALL;

        for question in all() {
            let table = ALL.iter().find(|table| table.id() == question.table).unwrap();
            for leaf in question.leaves.iter().copied().chain(question.sum) {
                let mut members: Vec<(String, Type)> = table
                    .columns
                    .iter()
                    .map(|(name, kind)| ((*name).to_owned(), Type::parse(kind).unwrap()))
                    .collect();
                let mut kind = None;
                for name in leaf.split('.') {
                    let found = members.into_iter().find(|member| member.0 == name);
                    let (_, found) = found.unwrap_or_else(|| panic!("{}: {leaf}", question.name));
                    members = if let Type::Struct(members) = &found { members.clone() } else { Vec::new() };
                    kind = Some(found);
                }
                assert!(matches!(kind, Some(Type::Text | Type::Int | Type::Long)), "{leaf}");
                assert!(question.leaves.contains(&leaf));
            }
        }
    }
}
