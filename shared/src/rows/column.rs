//! One leaf's values, one list's lengths.

use super::dictionary::Dictionary;

/// The number that stands for null in a column of numbered texts.
pub(crate) const NULL: u32 = u32::MAX;

/// The values of one leaf; a null takes a place too.
#[derive(Debug)]
pub(crate) enum Values {
    /// Value `i` is text `numbers[i]` of the dictionary, or null.
    Numbered {
        numbers: Vec<u32>,
        dictionary: Dictionary,
    },
    /// Value `i` is `data[offsets[i]..offsets[i + 1]]`.
    Text {
        data: Vec<u8>,
        offsets: Vec<u32>,
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

/// The value of every row, where that is known beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Constant {
    Text(&'static str),
    Int(i32),
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) path: String,
    /// The list whose elements the values belong to; `None` for the rows themselves.
    pub(crate) list: Option<usize>,
    pub(crate) values: Values,
    /// Values, nulls included.
    pub(crate) len: usize,
    /// Values that are not null.
    pub(crate) present: usize,
    pub(crate) constant: Option<Constant>,
    /// Which values are not null. Empty as long as none is (most leaves are set in every row), and always for
    /// numbered texts, which have a number for it.
    valid: Vec<bool>,
}

impl Column {
    pub(super) fn new(path: String, list: Option<usize>, values: Values) -> Self {
        Self { path, list, values, len: 0, present: 0, constant: None, valid: Vec::new() }
    }

    /// True if the value is not null.
    #[inline]
    pub(crate) fn is_valid(&self, index: usize) -> bool {
        match &self.values {
            Values::Numbered { numbers, .. } => numbers[index] != NULL,
            _ => self.valid.is_empty() || self.valid[index],
        }
    }

    /// To be called once for each value that was appended.
    #[inline]
    pub(super) fn count_value(&mut self) {
        self.len += 1;
        self.present += 1;
        if !self.valid.is_empty() {
            self.valid.push(true);
        }
    }

    /// Appends a text, for a column of texts. Tells how many bytes of memory it took.
    #[inline]
    pub(super) fn push_text(&mut self, text: &str) -> usize {
        match &mut self.values {
            Values::Numbered { numbers, dictionary } => {
                let (number, is_new) = dictionary.number(text);
                numbers.push(number);
                self.len += 1;
                self.present += 1;
                if is_new { self.added_text(text) } else { 4 }
            }
            Values::Text { data, offsets } => {
                data.extend_from_slice(text.as_bytes());
                offsets.push(u32::try_from(data.len()).unwrap_or(u32::MAX));
                self.count_value();
                text.len() + 4
            }
            _ => 0,
        }
    }

    /// After a text that is new in the dictionary.
    #[cold]
    fn added_text(&mut self, text: &str) -> usize {
        if let Values::Numbered { numbers, dictionary } = &self.values
            && dictionary.is_in_vain(self.len)
        {
            let (mut data, mut offsets) = (Vec::new(), Vec::with_capacity(numbers.len() + 1));
            offsets.push(0);
            for &number in numbers {
                if number != NULL {
                    data.extend_from_slice(dictionary.get(number));
                }
                offsets.push(u32::try_from(data.len()).unwrap_or(u32::MAX));
            }
            if self.present < self.len {
                self.valid = numbers.iter().map(|&number| number != NULL).collect();
            }
            let bytes = data.len();
            self.values = Values::Text { data, offsets };
            return bytes;
        }
        text.len() + 24
    }

    /// Appends nulls until the column has `length` values.
    pub(super) fn fill(&mut self, length: usize) {
        if self.len >= length {
            return;
        }
        if !matches!(self.values, Values::Numbered { .. }) {
            self.valid.resize(self.len, true);
            self.valid.resize(length, false);
        }
        match &mut self.values {
            Values::Numbered { numbers, .. } => numbers.resize(length, NULL),
            Values::Text { data, offsets } => {
                offsets.resize(length + 1, u32::try_from(data.len()).unwrap_or(u32::MAX));
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
        self.present -= (length..self.len).filter(|&index| self.is_valid(index)).count();
        self.len = length;
        self.valid.truncate(length);
        match &mut self.values {
            Values::Numbered { numbers, dictionary } => {
                numbers.truncate(length);
                if length == 0 {
                    dictionary.clear();
                }
            }
            Values::Text { data, offsets } => {
                offsets.truncate(length + 1);
                data.truncate(offsets.last().map_or(0, |&end| end as usize));
            }
            Values::Int(values) => values.truncate(length),
            Values::Long(values) => values.truncate(length),
            Values::Bool(values) => values.truncate(length),
            Values::Float(values) => values.truncate(length),
            Values::Decimal { unscaled, .. } => unscaled.truncate(length),
        }
    }
}

#[derive(Debug)]
pub(crate) struct ListColumn {
    pub(crate) path: String,
    /// The list whose elements have the lists; `None` for the rows themselves.
    pub(crate) parent: Option<usize>,
    /// Elements of all rows.
    pub(crate) elements: usize,
    /// The elements of every row, where they are known beforehand.
    pub(crate) constant: Option<&'static [&'static str]>,
    /// `ends[i]` is the number of elements up to and including row `i`.
    ends: Vec<u32>,
    valid: Vec<bool>,
}

impl ListColumn {
    pub(super) fn new(path: String, parent: Option<usize>) -> Self {
        Self { path, parent, elements: 0, constant: None, ends: Vec::new(), valid: Vec::new() }
    }

    /// The numbers of the elements of a list; `None` if it is null.
    #[inline]
    pub(crate) fn elements_of(&self, index: usize) -> Option<std::ops::Range<u32>> {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.valid[index].then(|| start..self.ends[index])
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

    pub(super) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.valid.truncate(rows);
        self.elements = self.ends.last().map_or(0, |&end| end as usize);
    }
}
