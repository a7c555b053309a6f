//! AWS WAF logs: table `WAF`.

use shared::frame::Framing;
use shared::json::Cursor;
use shared::rows::{Rows, RowsError};
use shared::source::{KeyClass, KeyFacts, Normalizer, Outcome, Output, RecordError, Source};
use shared::table::TableDefinition;
use shared::table::definitions::WAF_2_0;

/// The source.
#[derive(Debug, Clone, Copy, Default)]
pub struct Waf;

impl Source for Waf {
    fn name(&self) -> &'static str {
        "waf"
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        &[&WAF_2_0]
    }

    fn framing(&self) -> Framing {
        Framing::Values { list: None }
    }

    fn classify(&self, _key: &str) -> KeyClass {
        KeyClass::Unknown
    }

    fn normalizer(&self, _tables: &[&'static TableDefinition]) -> Result<Box<dyn Normalizer>, RowsError> {
        Ok(Box::new(Nothing))
    }

    fn constants(&self, _table: &'static TableDefinition, _rows: &mut Rows) -> Result<(), RowsError> {
        Ok(())
    }
}

#[derive(Debug)]
struct Nothing;

impl Normalizer for Nothing {
    fn normalize(
        &mut self,
        record: &mut Cursor<'_>,
        _facts: &KeyFacts,
        _out: &mut Output<'_>,
    ) -> Result<Outcome, RecordError> {
        record.value()?;
        Ok(Outcome::Skipped("not_built"))
    }
}
