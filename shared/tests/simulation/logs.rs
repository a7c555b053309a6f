//! A source as small as one can be: a line is `<id> <account> <day>`, or `bad <id>` for one that goes to quarantine. Its
//! tables of both source versions hold the same. Versions of the code put records into other partitions, or take them
//! for bad.

use shared::frame::Framing;
use shared::json::Cursor;
use shared::rows::{Leaf, Rows, RowsError};
use shared::source::{KeyClass, KeyFacts, Normalizer, Outcome, Output, RecordError, Rejection, Source};
use shared::table::TableDefinition;

const DAY: i64 = 86_400_000;

const fn table(version: &'static str) -> TableDefinition {
    let columns = &[("uid", "string"), ("time", "bigint")];
    TableDefinition { source: "TEST", version, ocsf: "1.1.0", columns, unique: &[] }
}

static OLD: TableDefinition = table("1.0");
static NEW: TableDefinition = table("2.0");

/// The tables, in the order of [`Deployment::tables`](super::world::Deployment::tables).
pub(crate) static TABLES: &[&TableDefinition] = &[&OLD, &NEW];

pub(crate) struct Logs {
    /// How this version of the code maps records.
    pub(crate) mapping: u8,
}

impl Source for Logs {
    fn name(&self) -> &'static str {
        "logs"
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        TABLES
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn classify(&self, _key: &str) -> KeyClass {
        KeyClass::Unknown
    }

    fn normalizer(&self, tables: &[&'static TableDefinition]) -> Result<Box<dyn Normalizer>, RowsError> {
        let leaves = |table: &&'static TableDefinition| -> Result<_, RowsError> {
            let rows = Rows::new(table)?;
            Ok((rows.leaf("uid")?, rows.leaf("time")?))
        };
        let leaves = tables.iter().map(leaves).collect::<Result<_, _>>()?;
        Ok(Box::new(Lines { leaves, mapping: self.mapping }))
    }

    fn constants(&self, _: &'static TableDefinition, _: &mut Rows) -> Result<(), RowsError> {
        Ok(())
    }
}

struct Lines {
    leaves: Vec<(Leaf<str>, Leaf<i64>)>,
    mapping: u8,
}

impl Normalizer for Lines {
    fn normalize(
        &mut self,
        record: &mut Cursor<'_>,
        _: &KeyFacts,
        _: &mut Output<'_>,
    ) -> Result<Outcome, RecordError> {
        record.value()?;
        Ok(Outcome::Skipped("json"))
    }

    fn normalize_line(
        &mut self,
        line: &str,
        _: &KeyFacts,
        out: &mut Output<'_>,
    ) -> Result<Outcome, Rejection> {
        let parts: Vec<&str> = line.split(' ').collect();
        let [uid, account, day] = parts.as_slice() else {
            return Err(Rejection { reason: "bad", detail: "expected three words".to_owned() });
        };
        if self.mapping == 2 && *account == "1" {
            return Err(Rejection {
                reason: "bad",
                detail: "this version does not know the account".to_owned(),
            });
        }
        let time = day.parse::<i64>().unwrap() * DAY;
        let region = if self.mapping == 1 { "eu-west-1" } else { "us-east-1" };
        for (table, (uid_leaf, time_leaf)) in self.leaves.iter().enumerate() {
            let rows = out.table(table);
            rows.text(*uid_leaf, uid);
            rows.long(*time_leaf, time);
            out.end_row(table, region, account, time);
        }
        Ok(Outcome::Landed)
    }
}
