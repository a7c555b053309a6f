//! One leaf's values, one list's lengths.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, Float32Array, Int32Array, Int64Array, StringArray,
    TimestampMillisecondArray, new_null_array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, TimeUnit};

/// The values of one leaf; a null takes a place too.
#[derive(Debug)]
pub(super) enum Values {
    /// Value `i` is `data[offsets[i]..offsets[i + 1]]`.
    Text {
        data: Vec<u8>,
        offsets: Vec<i32>,
    },
    Int(Vec<i32>),
    Long(Vec<i64>),
    Bool(Vec<bool>),
    Float(Vec<f32>),
    Decimal {
        unscaled: Vec<i64>,
        precision: u8,
        scale: i8,
    },
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) path: String,
    /// The list whose elements the values belong to; `None` for the rows themselves.
    pub(super) list: Option<usize>,
    pub(super) values: Values,
    /// Values, nulls included.
    pub(super) len: usize,
    /// The value of every row, where that is known beforehand.
    pub(super) constant: Option<&'static str>,
    pub(super) constant_int: Option<i32>,
    timestamp: bool,
    /// Which values are not null. Empty as long as none is: most leaves are set in every row.
    valid: Vec<bool>,
}

impl Column {
    pub(super) fn new(path: String, list: Option<usize>, timestamp: bool, values: Values) -> Self {
        Self { path, list, values, len: 0, constant: None, constant_int: None, timestamp, valid: Vec::new() }
    }

    /// To be called once for each value that was appended.
    #[inline]
    pub(super) fn count_value(&mut self) {
        self.len += 1;
        if !self.valid.is_empty() {
            self.valid.push(true);
        }
    }

    /// Appends nulls until the column has `length` values.
    pub(super) fn fill(&mut self, length: usize) {
        if self.len >= length {
            return;
        }
        self.valid.resize(self.len, true);
        self.valid.resize(length, false);
        match &mut self.values {
            Values::Text { data, offsets } => {
                offsets.resize(length + 1, i32::try_from(data.len()).unwrap_or(i32::MAX));
            }
            Values::Int(values) => values.resize(length, 0),
            Values::Long(values) => values.resize(length, 0),
            Values::Bool(values) => values.resize(length, false),
            Values::Float(values) => values.resize(length, 0.0),
            Values::Decimal { unscaled, .. } => unscaled.resize(length, 0),
        }
        self.len = length;
    }

    pub(super) fn truncate(&mut self, length: usize) {
        if self.len <= length {
            return;
        }
        self.len = length;
        self.valid.truncate(length);
        match &mut self.values {
            Values::Text { data, offsets } => {
                offsets.truncate(length + 1);
                data.truncate(offsets.last().map_or(0, |&end| usize::try_from(end).unwrap_or_default()));
            }
            Values::Int(values) => values.truncate(length),
            Values::Long(values) => values.truncate(length),
            Values::Bool(values) => values.truncate(length),
            Values::Float(values) => values.truncate(length),
            Values::Decimal { unscaled, .. } => unscaled.truncate(length),
        }
    }

    /// Appends all values of `other`, the first as value `start`.
    pub(super) fn append(&mut self, other: &Self, start: usize) {
        if other.len == 0 {
            return;
        }
        self.fill(start);
        if !self.valid.is_empty() || !other.valid.is_empty() {
            self.valid.resize(self.len, true);
            self.valid.extend_from_slice(&other.valid);
            self.valid.resize(self.len + other.len, true);
        }
        self.len += other.len;
        match (&mut self.values, &other.values) {
            (Values::Text { data, offsets }, Values::Text { data: more, offsets: ends }) => {
                let base = i32::try_from(data.len()).unwrap_or(i32::MAX);
                data.extend_from_slice(more);
                offsets.extend(ends[1..].iter().map(|end| base + end));
            }
            (Values::Int(values), Values::Int(more)) => values.extend_from_slice(more),
            (Values::Long(values), Values::Long(more)) => values.extend_from_slice(more),
            (Values::Bool(values), Values::Bool(more)) => values.extend_from_slice(more),
            (Values::Float(values), Values::Float(more)) => values.extend_from_slice(more),
            (Values::Decimal { unscaled, .. }, Values::Decimal { unscaled: more, .. }) => {
                unscaled.extend_from_slice(more);
            }
            _ => debug_assert!(false, "columns of one place have one type"),
        }
    }

    /// The values of the given runs as an array.
    pub(super) fn gather(&self, runs: &(impl Runs + ?Sized)) -> Result<ArrayRef, ArrowError> {
        let count = runs.count();
        if let Some(value) = self.constant {
            return text_of(value, count);
        }
        if let Some(value) = self.constant_int {
            return Ok(Arc::new(Int32Array::from_value(value, count)));
        }
        let nulls = match self.valid.as_slice() {
            [] => None,
            valid => {
                let valid: BooleanBuffer = runs.ranges().flat_map(|run| valid[run].iter().copied()).collect();
                Some(NullBuffer::new(valid)).filter(|nulls| nulls.null_count() > 0)
            }
        };
        if nulls.as_ref().is_some_and(|nulls| nulls.null_count() == count) {
            return Ok(new_null_array(&self.data_type(), count));
        }
        Ok(match &self.values {
            Values::Text { data, offsets } => {
                let (gathered, ends) = gather_text(data, offsets, runs);
                let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
                Arc::new(StringArray::try_new(offsets, Buffer::from_vec(gathered), nulls)?)
            }
            Values::Int(values) => Arc::new(Int32Array::try_new(pick(values, runs).into(), nulls)?),
            Values::Long(values) if self.timestamp => {
                let values = pick(values, runs).into();
                Arc::new(TimestampMillisecondArray::try_new(values, nulls)?.with_timezone("UTC"))
            }
            Values::Long(values) => Arc::new(Int64Array::try_new(pick(values, runs).into(), nulls)?),
            Values::Bool(values) => Arc::new(BooleanArray::new(pick(values, runs).into(), nulls)),
            Values::Float(values) => Arc::new(Float32Array::try_new(pick(values, runs).into(), nulls)?),
            Values::Decimal { unscaled, precision, scale } => {
                let values: Vec<i128> = pick(unscaled, runs).into_iter().map(i128::from).collect();
                let array = Decimal128Array::try_new(values.into(), nulls)?;
                Arc::new(array.with_precision_and_scale(*precision, *scale)?)
            }
        })
    }

    fn data_type(&self) -> DataType {
        match &self.values {
            Values::Text { .. } => DataType::Utf8,
            Values::Int(_) => DataType::Int32,
            Values::Long(_) if self.timestamp => {
                DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))
            }
            Values::Long(_) => DataType::Int64,
            Values::Bool(_) => DataType::Boolean,
            Values::Float(_) => DataType::Float32,
            Values::Decimal { precision, scale, .. } => DataType::Decimal128(*precision, *scale),
        }
    }
}

/// Which values are gathered, and in which order.
pub(super) trait Runs {
    /// Ranges of value numbers.
    fn ranges(&self) -> impl Iterator<Item = Range<usize>>;

    /// Values in all runs.
    fn count(&self) -> usize;
}

/// Numbers of rows: runs of one.
impl Runs for [u32] {
    #[inline]
    fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.iter().map(|&row| row as usize..row as usize + 1)
    }

    fn count(&self) -> usize {
        self.len()
    }
}

/// The elements of some rows' lists: a run a row.
pub(super) struct Elements {
    runs: Vec<Range<u32>>,
    count: usize,
}

impl Runs for Elements {
    #[inline]
    fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.runs.iter().map(|run| run.start as usize..run.end as usize)
    }

    fn count(&self) -> usize {
        self.count
    }
}

fn pick<T: Copy>(values: &[T], runs: &(impl Runs + ?Sized)) -> Vec<T> {
    let mut picked = Vec::with_capacity(runs.count());
    for run in runs.ranges() {
        picked.extend_from_slice(&values[run]);
    }
    picked
}

fn gather_text(data: &[u8], offsets: &[i32], runs: &(impl Runs + ?Sized)) -> (Vec<u8>, Vec<i32>) {
    // Offsets come from lengths, so they are not negative.
    let bytes = |run: &Range<usize>| offsets[run.start] as usize..offsets[run.end] as usize;
    let length = runs.ranges().map(|run| bytes(&run).len()).sum();
    let (mut gathered, mut ends) = (Vec::with_capacity(length), Vec::with_capacity(runs.count() + 1));
    ends.push(0);
    for run in runs.ranges() {
        let shift = i32::try_from(gathered.len()).unwrap_or(i32::MAX) - offsets[run.start];
        gathered.extend_from_slice(&data[bytes(&run)]);
        ends.extend(offsets[run.start + 1..=run.end].iter().map(|end| end + shift));
    }
    (gathered, ends)
}

#[derive(Debug)]
pub(super) struct ListColumn {
    pub(super) path: String,
    /// The list whose elements have the lists; `None` for the rows themselves.
    pub(super) parent: Option<usize>,
    /// Elements of all rows.
    pub(super) elements: usize,
    /// The elements of every row, where they are known beforehand.
    pub(super) constant: Option<&'static [&'static str]>,
    /// `ends[i]` is the number of elements up to and including row `i`.
    ends: Vec<u32>,
    valid: Vec<bool>,
}

impl ListColumn {
    pub(super) fn new(path: String, parent: Option<usize>) -> Self {
        Self { path, parent, elements: 0, constant: None, ends: Vec::new(), valid: Vec::new() }
    }

    fn end(&self) -> u32 {
        u32::try_from(self.elements).unwrap_or(u32::MAX)
    }

    /// Appends null lists until there are `rows`.
    pub(super) fn fill(&mut self, rows: usize) {
        let end = self.end();
        if self.ends.len() < rows {
            self.ends.resize(rows, end);
            self.valid.resize(rows, false);
        }
    }

    /// Makes the list of `row` a list.
    pub(super) fn open(&mut self, row: usize) {
        if self.ends.len() <= row {
            self.fill(row);
            self.ends.push(self.end());
            self.valid.push(true);
        }
    }

    #[inline]
    pub(super) fn element(&mut self, row: usize) {
        self.open(row);
        self.elements += 1;
        self.ends[row] = self.end();
    }

    /// Appends the lists of `other`, which has `added` rows, behind `rows` rows.
    pub(super) fn append(&mut self, other: &mut Self, rows: usize, added: usize) {
        if other.ends.is_empty() {
            return;
        }
        self.fill(rows);
        other.fill(added);
        let base = self.end();
        self.ends.extend(other.ends.iter().map(|end| base + end));
        self.valid.extend_from_slice(&other.valid);
        self.elements += other.elements;
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.valid.truncate(rows);
        self.elements = self.ends.last().map_or(0, |&end| end as usize);
    }

    /// Offsets and nulls of the lists of the given rows, and the runs of their elements.
    pub(super) fn gather(
        &self,
        rows: &(impl Runs + ?Sized),
    ) -> (OffsetBuffer<i32>, Option<NullBuffer>, Elements) {
        let count = rows.count();
        let (mut offsets, mut elements) =
            (Vec::with_capacity(count + 1), Elements { runs: Vec::new(), count: 0 });
        offsets.push(0);
        for row in rows.ranges().flatten() {
            let start = if row == 0 { 0 } else { self.ends[row - 1] };
            let run = start..self.ends[row];
            elements.count += run.len();
            offsets.push(i32::try_from(elements.count).unwrap_or(i32::MAX));
            if !run.is_empty() {
                elements.runs.push(run);
            }
        }
        let valid: BooleanBuffer = rows.ranges().flatten().map(|row| self.valid[row]).collect();
        let nulls = Some(NullBuffer::new(valid)).filter(|nulls| nulls.null_count() > 0);
        (OffsetBuffer::new(ScalarBuffer::from(offsets)), nulls, elements)
    }
}

/// `count` times the same text.
pub(super) fn text_of(value: &str, count: usize) -> Result<ArrayRef, ArrowError> {
    let offsets = OffsetBuffer::from_repeated_length(value.len(), count);
    Ok(Arc::new(StringArray::try_new(offsets, Buffer::from_vec(value.as_bytes().repeat(count)), None)?))
}

/// Offsets and values of `count` times the same list of texts.
pub(super) fn list_of(elements: &[&str], count: usize) -> Result<(OffsetBuffer<i32>, ArrayRef), ArrowError> {
    let values = StringArray::from_iter_values(elements.iter().cycle().take(elements.len() * count));
    Ok((OffsetBuffer::from_repeated_length(elements.len(), count), Arc::new(values)))
}

/// The nulls of a struct: null where every member is null.
pub(super) fn null_where_all_are(members: &[ArrayRef]) -> Option<NullBuffer> {
    let mut valid: Option<BooleanBuffer> = None;
    for member in members {
        let member = member.nulls()?.inner(); // a member without nulls: the struct has none either
        valid = Some(valid.map_or_else(|| member.clone(), |valid| &valid | member));
    }
    valid.map(NullBuffer::new).filter(|nulls| nulls.null_count() > 0)
}
