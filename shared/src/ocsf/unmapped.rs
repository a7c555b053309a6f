//! The map `unmapped`: every leaf of a raw record that no mapping took, under its raw path.
//!
//! AWS's rule, which reproduces all of its published rows: names are joined by `.`, a step into an array appends
//! `[]`, values of one path are joined by `,`, numbers and booleans stay as written, an empty string stays, and
//! null, `{}` and `[]` vanish. Names that hold `.` or `/` are not escaped.

use crate::json::{self, Cursor, Kind, Raw};
use crate::rows::{Leaf, List, Rows, RowsError};

/// Up to this many leaves, looking for an equal path by comparing is cheaper than sorting.
const FEW: usize = 48;

/// One leaf: ranges of the buffer.
#[derive(Debug, Clone, Copy)]
struct Entry {
    path: (usize, usize),
    value: (usize, usize),
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
    /// One bit for each hash of a path met in this row.
    hashes: [u64; 8],
    /// Two paths had the same bit, so they may be equal. Without it no two are.
    may_repeat: bool,
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
            hashes: [0; 8],
            may_repeat: false,
        })
    }

    /// Forgets what was collected.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.entries.clear();
        self.hashes = [0; 8];
        self.may_repeat = false;
    }

    /// Adds every leaf of `value`, which stands at `path` in the raw record.
    pub fn add(&mut self, path: &str, value: Raw<'_>) {
        let mut current = std::mem::take(&mut self.path);
        current.clear();
        current.push_str(path);
        self.flatten(&mut current, value);
        self.path = current;
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
        if self.may_repeat {
            self.write_joined(rows);
        } else {
            for entry in &self.entries {
                rows.element(self.map);
                rows.text(self.key, &self.buffer[entry.path.0..entry.path.1]);
                rows.text(self.value, &self.buffer[entry.value.0..entry.value.1]);
            }
        }
        self.clear();
    }

    /// Writes the map where a path may have several values.
    fn write_joined(&mut self, rows: &mut Rows) {
        if self.entries.len() > FEW {
            // Stable: values of one path keep the order in which the record has them.
            let buffer = &self.buffer;
            self.entries.sort_by(|a, b| buffer[a.path.0..a.path.1].cmp(&buffer[b.path.0..b.path.1]));
        }
        let few = self.entries.len() <= FEW;
        for index in 0..self.entries.len() {
            let entry = self.entries[index];
            let path = &self.buffer[entry.path.0..entry.path.1];
            let same = |other: &Entry| self.buffer[other.path.0..other.path.1] == *path;
            let seen =
                if few { &self.entries[..index] } else { &self.entries[index.saturating_sub(1)..index] };
            if seen.iter().any(same) {
                continue;
            }
            rows.element(self.map);
            rows.text(self.key, path);
            let value = &self.buffer[entry.value.0..entry.value.1];
            let later = &self.entries[index + 1..];
            let mut others =
                later.iter().take_while(|other| few || same(other)).filter(|other| same(other)).peekable();
            if others.peek().is_none() {
                rows.text(self.value, value);
                continue;
            }
            let mut joined = std::mem::take(&mut self.joined);
            joined.clear();
            joined.push_str(value);
            for other in others {
                joined.push(',');
                joined.push_str(&self.buffer[other.value.0..other.value.1]);
            }
            rows.text(self.value, &joined);
            self.joined = joined;
        }
    }

    /// Notes that a path was met: paths differ in length or at their end as a rule.
    fn note(&mut self, path: &str) {
        let end = path.as_bytes().last_chunk::<8>().map_or(0, |end| u64::from_le_bytes(*end));
        let hash = (end ^ path.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 55; // 9 bits
        let (word, bit) = ((hash / 64) as usize, 1 << (hash % 64));
        self.may_repeat |= self.hashes[word] & bit != 0;
        self.hashes[word] |= bit;
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
                let _ = self.flatten_container(path, &mut value.cursor());
            }
            Kind::Null | Kind::Bool | Kind::Number | Kind::String => self.leaf(path, value),
        }
    }

    /// One pass over all levels. Nesting is bounded by the cursor that read the value, so this recursion is.
    fn flatten_container(&mut self, path: &mut String, cursor: &mut Cursor<'_>) -> Result<(), json::Error> {
        let (length, mut first) = (path.len(), true);
        match cursor.peek() {
            Some(b'{') => {
                while let Some(name) = cursor.next_member(&mut first)? {
                    push_name(path, name);
                    self.flatten_container(path, cursor)?;
                    path.truncate(length);
                }
            }
            Some(b'[') => {
                path.push_str("[]");
                while cursor.next_element(&mut first)? {
                    self.flatten_container(path, cursor)?;
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
        self.note(path);
        let path = self.store(path);
        let start = self.buffer.len();
        if value.kind == Kind::String && !value.plain {
            json::unescape(value.text, &mut self.buffer);
        } else {
            self.buffer.push_str(value.text);
        }
        self.entries.push(Entry { path, value: (start, self.buffer.len()) });
    }
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
        let many: String = (0..200).map(|n| format!(r#"{{"k{}":{n}}},"#, n % 60)).collect();
        let flat = flatten(&format!(r#"{{"a":[{}]}}"#, many.trim_end_matches(',')));
        assert_eq!(flat.len(), 60);
        assert!(flat.contains(&("a[].k7".to_owned(), "7,67,127,187".to_owned())));
    }
}
