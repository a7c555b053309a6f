//! A source as small as one can be: a line is `<id> <account> <day>`, or `bad <id>` for one that goes to quarantine.

use shared::frame::Framing;
use shared::json::Cursor;
use shared::rows::{Leaf, Rows, RowsError};
use shared::source::{KeyClass, KeyFacts, Normalizer, Outcome, Output, RecordError, Rejection, Source};
use shared::table::TableDefinition;

const DAY: i64 = 86_400_000;

pub(crate) const TABLE: TableDefinition = TableDefinition {
    source: "TEST",
    version: "2.0",
    ocsf: "1.1.0",
    columns: &[("uid", "string"), ("time", "bigint")],
    unique: &[],
};

pub(crate) struct Logs;

impl Source for Logs {
    fn name(&self) -> &'static str {
        "logs"
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        &[&TABLE]
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn classify(&self, _key: &str) -> KeyClass {
        KeyClass::Unknown
    }

    fn normalizer(&self, _: &[&'static TableDefinition]) -> Result<Box<dyn Normalizer>, RowsError> {
        let rows = Rows::new(&TABLE)?;
        Ok(Box::new(Lines { uid: rows.leaf("uid")?, time: rows.leaf("time")? }))
    }

    fn constants(&self, _: &'static TableDefinition, _: &mut Rows) -> Result<(), RowsError> {
        Ok(())
    }
}

struct Lines {
    uid: Leaf<str>,
    time: Leaf<i64>,
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
        let time = day.parse::<i64>().unwrap() * DAY;
        let rows = out.table(0);
        rows.text(self.uid, uid);
        rows.long(self.time, time);
        out.end_row(0, "us-east-1", account, time);
        Ok(Outcome::Landed)
    }
}
