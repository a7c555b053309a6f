//! Rows of one table on their way into Arrow arrays.
//!
//! A mapping writes leaves (`metadata.uid`, `resources[].type`) and nothing else. Which structs, lists and levels
//! of null follow from that is worked out once per batch: a struct is null where all its members are, and a leaf
//! that a row does not mention costs nothing until a later row or the end of the batch fills the gap. Rows can be
//! taken back to any earlier row, so a record or an object that turns out bad leaves nothing behind.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow_array::builder::BooleanBufferBuilder;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Int32Array, Int64Array, ListArray, MapArray, RecordBatch, StringArray,
    StructArray, TimestampMillisecondArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Schema};

use crate::table::{self, TableDefinition, Type, TypeError};

/// A leaf's type: `str`, `i32`, `i64` and `bool` are Hive's `string`, `int`, `bigint` (or `timestamp`) and
/// `boolean`.
#[derive(Debug)]
pub struct Leaf<T: ?Sized>(usize, PhantomData<fn(&T)>);

impl<T: ?Sized> Clone for Leaf<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Leaf<T> {}

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

/// The values of one leaf.
#[derive(Debug)]
enum Values {
    Text { data: Vec<u8>, ends: Vec<i32> },
    Int(Vec<i32>),
    Long(Vec<i64>),
    Bool(BooleanBufferBuilder),
}

#[derive(Debug)]
struct Column {
    path: String,
    /// The list whose elements the values belong to; `None` for the rows themselves.
    list: Option<usize>,
    timestamp: bool,
    values: Values,
    valid: BooleanBufferBuilder,
}

#[derive(Debug)]
struct ListColumn {
    path: String,
    /// `ends[i]` is the number of elements up to and including row `i`.
    ends: Vec<i32>,
    valid: BooleanBufferBuilder,
    elements: usize,
}

/// The shape of the table over its columns.
#[derive(Debug)]
enum Node {
    Leaf(usize),
    List(usize, Box<Node>),
    Map(usize, usize, usize),
    Struct(Vec<Node>),
}

/// A type that a leaf can have.
pub trait LeafValue {
    #[doc(hidden)]
    const KIND: &'static str;
    #[doc(hidden)]
    fn fits(values: &Kind<'_>) -> bool;
}

#[doc(hidden)]
#[derive(Debug)]
pub struct Kind<'a>(&'a Values);

impl LeafValue for str {
    const KIND: &'static str = "text leaf";
    fn fits(values: &Kind<'_>) -> bool {
        matches!(values.0, Values::Text { .. })
    }
}

impl LeafValue for i32 {
    const KIND: &'static str = "int leaf";
    fn fits(values: &Kind<'_>) -> bool {
        matches!(values.0, Values::Int(_))
    }
}

impl LeafValue for i64 {
    const KIND: &'static str = "bigint or timestamp leaf";
    fn fits(values: &Kind<'_>) -> bool {
        matches!(values.0, Values::Long(_))
    }
}

impl LeafValue for bool {
    const KIND: &'static str = "boolean leaf";
    fn fits(values: &Kind<'_>) -> bool {
        matches!(values.0, Values::Bool(_))
    }
}

/// Rows of one table.
#[derive(Debug)]
pub struct Rows {
    schema: Arc<Schema>,
    nodes: Vec<Node>,
    columns: Vec<Column>,
    lists: Vec<ListColumn>,
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
        Ok(rows)
    }

    fn add(&mut self, path: String, kind: &Type, list: Option<usize>) -> Node {
        let values = match kind {
            Type::Text => Values::Text { data: Vec::new(), ends: Vec::new() },
            Type::Int => Values::Int(Vec::new()),
            Type::Long | Type::Timestamp => Values::Long(Vec::new()),
            Type::Boolean => Values::Bool(BooleanBufferBuilder::new(0)),
            Type::Struct(members) => {
                return Node::Struct(
                    members.iter().map(|(name, member)| self.add(format!("{path}.{name}"), member, list)).collect(),
                );
            }
            Type::Array(element) => {
                let index = self.add_list(path.clone());
                return Node::List(index, Box::new(self.add(format!("{path}[]"), element, Some(index))));
            }
            Type::Map => {
                let index = self.add_list(path.clone());
                let mut part = |name: &str| {
                    self.add(format!("{path}.{name}"), &Type::Text, Some(index));
                    self.columns.len() - 1
                };
                return Node::Map(index, part("key"), part("value"));
            }
        };
        let timestamp = *kind == Type::Timestamp;
        self.columns.push(Column { path, list, timestamp, values, valid: BooleanBufferBuilder::new(0) });
        Node::Leaf(self.columns.len() - 1)
    }

    fn add_list(&mut self, path: String) -> usize {
        self.lists.push(ListColumn { path, ends: Vec::new(), valid: BooleanBufferBuilder::new(0), elements: 0 });
        self.lists.len() - 1
    }

    /// The leaf at an OCSF path; `[]` behind each list's name, `.key` and `.value` behind a map's.
    ///
    /// # Errors
    /// If the table has no such leaf of that type.
    pub fn leaf<T: LeafValue + ?Sized>(&self, path: &str) -> Result<Leaf<T>, RowsError> {
        self.columns
            .iter()
            .position(|column| column.path == path && T::fits(&Kind(&column.values)))
            .map(|index| Leaf(index, PhantomData))
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

    /// Index of the row (or of the list's element) that is being written.
    fn current(&self, list: Option<usize>) -> usize {
        list.map_or(self.rows, |list| self.lists[list].elements.saturating_sub(1))
    }

    /// Sets a text leaf of the current row, or of the current element of its list. A second value for the same
    /// place is ignored.
    #[inline]
    pub fn text(&mut self, leaf: Leaf<str>, value: &str) {
        let current = self.current(self.columns[leaf.0].list);
        let column = &mut self.columns[leaf.0];
        if column.valid.len() > current {
            return;
        }
        column.fill(current);
        column.valid.append(true);
        if let Values::Text { data, ends } = &mut column.values {
            data.extend_from_slice(value.as_bytes());
            ends.push(i32::try_from(data.len()).unwrap_or(i32::MAX));
        }
        self.bytes += value.len() + 5;
    }

    /// Sets an `int` leaf; as [`Rows::text`].
    #[inline]
    pub fn int(&mut self, leaf: Leaf<i32>, value: i32) {
        let current = self.current(self.columns[leaf.0].list);
        let column = &mut self.columns[leaf.0];
        if column.valid.len() > current {
            return;
        }
        column.fill(current);
        column.valid.append(true);
        if let Values::Int(values) = &mut column.values {
            values.push(value);
        }
        self.bytes += 5;
    }

    /// Sets a `bigint` or `timestamp` leaf; as [`Rows::text`]. Timestamps are milliseconds since the epoch.
    #[inline]
    pub fn long(&mut self, leaf: Leaf<i64>, value: i64) {
        let current = self.current(self.columns[leaf.0].list);
        let column = &mut self.columns[leaf.0];
        if column.valid.len() > current {
            return;
        }
        column.fill(current);
        column.valid.append(true);
        if let Values::Long(values) = &mut column.values {
            values.push(value);
        }
        self.bytes += 9;
    }

    /// Sets a `boolean` leaf; as [`Rows::text`].
    #[inline]
    pub fn boolean(&mut self, leaf: Leaf<bool>, value: bool) {
        let current = self.current(self.columns[leaf.0].list);
        let column = &mut self.columns[leaf.0];
        if column.valid.len() > current {
            return;
        }
        column.fill(current);
        column.valid.append(true);
        if let Values::Bool(values) = &mut column.values {
            values.append(value);
        }
        self.bytes += 1;
    }

    /// Begins another element of the current row's list; the list's leaves are then set for this element. A list
    /// of which no element is begun is null.
    #[inline]
    pub fn element(&mut self, list: List) {
        let row = self.rows;
        let list = &mut self.lists[list.0];
        list.open(row);
        list.elements += 1;
        list.ends[row] = i32::try_from(list.elements).unwrap_or(i32::MAX);
        self.bytes += 5;
    }

    /// Makes the current row's list empty rather than null, if no element follows.
    pub fn empty_list(&mut self, list: List) {
        let row = self.rows;
        self.lists[list.0].open(row);
    }

    /// Ends the current row.
    pub fn end_row(&mut self) {
        self.rows += 1;
    }

    /// Takes back the current row and all rows from `rows` on.
    pub fn truncate(&mut self, rows: usize) {
        self.rows = self.rows.min(rows);
        for list in &mut self.lists {
            list.ends.truncate(self.rows);
            list.valid.truncate(list.valid.len().min(self.rows));
            list.elements = list.ends.last().map_or(0, |&end| usize::try_from(end).unwrap_or_default());
        }
        for column in &mut self.columns {
            let kept = column.list.map_or(self.rows, |list| self.lists[list].elements);
            column.truncate(kept);
        }
        if self.rows == 0 {
            self.bytes = 0;
        }
    }

    /// All rows as one batch, in the order they were written; none are left.
    ///
    /// # Errors
    /// If Arrow refuses the arrays, which only a mistake in this module can cause.
    pub fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        self.truncate(self.rows);
        let rows = self.rows;
        let schema = Arc::clone(&self.schema);
        let nodes = std::mem::take(&mut self.nodes);
        let arrays: Result<Vec<ArrayRef>, ArrowError> =
            nodes.iter().zip(schema.fields()).map(|(node, field)| self.array(node, field.data_type(), rows)).collect();
        self.nodes = nodes;
        self.rows = 0;
        self.bytes = 0;
        RecordBatch::try_new(schema, arrays?)
    }

    fn array(&mut self, node: &Node, kind: &DataType, length: usize) -> Result<ArrayRef, ArrowError> {
        Ok(match (node, kind) {
            (Node::Leaf(index), _) => self.columns[*index].take(length)?,
            (Node::Struct(members), DataType::Struct(fields)) => {
                let arrays: Vec<ArrayRef> = members
                    .iter()
                    .zip(fields)
                    .map(|(member, field)| self.array(member, field.data_type(), length))
                    .collect::<Result<_, _>>()?;
                let nulls = null_where_all_are(&arrays);
                Arc::new(StructArray::try_new(fields.clone(), arrays, nulls)?)
            }
            (Node::List(list, element), DataType::List(field)) => {
                let (offsets, nulls, elements) = self.lists[*list].take(length);
                let values = self.array(element, field.data_type(), elements)?;
                Arc::new(ListArray::try_new(Arc::clone(field), offsets, values, nulls)?)
            }
            (Node::Map(list, key, value), DataType::Map(field, sorted)) => {
                let (offsets, nulls, elements) = self.lists[*list].take(length);
                let entries = vec![self.columns[*key].take(elements)?, self.columns[*value].take(elements)?];
                let entries = StructArray::try_new(table::map_entries(), entries, None)?;
                Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, nulls, *sorted)?)
            }
            _ => return Err(ArrowError::SchemaError("the table's shape and schema differ".to_owned())),
        })
    }
}

impl Column {
    /// Appends nulls until the column has `length` values.
    #[inline]
    fn fill(&mut self, length: usize) {
        let missing = length.saturating_sub(self.valid.len());
        if missing == 0 {
            return;
        }
        self.valid.append_n(missing, false);
        match &mut self.values {
            Values::Text { data, ends } => {
                let end = i32::try_from(data.len()).unwrap_or(i32::MAX);
                ends.resize(ends.len() + missing, end);
            }
            Values::Int(values) => values.resize(values.len() + missing, 0),
            Values::Long(values) => values.resize(values.len() + missing, 0),
            Values::Bool(values) => values.append_n(missing, false),
        }
    }

    fn truncate(&mut self, length: usize) {
        if self.valid.len() <= length {
            return;
        }
        self.valid.truncate(length);
        match &mut self.values {
            Values::Text { data, ends } => {
                ends.truncate(length);
                data.truncate(ends.last().map_or(0, |&end| usize::try_from(end).unwrap_or_default()));
            }
            Values::Int(values) => values.truncate(length),
            Values::Long(values) => values.truncate(length),
            Values::Bool(values) => values.truncate(length),
        }
    }

    fn take(&mut self, length: usize) -> Result<ArrayRef, ArrowError> {
        self.fill(length);
        let nulls = Some(NullBuffer::new(self.valid.finish())).filter(|nulls| nulls.null_count() > 0);
        Ok(match &mut self.values {
            Values::Text { data, ends } => {
                let mut offsets = Vec::with_capacity(ends.len() + 1);
                offsets.push(0);
                offsets.append(ends);
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Arc::new(StringArray::try_new(offsets, Buffer::from_vec(std::mem::take(data)), nulls)?)
            }
            Values::Int(values) => Arc::new(Int32Array::try_new(std::mem::take(values).into(), nulls)?),
            Values::Long(values) if self.timestamp => {
                let values = std::mem::take(values).into();
                Arc::new(TimestampMillisecondArray::try_new(values, nulls)?.with_timezone("UTC"))
            }
            Values::Long(values) => Arc::new(Int64Array::try_new(std::mem::take(values).into(), nulls)?),
            Values::Bool(values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
        })
    }
}

impl ListColumn {
    /// Fills with null lists up to `row`, whose list becomes valid.
    #[inline]
    fn open(&mut self, row: usize) {
        if self.ends.len() > row {
            return;
        }
        self.fill(row);
        self.ends.push(i32::try_from(self.elements).unwrap_or(i32::MAX));
        self.valid.append(true);
    }

    fn fill(&mut self, rows: usize) {
        let missing = rows.saturating_sub(self.ends.len());
        self.ends.resize(self.ends.len() + missing, i32::try_from(self.elements).unwrap_or(i32::MAX));
        self.valid.append_n(missing, false);
    }

    fn take(&mut self, rows: usize) -> (OffsetBuffer<i32>, Option<NullBuffer>, usize) {
        self.fill(rows);
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        offsets.append(&mut self.ends);
        let nulls = Some(NullBuffer::new(self.valid.finish())).filter(|nulls| nulls.null_count() > 0);
        (OffsetBuffer::new(ScalarBuffer::from(offsets)), nulls, std::mem::take(&mut self.elements))
    }
}

/// The nulls of a struct: null where every member is null.
fn null_where_all_are(members: &[ArrayRef]) -> Option<NullBuffer> {
    let mut valid: Option<BooleanBuffer> = None;
    for member in members {
        let member = member.nulls()?.inner(); // a member without nulls: the struct has none either
        valid = Some(valid.map_or_else(|| member.clone(), |valid| &valid | member));
    }
    valid.map(NullBuffer::new).filter(|nulls| nulls.null_count() > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TABLE: TableDefinition = TableDefinition {
        source: "TEST",
        version: "2.0",
        ocsf: "1.1.0",
        columns: &[
            ("uid", "string"),
            ("time", "bigint"),
            ("a", "struct<b:struct<c:string,d:int>,e:boolean,f:timestamp>"),
            ("names", "array<string>"),
            ("things", "array<struct<uid:string,owner:struct<uid:string>>>"),
            ("unmapped", "map<string,string>"),
        ],
        unique: &[],
    };

    fn write(rows: &mut Rows, number: usize) {
        rows.text(rows.leaf("uid").unwrap(), &number.to_string());
        if number.is_multiple_of(3) {
            rows.int(rows.leaf("a.b.d").unwrap(), 7);
            rows.long(rows.leaf("a.f").unwrap(), 8);
            rows.boolean(rows.leaf("a.e").unwrap(), true);
        }
        for index in 0..number % 4 {
            rows.element(rows.list("things").unwrap());
            if index > 0 {
                rows.text(rows.leaf("things[].owner.uid").unwrap(), "o");
            }
            rows.element(rows.list("unmapped").unwrap());
            rows.text(rows.leaf("unmapped.key").unwrap(), &format!("k{index}"));
            rows.text(rows.leaf("unmapped.value").unwrap(), "v");
        }
        if number == 5 {
            rows.empty_list(rows.list("names").unwrap());
        }
    }

    fn batch(numbers: &[usize]) -> RecordBatch {
        let mut rows = Rows::new(&TABLE).unwrap();
        for &number in numbers {
            write(&mut rows, number);
            rows.end_row();
        }
        rows.take().unwrap()
    }

    proptest! {
        #[test]
        fn what_is_taken_back_leaves_no_trace(kept in prop::collection::vec(0..40_usize, 0..20), dropped in prop::collection::vec(0..40_usize, 1..20), more in prop::collection::vec(0..40_usize, 0..20)) {
            let mut rows = Rows::new(&TABLE).unwrap();
            for &number in kept.iter().chain(&dropped) {
                write(&mut rows, number);
                rows.end_row();
            }
            write(&mut rows, 3); // a row that is not ended
            rows.truncate(kept.len());
            for &number in &more {
                write(&mut rows, number);
                rows.end_row();
            }
            prop_assert_eq!(rows.take().unwrap(), batch(&[kept, more].concat()));
            prop_assert!(rows.is_empty() && rows.bytes() == 0);
        }
    }

    #[test]
    fn structs_are_null_where_all_members_are() {
        let batch = batch(&[0, 1, 5]);
        let a = batch.column_by_name("a").unwrap();
        assert_eq!((a.is_valid(0), a.is_valid(1)), (true, false));
        let names = batch.column_by_name("names").unwrap();
        assert_eq!((names.is_null(0), names.is_valid(2)), (true, true));
        let things = batch.column_by_name("things").unwrap();
        assert_eq!((things.is_null(0), things.is_valid(1)), (true, true));
    }

    #[test]
    fn leaves_are_found_by_path_and_type() {
        let rows = Rows::new(&TABLE).unwrap();
        assert!(rows.leaf::<str>("a.b.c").is_ok());
        assert_eq!(rows.leaf::<i32>("a.b.c").unwrap_err().to_string(), "the table has no int leaf `a.b.c`");
        assert!(rows.list("nothing").is_err());
    }
}
