//! The map `unmapped`: every leaf of a raw record that no mapping took, under its raw path.
//!
//! AWS's rule, which reproduces all of its published rows: names are joined by `.`, a step into an array appends
//! `[]`, values of one path are joined by `,`, numbers and booleans stay as written, an empty string stays, and
//! null, `{}` and `[]` vanish. Names that hold `.` or `/` are not escaped.

use crate::json::{self, Cursor, Kind, Raw};
use crate::rows::{Leaf, List, Rows, RowsError};

/// One leaf: ranges of the buffer.
#[derive(Debug, Clone, Copy)]
struct Entry {
    path: (usize, usize),
    value: (usize, usize),
    /// The next leaf of the same path, and for the first of them the last; itself where there is none.
    next: usize,
    last: usize,
    /// The path was met before.
    is_repeat: bool,
}

/// What is not to be flattened.
#[derive(Debug, Default)]
struct Wanted<'w, 'a> {
    path: Option<&'w str>,
    found: Option<Raw<'a>>,
}

impl Wanted<'_, '_> {
    #[inline]
    fn is_at(&self, path: &str) -> bool {
        self.path.is_some_and(|wanted| wanted.len() == path.len() && wanted == path) && self.found.is_none()
    }
}

/// Collects the leaves of one row.
#[derive(Debug)]
pub struct Unmapped {
    map: List,
    key: Leaf<str>,
    value: Leaf<str>,
    /// Paths and values, one behind the other.
    buffer: String,
    entries: Vec<Entry>,
    path: String,
    joined: String,
    /// A hash table of the paths met in this row: the row, and the first entry of the path. What is of another row
    /// is empty, so nothing has to be cleared.
    slots: Vec<(u64, usize)>,
    row: u64,
    /// Different paths met in this row.
    paths: usize,
}

impl Unmapped {
    /// A collector for the column `unmapped`.
    ///
    /// # Errors
    /// If the table has no such map.
    pub fn new(rows: &Rows) -> Result<Self, RowsError> {
        Ok(Self {
            map: rows.list("unmapped")?,
            key: rows.leaf("unmapped.key")?,
            value: rows.leaf("unmapped.value")?,
            buffer: String::new(),
            entries: Vec::new(),
            path: String::new(),
            joined: String::new(),
            slots: vec![(0, 0); 256],
            row: 1,
            paths: 0,
        })
    }

    /// Forgets what was collected.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.entries.clear();
        self.row += 1;
        self.paths = 0;
    }

    /// Adds every leaf of `value`, which stands at `path` in the raw record.
    pub fn add(&mut self, path: &str, value: Raw<'_>) {
        if value.is_scalar() {
            self.leaf(path, value);
            return;
        }
        let mut current = std::mem::take(&mut self.path);
        current.clear();
        current.push_str(path);
        self.flatten(&mut current, value);
        self.path = current;
    }

    /// Adds every leaf of `value`, which stands at `path`, but for those of what stands at `without`: that is
    /// handed back, the first of it if a name occurs twice. Only objects are on the way to it, no arrays.
    pub fn add_without<'a>(&mut self, path: &str, value: Raw<'a>, without: &str) -> Option<Raw<'a>> {
        if !matches!(value.kind, Kind::Array | Kind::Object) {
            self.add(path, value);
            return None;
        }
        let mut current = std::mem::take(&mut self.path);
        current.clear();
        current.push_str(path);
        let mut wanted = Wanted { path: Some(without), found: None };
        let _ = self.flatten_container(&mut current, &mut value.cursor(), &mut wanted);
        self.path = current;
        wanted.found
    }

    /// Adds every leaf of the member `name` of what stands at `parent`. `name` is as in the JSON text.
    pub fn add_member(&mut self, parent: &str, name: Raw<'_>, value: Raw<'_>) {
        let mut current = std::mem::take(&mut self.path);
        current.clear();
        current.push_str(parent);
        push_name(&mut current, name);
        self.flatten(&mut current, value);
        self.path = current;
    }

    /// Writes the map to the current row and forgets what was collected. Nothing collected is no map.
    pub fn write(&mut self, rows: &mut Rows) {
        for index in 0..self.entries.len() {
            let entry = self.entries[index];
            if entry.is_repeat {
                continue;
            }
            rows.element(self.map);
            rows.text(self.key, &self.buffer[entry.path.0..entry.path.1]);
            if entry.next == index {
                rows.text(self.value, &self.buffer[entry.value.0..entry.value.1]);
            } else {
                self.join(index);
                rows.text(self.value, &self.joined);
            }
        }
        self.clear();
    }

    /// The values of all leaves of a path, in the order in which the record has them.
    fn join(&mut self, first: usize) {
        self.joined.clear();
        let mut index = first;
        loop {
            let entry = self.entries[index];
            self.joined.push_str(&self.buffer[entry.value.0..entry.value.1]);
            if entry.next == index {
                return;
            }
            self.joined.push(',');
            index = entry.next;
        }
    }

    /// The first entry of a path, or the slot for it.
    fn find(&self, path: &str) -> Result<usize, usize> {
        let mask = self.slots.len() - 1; // a power of two
        let mut slot = hash(path.as_bytes()) & mask;
        loop {
            let (row, index) = self.slots[slot];
            if row != self.row {
                return Err(slot);
            }
            let known = self.entries[index].path;
            if self.buffer[known.0..known.1] == *path {
                return Ok(index);
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Makes the hash table larger.
    fn grow(&mut self) {
        self.slots = vec![(0, 0); self.slots.len() * 4];
        for index in 0..self.entries.len() {
            let entry = self.entries[index];
            if !entry.is_repeat
                && let Err(slot) = self.find(&self.buffer[entry.path.0..entry.path.1])
            {
                self.slots[slot] = (self.row, index);
            }
        }
    }

    fn store(&mut self, text: &str) -> (usize, usize) {
        let start = self.buffer.len();
        self.buffer.push_str(text);
        (start, self.buffer.len())
    }

    fn flatten(&mut self, path: &mut String, value: Raw<'_>) {
        match value.kind {
            Kind::Array | Kind::Object => {
                // The text was read as a value before, so it cannot fail now.
                let _ = self.flatten_container(path, &mut value.cursor(), &mut Wanted::default());
            }
            Kind::Null | Kind::Bool | Kind::Number | Kind::String => self.leaf(path, value),
        }
    }

    /// One pass over all levels. Nesting is bounded by the cursor that read the value, so this recursion is.
    fn flatten_container<'a>(
        &mut self,
        path: &mut String,
        cursor: &mut Cursor<'a>,
        wanted: &mut Wanted<'_, 'a>,
    ) -> Result<(), json::Error> {
        let (length, mut first) = (path.len(), true);
        match cursor.peek() {
            Some(b'{') => {
                while let Some(name) = cursor.next_member(&mut first)? {
                    push_name(path, name);
                    if wanted.is_at(path) {
                        wanted.found = Some(cursor.value()?);
                    } else {
                        self.flatten_container(path, cursor, wanted)?;
                    }
                    path.truncate(length);
                }
            }
            Some(b'[') => {
                path.push_str("[]");
                while cursor.next_element(&mut first)? {
                    self.flatten_container(path, cursor, wanted)?;
                }
                path.truncate(length);
            }
            _ => {
                let value = cursor.value()?;
                self.leaf(path, value);
            }
        }
        Ok(())
    }

    fn leaf(&mut self, path: &str, value: Raw<'_>) {
        if value.kind == Kind::Null {
            return;
        }
        let index = self.entries.len();
        let (path, is_repeat) = match self.find(path) {
            Ok(first) => {
                let last = std::mem::replace(&mut self.entries[first].last, index);
                self.entries[last].next = index;
                (self.entries[first].path, true)
            }
            Err(slot) => {
                self.slots[slot] = (self.row, index);
                self.paths += 1;
                (self.store(path), false)
            }
        };
        let start = self.buffer.len();
        if value.kind == Kind::String && !value.plain {
            json::unescape(value.text, &mut self.buffer);
        } else {
            self.buffer.push_str(value.text);
        }
        let value = (start, self.buffer.len());
        self.entries.push(Entry { path, value, next: index, last: index, is_repeat });
        if self.paths * 2 > self.slots.len() {
            self.grow();
        }
    }
}

/// Paths of one record begin alike and differ in length, at their end or before it.
#[inline]
fn hash(path: &[u8]) -> usize {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let word = |end: usize| {
        let bytes = path.get(end.saturating_sub(8)..end).and_then(|bytes| bytes.first_chunk::<8>());
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    };
    let length = path.len();
    let mut hash = length as u64;
    if length < 8 {
        hash = path.iter().fold(hash, |hash, byte| hash << 8 ^ u64::from(*byte));
    }
    for end in [length, length.saturating_sub(8), length / 2] {
        hash = (hash.rotate_left(23) ^ word(end)).wrapping_mul(FACTOR);
    }
    (hash >> 32) as usize
}

/// Appends a member's name, unescaped, behind a dot unless it is the first.
fn push_name(path: &mut String, name: Raw<'_>) {
    if !path.is_empty() {
        path.push('.');
    }
    if name.plain {
        path.push_str(name.text);
    } else {
        json::unescape(name.text, path);
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Array as _;
    use arrow_array::cast::AsArray as _;

    use super::*;
    use crate::table::TableDefinition;

    const TABLE: TableDefinition = TableDefinition {
        source: "TEST",
        version: "2.0",
        ocsf: "1.1.0",
        columns: &[("unmapped", "map<string,string>")],
        unique: &[],
    };

    fn flatten(text: &str) -> Vec<(String, String)> {
        let mut rows = Rows::new(&TABLE).unwrap();
        let mut unmapped = Unmapped::new(&rows).unwrap();
        unmapped.add("", Cursor::new(text).value().unwrap());
        unmapped.write(&mut rows);
        rows.end_row();
        rows.finish();
        let column = rows.column(0, &[0]).unwrap();
        let map = column.as_map();
        if map.is_null(0) {
            return Vec::new();
        }
        let entries = map.value(0);
        let (keys, values) = (entries.column(0).as_string::<i32>(), entries.column(1).as_string::<i32>());
        keys.iter()
            .zip(values)
            .map(|(key, value)| (key.unwrap().to_owned(), value.unwrap().to_owned()))
            .collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_rule() {
        let text = r#"{"a":{"b":1.50,"c":null,"d":{},"e":[]},"f":[{"g":"x"},{"g":"y","h":true}],"i":["p","q"],"j":"","k.l":"\u00e9\n"}"#;
        let expected =
            [("a.b", "1.50"), ("f[].g", "x,y"), ("f[].h", "true"), ("i[]", "p,q"), ("j", ""), ("k.l", "é\n")];
        assert_eq!(flatten(text), pairs(&expected));
        assert_eq!(flatten(r#"{"a":[[1,2],[3]]}"#), pairs(&[("a[][]", "1,2,3")]));
        assert!(flatten(r#"{"a":null,"b":{}}"#).is_empty());
    }

    #[test]
    fn a_path_occurs_once_however_it_came() {
        assert_eq!(flatten(r#"{"a.b":1,"a":{"b":2},"a":3}"#), pairs(&[("a.b", "1,2"), ("a", "3")]));
        assert_eq!(flatten(r#"{"":{"":1,"x":2}}"#), pairs(&[("", "1"), ("x", "2")]));
        let many: String = (0..200).map(|n| format!(r#"{{"k{}":{n}}},"#, n % 60)).collect();
        let flat = flatten(&format!(r#"{{"a":[{}]}}"#, many.trim_end_matches(',')));
        assert_eq!(flat.len(), 60);
        assert!(flat.contains(&("a[].k7".to_owned(), "7,67,127,187".to_owned())));
        let distinct: String = (0..2000).map(|n| format!(r#""k{n}":{n},"k{n}":"b","#)).collect();
        let flat = flatten(&format!(r#"{{{}}}"#, distinct.trim_end_matches(',')));
        assert_eq!(flat.len(), 2000);
        assert_eq!(flat[1234], ("k1234".to_owned(), "1234,b".to_owned()));
    }

    #[test]
    fn a_part_can_be_left_out() {
        let mut rows = Rows::new(&TABLE).unwrap();
        let mut unmapped = Unmapped::new(&rows).unwrap();
        let text = r#"{"a":{"b":[1],"c":2,"b":3},"b":4,"":{"":5}}"#;
        let found = unmapped.add_without("o", Cursor::new(text).value().unwrap(), "o.a.b");
        assert_eq!(found.map(|found| found.text), Some("[1]"));
        let paths: Vec<_> =
            unmapped.entries.iter().map(|entry| &unmapped.buffer[entry.path.0..entry.path.1]).collect();
        assert_eq!(paths, ["o.a.c", "o.a.b", "o.b", "o.."]);
        assert_eq!(unmapped.add_without("o", Cursor::new("7").value().unwrap(), "o"), None);
        unmapped.write(&mut rows);
        assert!(unmapped.entries.is_empty());
    }
}
