//! Some of a source's tables.

use super::TableDefinition;

/// Some of a source's tables: a bit for each, in the order of [`Source::tables`](crate::source::Source::tables), of which
/// there are 32 at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableSet(u32);

impl TableSet {
    /// The tables that `is_in` takes.
    pub fn of(
        tables: &'static [&'static TableDefinition],
        is_in: impl Fn(&'static TableDefinition) -> bool,
    ) -> Self {
        let bits = tables.iter().enumerate().filter(|(_, table)| is_in(table)).map(|(index, _)| 1 << index);
        Self(bits.sum())
    }

    /// True if there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// These and those.
    #[must_use]
    pub fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// These but for those.
    #[must_use]
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// The definitions, in the order of `tables`.
    pub fn definitions(self, tables: &'static [&'static TableDefinition]) -> Vec<&'static TableDefinition> {
        let is_in = |(index, _): &(usize, _)| self.0 >> index & 1 == 1;
        tables.iter().copied().enumerate().filter(is_in).map(|(_, table)| table).collect()
    }

    /// Their names, as `SOURCE@version`, in the order of `tables`.
    pub fn ids(self, tables: &'static [&'static TableDefinition]) -> Vec<String> {
        self.definitions(tables).iter().map(|table| table.id()).collect()
    }
}
