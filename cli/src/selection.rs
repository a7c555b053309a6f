//! Which tables an ingest writes.

use std::fmt;

use shared::source::Source;
use shared::table::{TableDefinition, TableSet};

use crate::sources;

/// The tables that an ingest writes, of all sources together.
#[derive(Clone)]
pub(crate) struct Selection(Vec<&'static TableDefinition>);

impl fmt::Debug for Selection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|table| table.id())).finish()
    }
}

/// Every table that some source can fill.
fn all() -> Vec<&'static TableDefinition> {
    sources::ALL.iter().flat_map(|make| make().tables().iter().copied()).collect()
}

impl Selection {
    /// Reads a comma list of `SOURCE@version`. Nothing at all means the tables of source version 2.0, as in the
    /// functions' configuration.
    ///
    /// # Errors
    /// If a name is none of a table's.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wanted: Vec<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let known = all();
        if let Some(unknown) = wanted.iter().find(|name| !known.iter().any(|table| table.id() == **name)) {
            let ids: Vec<String> = known.iter().map(|table| table.id()).collect();
            return Err(format!("`{unknown}` is no table; there are {}", ids.join(", ")));
        }
        let is_wanted = |table: &&TableDefinition| match wanted.as_slice() {
            [] => table.is_default(),
            wanted => wanted.contains(&table.id().as_str()),
        };
        Ok(Self(known.into_iter().filter(is_wanted).collect()))
    }

    /// True if it is what nothing at all means.
    #[cfg(feature = "aws")]
    pub(crate) fn is_default(&self) -> bool {
        self.0.iter().copied().eq(all().into_iter().filter(|table| table.is_default()))
    }

    /// Those of them that the source fills.
    pub(crate) fn of(&self, source: &dyn Source) -> TableSet {
        TableSet::of(source.tables(), |table| self.0.contains(&table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(selection: &Selection) -> Vec<String> {
        selection.0.iter().map(|table| table.id()).collect()
    }

    #[test]
    fn nothing_means_source_version_2_0() {
        for nothing in ["", " ", ","] {
            let selection = Selection::parse(nothing).unwrap();
            assert!(!selection.0.is_empty() && selection.0.iter().all(|table| table.version == "2.0"));
        }
    }

    #[test]
    fn names_are_whole() {
        let selection = Selection::parse(" VPC_FLOW@2.0, VPC_FLOW@1.0,").unwrap();
        assert_eq!(ids(&selection), ["VPC_FLOW@1.0", "VPC_FLOW@2.0"]);
        for wrong in ["VPC_FLOW", "vpc_flow@2.0", "VPC_FLOW@3.0", "VPC_FLOW@2.0,x"] {
            assert!(Selection::parse(wrong).unwrap_err().contains("there are CLOUD_TRAIL_MGMT@"), "{wrong}");
        }
    }

    #[test]
    fn sets() {
        let source = vpc_flow::VpcFlow;
        let both = Selection::parse("VPC_FLOW@1.0,VPC_FLOW@2.0,WAF@2.0").unwrap().of(&source);
        let new = Selection::parse("VPC_FLOW@2.0").unwrap().of(&source);
        let old = both.without(new);
        assert_eq!(old.with(new), both);
        assert_eq!(old.definitions(source.tables()), [source.tables()[0]]);
        assert!(new.without(both).is_empty() && Selection::parse("WAF@2.0").unwrap().of(&source).is_empty());
    }

    #[test]
    fn a_set_holds_all_tables_of_any_source() {
        for make in sources::ALL {
            let tables = make().tables();
            assert!(tables.len() <= 32);
            assert_eq!(TableSet::of(tables, |_| true).definitions(tables), tables);
        }
    }
}
