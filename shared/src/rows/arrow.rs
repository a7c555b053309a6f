//! Rows as Arrow arrays, made in the plainest way: what the tests hold the Parquet writer against.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Decimal128Builder, Float32Builder, Int32Builder, Int64Builder, StringBuilder,
    TimestampMillisecondBuilder,
};
use arrow_array::{Array as _, ArrayRef, ListArray, MapArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType};

use super::column::{Column, Constant, Values};
use super::{Node, Rows};
use crate::table;

impl Rows {
    /// Column `index` of the table for the rows of the given numbers, in that order.
    pub(crate) fn column(&self, index: usize, order: &[u32]) -> Result<ArrayRef, ArrowError> {
        self.array(&self.nodes[index], self.schema.field(index).data_type(), order)
    }

    fn array(&self, node: &Node, kind: &DataType, owners: &[u32]) -> Result<ArrayRef, ArrowError> {
        Ok(match (node, kind) {
            (Node::Leaf(index), _) => self.columns[*index].array(kind, owners)?,
            (Node::Struct(members), DataType::Struct(fields)) => {
                let arrays: Vec<ArrayRef> = members
                    .iter()
                    .zip(fields)
                    .map(|(member, field)| self.array(member, field.data_type(), owners))
                    .collect::<Result<_, _>>()?;
                let valid: Vec<bool> =
                    (0..owners.len()).map(|row| arrays.iter().any(|array| array.is_valid(row))).collect();
                Arc::new(StructArray::try_new(fields.clone(), arrays, Some(NullBuffer::from(valid)))?)
            }
            (Node::List(list, element), DataType::List(field)) => {
                if let Some(constant) = self.lists[*list].constant {
                    let values: Vec<&str> =
                        constant.iter().copied().cycle().take(constant.len() * owners.len()).collect();
                    let offsets = OffsetBuffer::from_repeated_length(constant.len(), owners.len());
                    let values = Arc::new(arrow_array::StringArray::from(values));
                    return Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, values, None)?));
                }
                let (offsets, nulls, elements) = self.elements(*list, owners);
                let values = self.array(element, field.data_type(), &elements)?;
                Arc::new(ListArray::try_new(Arc::clone(field), offsets, values, Some(nulls))?)
            }
            (Node::Map(list, key, value), DataType::Map(field, sorted)) => {
                let (offsets, nulls, elements) = self.elements(*list, owners);
                let entries = [*key, *value]
                    .map(|part| self.columns[part].array(&DataType::Utf8, &elements))
                    .into_iter()
                    .collect::<Result<_, _>>()?;
                let entries = StructArray::try_new(table::map_entries(), entries, None)?;
                Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, Some(nulls), *sorted)?)
            }
            _ => return Err(ArrowError::SchemaError("the table's shape and schema differ".to_owned())),
        })
    }

    fn elements(&self, list: usize, owners: &[u32]) -> (OffsetBuffer<i32>, NullBuffer, Vec<u32>) {
        let lists: Vec<_> = owners.iter().map(|&row| self.lists[list].elements_of(row as usize)).collect();
        let lengths = lists.iter().map(|list| list.as_ref().map_or(0, ExactSizeIterator::len));
        let valid: Vec<bool> = lists.iter().map(Option::is_some).collect();
        let elements = lists.iter().flatten().cloned().flatten().collect();
        (OffsetBuffer::from_lengths(lengths), NullBuffer::from(valid), elements)
    }
}

impl Column {
    fn array(&self, kind: &DataType, owners: &[u32]) -> Result<ArrayRef, ArrowError> {
        match self.constant {
            Some(Constant::Text(text)) => {
                return Ok(Arc::new(arrow_array::StringArray::from(vec![text; owners.len()])));
            }
            Some(Constant::Int(value)) => {
                return Ok(Arc::new(arrow_array::Int32Array::from(vec![value; owners.len()])));
            }
            None => {}
        }
        let owners = owners.iter().map(|&owner| owner as usize);
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).unwrap().to_owned();
        macro_rules! build {
            ($builder:expr, $value:expr) => {{
                let mut builder = $builder;
                let value = $value;
                for owner in owners {
                    builder.append_option(self.is_valid(owner).then(|| value(owner)));
                }
                Arc::new(builder.finish())
            }};
        }
        Ok(match &self.values {
            Values::Numbered { numbers, dictionary } => {
                build!(StringBuilder::new(), |owner: usize| text(dictionary.get(numbers[owner])))
            }
            Values::Text { data, offsets } => build!(StringBuilder::new(), |owner: usize| {
                text(&data[offsets[owner] as usize..offsets[owner + 1] as usize])
            }),
            Values::Int(values) => build!(Int32Builder::new(), |owner: usize| values[owner]),
            Values::Long(values) if *kind != DataType::Int64 => {
                build!(TimestampMillisecondBuilder::new().with_timezone("UTC"), |owner: usize| values[owner])
            }
            Values::Long(values) => build!(Int64Builder::new(), |owner: usize| values[owner]),
            Values::Bool(values) => build!(BooleanBuilder::new(), |owner: usize| values[owner]),
            Values::Float(values) => build!(Float32Builder::new(), |owner: usize| values[owner]),
            Values::Decimal { unscaled, precision, scale } => build!(
                Decimal128Builder::new().with_precision_and_scale(*precision, *scale)?,
                |owner: usize| i128::from(unscaled[owner])
            ),
        })
    }
}
