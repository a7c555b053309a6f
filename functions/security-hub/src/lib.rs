//! Security Hub findings: table `SH_FINDINGS`.

use shared::frame::Framing;
use shared::json::Cursor;
use shared::rows::{Rows, RowsError};
use shared::source::{KeyClass, KeyFacts, Normalizer, Outcome, Output, RecordError, Source};
use shared::table::TableDefinition;
use shared::table::definitions::{SH_FINDINGS_1_0, SH_FINDINGS_2_0};

/// The source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SecurityHub;

impl Source for SecurityHub {
    fn name(&self) -> &'static str {
        "security-hub"
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        &[&SH_FINDINGS_1_0, &SH_FINDINGS_2_0]
    }

    fn framing(&self) -> Framing {
        Framing::Values { list: Some("Findings") }
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
