//! Writing a raw value to a leaf, or to `unmapped` where the leaf cannot hold it: what both mappings share.

use std::borrow::Cow;

use shared::json::{Cursor, Kind, Raw};
use shared::ocsf::{self, Unmapped};
use shared::rows::{Decimal, Leaf, List, Rows};

use crate::time;

/// The current row, and where its leftovers go.
#[derive(Debug)]
pub(crate) struct Put<'r> {
    pub(crate) rows: &'r mut Rows,
    pub(crate) unmapped: &'r mut Unmapped,
    pub(crate) scratch: &'r mut String,
}

impl Put<'_> {
    /// Leaves a value over. `path` is its place in the raw finding.
    pub(crate) fn leave(&mut self, path: &str, value: Option<Raw<'_>>) {
        if let Some(value) = value {
            self.unmapped.add(path, value);
        }
    }

    /// Leaves over what no accessor has.
    pub(crate) fn leave_rest(&mut self, path: &str, rest: &[(Raw<'_>, Raw<'_>)]) {
        for (name, value) in rest {
            self.unmapped.add_member(path, *name, *value);
        }
    }

    /// Writes a scalar to a text leaf. A text that OCSF does not allow for its length is cut, and left over whole.
    pub(crate) fn text(&mut self, leaf: Leaf<str>, path: &str, value: Option<Raw<'_>>) {
        let Some(value) = value else { return };
        if !value.is_scalar() {
            self.unmapped.add(path, value);
            return;
        }
        let text = value.as_text(self.scratch).unwrap_or_default();
        let bounded = ocsf::bounded(text);
        self.rows.text(leaf, bounded);
        if bounded.len() < text.len() {
            self.unmapped.add(path, value);
        }
    }

    /// Writes a text that stands elsewhere in the row too.
    pub(crate) fn derived(&mut self, leaf: Leaf<str>, text: &str) {
        self.rows.text(leaf, ocsf::bounded(text));
    }

    /// Writes a list of texts, or a text by itself.
    pub(crate) fn texts(&mut self, list: List, leaf: Leaf<str>, path: &str, value: Option<Raw<'_>>) {
        let Some(value) = value else { return };
        if value.kind != Kind::Array {
            if value.is_scalar() {
                self.rows.element(list);
            }
            self.text(leaf, path, Some(value));
            return;
        }
        let mut path_of_elements = Cow::Borrowed("");
        each(value, |element| {
            if element.is_scalar() && element.text.len() <= ocsf::MAX_STRING {
                self.rows.element(list);
                self.rows.text(leaf, element.as_text(self.scratch).unwrap_or_default());
                return;
            }
            if path_of_elements.is_empty() {
                path_of_elements = Cow::Owned([path, "[]"].concat());
            }
            if element.is_scalar() {
                self.rows.element(list);
            }
            self.text(leaf, &path_of_elements, Some(element));
        });
    }

    /// Writes the tags of a resource as `key=value`.
    pub(crate) fn labels(&mut self, list: List, leaf: Leaf<str>, tags: Option<Raw<'_>>) {
        const PATH: &str = "Resources[].Tags";
        let Some(tags) = tags else { return };
        if tags.kind != Kind::Object {
            return self.unmapped.add(PATH, tags);
        }
        let (mut cursor, mut first) = (tags.cursor(), true);
        while let Ok(Some(name)) = cursor.next_member(&mut first) {
            let Ok(value) = cursor.value() else { break };
            if !value.is_scalar() {
                self.unmapped.add_member(PATH, name, value);
                continue;
            }
            self.scratch.clear();
            self.scratch.push_str(&name.decoded());
            self.scratch.push('=');
            self.scratch.push_str(&value.decoded());
            let bounded = ocsf::bounded(self.scratch);
            self.rows.element(list);
            self.rows.text(leaf, bounded);
            if bounded.len() < self.scratch.len() {
                self.unmapped.add_member(PATH, name, value);
            }
        }
    }

    /// Writes a time.
    pub(crate) fn time(&mut self, leaf: Leaf<i64>, path: &str, value: Option<Raw<'_>>) {
        let Some(value) = value else { return };
        match time::of(value) {
            Some(millis) => self.rows.long(leaf, millis),
            None => self.unmapped.add(path, value),
        }
    }

    /// Writes a whole number that is one as it is or as text.
    pub(crate) fn int(&mut self, leaf: Leaf<i32>, path: &str, value: Option<Raw<'_>>) {
        let Some(value) = value else { return };
        match whole(value) {
            Some(number) => self.rows.int(leaf, number),
            None => self.unmapped.add(path, value),
        }
    }

    /// Writes a value as compact JSON, if there is anything to it.
    pub(crate) fn json(&mut self, leaf: Leaf<str>, value: Option<Raw<'_>>) {
        let Some(value) = value.filter(|value| !value.is_nothing()) else { return };
        if value.plain && value.kind != Kind::String {
            self.rows.text(leaf, value.text);
        } else {
            self.scratch.clear();
            value.write_compact(self.scratch);
            self.rows.text(leaf, self.scratch);
        }
    }

    /// Writes a number to a decimal leaf that it fits. What the leaf's one digit behind the point rounds away is left
    /// over.
    pub(crate) fn score(&mut self, leaf: Leaf<Decimal>, path: &str, value: Option<Raw<'_>>) {
        let Some(value) = value else { return };
        let Some(number) = number(value) else { return self.unmapped.add(path, value) };
        let is_written = self.rows.decimal(leaf, number);
        if !is_written || ((number * 10.0).round() - number * 10.0).abs() > 1e-9 {
            self.unmapped.add(path, value);
        }
    }
}

/// Calls `take` with each element of an array. The text was read as a value before, so it cannot fail here.
pub(crate) fn each<'a>(array: Raw<'a>, mut take: impl FnMut(Raw<'a>)) {
    let (mut cursor, mut first) = (array.cursor(), true);
    while let Ok(true) = cursor.next_element(&mut first) {
        let Ok(element) = cursor.value() else { break };
        take(element);
    }
}

/// Reads the next element of an array as an object with `read`, which leaves the cursor behind it. `None` at the end;
/// an element that is no object is the error. The text was read as a value before.
pub(crate) fn next_object<'a>(
    cursor: &mut Cursor<'a>,
    first: &mut bool,
    read: impl FnOnce(&mut Cursor<'a>) -> Result<(), shared::json::Error>,
) -> Option<Result<Raw<'a>, Raw<'a>>> {
    if !cursor.next_element(first).ok()? {
        return None;
    }
    if cursor.peek() != Some(b'{') {
        return cursor.value().ok().map(Err);
    }
    let start = cursor.offset();
    read(cursor).ok()?;
    let text = cursor.between(start, cursor.offset());
    Some(Ok(Raw { text, kind: Kind::Object, plain: false }))
}

/// A scalar's text.
pub(crate) fn scalar(value: Option<Raw<'_>>) -> Option<Cow<'_, str>> {
    value.and_then(|value| value.scalar())
}

/// A scalar's text, if there is any.
pub(crate) fn some_text(value: Option<Raw<'_>>) -> Option<Cow<'_, str>> {
    scalar(value).filter(|text| !text.is_empty())
}

/// True for a scalar that is not the empty string.
pub(crate) fn has_text(value: Option<Raw<'_>>) -> bool {
    value.is_some_and(|value| value.is_scalar() && !value.text.is_empty())
}

/// A number that fits an `int` and is whole, as a number or as text.
pub(crate) fn whole(value: Raw<'_>) -> Option<i32> {
    value.scalar()?.parse().ok()
}

/// A finite number, as a number or as text.
pub(crate) fn number(value: Raw<'_>) -> Option<f64> {
    value.scalar()?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The last part of a path; the path itself where it ends with a separator.
pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or(path)
}
