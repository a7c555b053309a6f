//! Rows of one table on their way into a Parquet object.
//!
//! A mapping writes leaves (`metadata.uid`, `resources[].type`) and nothing else. Which structs, lists and levels
//! of null follow from that is worked out once per batch: a struct is null where all its members are, and a leaf
//! that a row does not mention costs nothing until a later row or the end of the batch fills the gap. Rows can be
//! taken back to any earlier row, so a record or an object that turns out bad leaves nothing behind. They come out
//! in any order that is asked for, and the memory stays for the next rows.

#[cfg(test)]
mod arrow;
pub(crate) mod column;
mod dictionary;
mod leaf;

use std::sync::Arc;

use arrow_schema::Schema;

use self::column::{Column, Constant, ListColumn, Values};
use self::dictionary::Dictionary;
pub use self::leaf::{Decimal, Kind, Leaf, LeafValue};
use crate::table::{TableDefinition, Type, TypeError};

/// A list (or the map, whose entries are a list of keys and values).
#[derive(Debug, Clone, Copy)]
pub struct List(usize);

/// Looking up a leaf that the table does not have, or not with that type: a mistake in the code.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowsError {
    /// No such leaf or list.
    #[error("the table has no {kind} `{path}`")]
    Missing {
        /// What was asked for.
        kind: &'static str,
        /// Its path.
        path: String,
    },
    /// The definition itself is mistaken.
    #[error(transparent)]
    Definition(#[from] TypeError),
}

/// The shape of the table over its columns and lists, by their numbers.
#[derive(Debug)]
pub(crate) enum Node {
    Leaf(usize),
    List(usize, Box<Node>),
    Map(usize, usize, usize),
    Struct(Vec<Node>),
}

/// Rows of one table.
#[derive(Debug)]
pub struct Rows {
    schema: Arc<Schema>,
    pub(crate) nodes: Vec<Node>,
    /// In the order of Parquet's leaves.
    pub(crate) columns: Vec<Column>,
    pub(crate) lists: Vec<ListColumn>,
    rows: usize,
    bytes: usize,
}

impl Rows {
    /// No rows of `definition`.
    ///
    /// # Errors
    /// If the definition is mistaken.
    pub fn new(definition: &TableDefinition) -> Result<Self, RowsError> {
        let mut rows = Self {
            schema: Arc::new(definition.arrow_schema()?),
            nodes: Vec::new(),
            columns: Vec::new(),
            lists: Vec::new(),
            rows: 0,
            bytes: 0,
        };
        for (name, kind) in definition.types()? {
            let node = rows.add(name.to_owned(), &kind, None);
            rows.nodes.push(node);
        }
        let leaves = definition.parquet_leaves()?;
        for (column, leaf) in rows.columns.iter_mut().zip(&leaves) {
            if matches!(column.values, Values::Numbered { .. }) && definition.unique.contains(&leaf.as_str())
            {
                column.values = Values::Text { data: Vec::new(), offsets: vec![0] };
            }
        }
        Ok(rows)
    }

    fn add(&mut self, path: String, kind: &Type, list: Option<usize>) -> Node {
        let values = match kind {
            Type::Text => Values::Numbered { numbers: Vec::new(), dictionary: Dictionary::new() },
            Type::Int => Values::Int(Vec::new()),
            Type::Long | Type::Timestamp => Values::Long(Vec::new()),
            Type::Boolean => Values::Bool(Vec::new()),
            Type::Float => Values::Float(Vec::new()),
            Type::Decimal(precision, scale) => {
                Values::Decimal { unscaled: Vec::new(), precision: *precision, scale: *scale }
            }
            Type::Struct(members) => {
                return Node::Struct(
                    members
                        .iter()
                        .map(|(name, member)| self.add(format!("{path}.{name}"), member, list))
                        .collect(),
                );
            }
            Type::Array(element) => {
                let index = self.add_list(path.clone(), list);
                return Node::List(index, Box::new(self.add(format!("{path}[]"), element, Some(index))));
            }
            Type::Map => {
                let index = self.add_list(path.clone(), list);
                let mut part = |name: &str| {
                    self.add(format!("{path}.{name}"), &Type::Text, Some(index));
                    self.columns.len() - 1
                };
                return Node::Map(index, part("key"), part("value"));
            }
        };
        self.columns.push(Column::new(path, list, values));
        Node::Leaf(self.columns.len() - 1)
    }

    fn add_list(&mut self, path: String, parent: Option<usize>) -> usize {
        self.lists.push(ListColumn::new(path, parent));
        self.lists.len() - 1
    }

    /// The leaf at an OCSF path; `[]` behind each list's name, `.key` and `.value` behind a map's.
    ///
    /// # Errors
    /// If the table has no such leaf of that type.
    pub fn leaf<T: LeafValue + ?Sized>(&self, path: &str) -> Result<Leaf<T>, RowsError> {
        self.columns
            .iter()
            .position(|column| column.path == path && T::fits(&Kind::of(&column.values)))
            .map(Leaf::new)
            .ok_or_else(|| RowsError::Missing { kind: T::KIND, path: path.to_owned() })
    }

    /// The list or map at an OCSF path.
    ///
    /// # Errors
    /// If the table has no such list.
    pub fn list(&self, path: &str) -> Result<List, RowsError> {
        self.lists
            .iter()
            .position(|list| list.path == path)
            .map(List)
            .ok_or_else(|| RowsError::Missing { kind: "list", path: path.to_owned() })
    }

    /// Gives a text leaf the same value in every row, for good. It is not to be set row by row.
    pub fn constant_text(&mut self, leaf: Leaf<str>, value: &'static str) {
        self.columns[leaf.0].constant = Some(Constant::Text(value));
    }

    /// Gives an `int` leaf the same value in every row, for good. It is not to be set row by row.
    pub fn constant_int(&mut self, leaf: Leaf<i32>, value: i32) {
        self.columns[leaf.0].constant = Some(Constant::Int(value));
    }

    /// Gives a list of texts the same elements in every row, for good.
    pub fn constant_list(&mut self, list: List, elements: &'static [&'static str]) {
        self.lists[list.0].constant = Some(elements);
    }

    /// Rows that were ended and not taken back.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// True if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// About how many bytes the values take in memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The column of a leaf, filled up to the row (or the list's element) that is being written; `None` if that
    /// has a value already.
    #[inline]
    fn next(&mut self, leaf: usize) -> Option<&mut Column> {
        let column = &mut self.columns[leaf];
        let current = match column.list {
            None => self.rows,
            Some(list) => self.lists[list].elements.saturating_sub(1),
        };
        if column.len != current {
            if column.len > current {
                return None;
            }
            column.fill(current);
        }
        Some(column)
    }

    /// Sets a text leaf of the current row, or of the current element of its list. A second value for the same
    /// place is ignored.
    #[inline]
    pub fn text(&mut self, leaf: Leaf<str>, value: &str) {
        if let Some(column) = self.next(leaf.0) {
            self.bytes += column.push_text(value);
        }
    }

    /// Sets an `int` leaf; as [`Rows::text`].
    #[inline]
    pub fn int(&mut self, leaf: Leaf<i32>, value: i32) {
        if let Some(column) = self.next(leaf.0)
            && let Values::Int(values) = &mut column.values
        {
            values.push(value);
            column.count_value();
            self.bytes += 4;
        }
    }

    /// Sets a `bigint` or `timestamp` leaf; as [`Rows::text`]. Timestamps are milliseconds since the epoch.
    #[inline]
    pub fn long(&mut self, leaf: Leaf<i64>, value: i64) {
        if let Some(column) = self.next(leaf.0)
            && let Values::Long(values) = &mut column.values
        {
            values.push(value);
            column.count_value();
            self.bytes += 8;
        }
    }

    /// Sets a `boolean` leaf; as [`Rows::text`].
    #[inline]
    pub fn boolean(&mut self, leaf: Leaf<bool>, value: bool) {
        if let Some(column) = self.next(leaf.0)
            && let Values::Bool(values) = &mut column.values
        {
            values.push(value);
            column.count_value();
            self.bytes += 1;
        }
    }

    /// Sets a `float` leaf; as [`Rows::text`].
    pub fn float(&mut self, leaf: Leaf<f32>, value: f32) {
        if let Some(column) = self.next(leaf.0)
            && let Values::Float(values) = &mut column.values
        {
            values.push(value);
            column.count_value();
            self.bytes += 4;
        }
    }

    /// Sets a `decimal` leaf to the nearest value that it can hold; as [`Rows::text`]. False, with nothing set, if
    /// `value` is out of its range.
    pub fn decimal(&mut self, leaf: Leaf<Decimal>, value: f64) -> bool {
        let Some(column) = self.next(leaf.0) else { return true };
        let Values::Decimal { unscaled, precision, scale } = &mut column.values else { return false };
        let scaled = (value * 10_f64.powi(i32::from(*scale))).round();
        if scaled.is_nan() || scaled.abs() >= 10_f64.powi(i32::from(*precision)) {
            return false;
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most 18 digits, as was just seen")]
        unscaled.push(scaled as i64);
        column.count_value();
        self.bytes += 8;
        true
    }

    /// The row, or the element of its parent, whose list is being written.
    #[inline]
    fn owner(&self, list: usize) -> usize {
        self.lists[list].parent.map_or(self.rows, |parent| self.lists[parent].elements.saturating_sub(1))
    }

    /// Begins another element of the current row's list (of the current element's, for a list inside a list); the
    /// list's leaves are then set for this element. A list of which no element is begun is null.
    #[inline]
    pub fn element(&mut self, list: List) {
        let owner = self.owner(list.0);
        self.lists[list.0].element(owner);
        self.bytes += 4;
    }

    /// Makes the current row's list (or the current element's) empty rather than null, if no element follows.
    pub fn empty_list(&mut self, list: List) {
        let owner = self.owner(list.0);
        self.lists[list.0].open(owner);
    }

    /// Ends the current row.
    #[inline]
    pub fn end_row(&mut self) {
        self.rows += 1;
    }

    /// Takes back the current row and all rows from `rows` on.
    pub fn truncate(&mut self, rows: usize) {
        self.rows = self.rows.min(rows);
        for index in 0..self.lists.len() {
            let owners = self.owners(index);
            self.lists[index].truncate(owners);
        }
        for column in &mut self.columns {
            column.truncate(column.list.map_or(self.rows, |list| self.lists[list].elements));
        }
        if self.rows == 0 {
            self.bytes = 0;
        }
    }

    /// Rows, or elements of the parent, that a list has its lists for.
    fn owners(&self, list: usize) -> usize {
        self.lists[list].parent.map_or(self.rows, |parent| self.lists[parent].elements)
    }

    /// The table's Arrow schema.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// To be called before rows are read: a row that was begun and not ended is forgotten, and every gap is filled.
    pub fn finish(&mut self) {
        self.truncate(self.rows);
        for index in 0..self.lists.len() {
            let owners = self.owners(index);
            self.lists[index].fill(owners);
        }
        for column in &mut self.columns {
            column.fill(column.list.map_or(self.rows, |list| self.lists[list].elements));
        }
    }

    /// Forgets all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.truncate(0);
    }
}

/// A type that holds a handle to every leaf and list that a mapping writes, looked up once: `Leaves::new(&rows)`
/// fails where the table lacks one. Behind the first semicolon stand the lists, behind the second what is made
/// from the rows by a `new` of its own.
///
/// ```
/// shared::leaves! {
///     time: i64 = "time",
///     answer_type: str = "answers[].type",
///     ;
///     answers = "answers",
///     ;
///     observables: shared::ocsf::Observables,
/// }
/// ```
#[macro_export]
macro_rules! leaves {
    (
        $($field:ident: $kind:ty = $path:literal,)*
        $(; $($list:ident = $list_path:literal,)* $(; $($made:ident: $made_type:ty,)*)?)?
    ) => {
        /// A handle to every leaf and list; the path is its name in OCSF.
        #[derive(Debug)]
        pub(crate) struct Leaves {
            $(pub(crate) $field: $crate::rows::Leaf<$kind>,)*
            $($(pub(crate) $list: $crate::rows::List,)* $($(pub(crate) $made: $made_type,)*)?)?
        }

        impl Leaves {
            pub(crate) fn new(rows: &$crate::rows::Rows) -> Result<Self, $crate::rows::RowsError> {
                Ok(Self {
                    $($field: rows.leaf($path)?,)*
                    $($($list: rows.list($list_path)?,)* $($($made: <$made_type>::new(rows)?,)*)?)?
                })
            }
        }
    };
}

#[cfg(test)]
mod tests;
