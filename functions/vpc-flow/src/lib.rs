//! VPC Flow Logs: table `VPC_FLOW`.

use shared::frame::Framing;
use shared::json::Cursor;
use shared::rows::{Rows, RowsError};
use shared::source::{KeyClass, KeyFacts, Normalizer, Outcome, Output, RecordError, Source};
use shared::table::TableDefinition;
use shared::table::definitions::{VPC_FLOW_1_0, VPC_FLOW_2_0};

/// The source.
#[derive(Debug, Clone, Copy, Default)]
pub struct VpcFlow;

impl Source for VpcFlow {
    fn name(&self) -> &'static str {
        "vpc-flow"
    }

    fn tables(&self) -> &'static [&'static TableDefinition] {
        &[&VPC_FLOW_1_0, &VPC_FLOW_2_0]
    }

    fn framing(&self) -> Framing {
        Framing::Lines
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
