//! A raw record as AWS documents it, borrowed from the text it was read from, in one pass over all its levels:
//! [`record!`](crate::record!) makes the type of a JSON object.
//!
//! Members that a mapping treats one by one have an accessor; all others are kept in `rest`. Nothing is dropped
//! and no member has to have its documented type.

use crate::json::{Kind, Raw};

/// The type of a JSON object: scalars and free-form members by accessor, behind a semicolon the documented
/// objects as fields, which are types of the same kind.
///
/// ```
/// shared::record! {
///     /// A log record.
///     Record {
///         /// `eventName`
///         event_name = "eventName",
///         ;
///         /// `user`
///         user: User = "user",
///     }
/// }
/// shared::record! {
///     /// `user`
///     User {
///         /// `arn`
///         arn = "arn",
///     }
/// }
/// let mut record = Record::default();
/// let text = r#"{"eventName":"A","user":{"arn":"b","x":1},"later":2}"#;
/// record.read(&mut shared::json::Cursor::new(text))?;
/// assert_eq!(record.user.arn().map(|arn| arn.text), Some("b"));
/// assert_eq!((record.rest.len(), record.user.rest.len()), (1, 1));
/// # Ok::<(), shared::json::Error>(())
/// ```
#[macro_export]
macro_rules! record {
    (
        $(#[$outer:meta])* $name:ident {
            $($(#[$inner:meta])* $member:ident = $text:literal,)*
            $(; $($(#[$nested_meta:meta])* $nested:ident: $kind:ident = $nested_text:literal,)*)?
        }
    ) => {
        $(#[$outer])*
        #[derive(Debug)]
        pub struct $name<'a> {
            values: [Option<$crate::json::Raw<'a>>; $name::NAMES.len()],
            present: bool,
            $($($(#[$nested_meta])* pub $nested: $kind<'a>,)*)?
            /// Members without an accessor, and objects that are none: name and value.
            pub rest: Vec<($crate::json::Raw<'a>, $crate::json::Raw<'a>)>,
        }

        impl Default for $name<'_> {
            fn default() -> Self {
                Self {
                    values: [None; $name::NAMES.len()], // arrays beyond 32 have no default of their own
                    present: false,
                    $($($nested: Default::default(),)*)?
                    rest: Vec::new(),
                }
            }
        }

        impl $name<'_> {
            const NAMES: &'static [&'static str] = &[$($text),*];
            const QUOTED: &'static [&'static str] = &[$(concat!("\"", $text, "\":")),*];
            const PLACES: $crate::record::Places = $crate::record::places(Self::NAMES);
        }

        impl<'a> $name<'a> {
            $(
                $(#[$inner])*
                pub fn $member(&self) -> Option<$crate::json::Raw<'a>> {
                    const INDEX: usize = $crate::record::index_of($name::NAMES, $text);
                    self.values[INDEX]
                }
            )*

            /// True if the record has this object.
            pub fn is_present(&self) -> bool {
                self.present
            }

            /// Forgets what was read and keeps the memory.
            pub fn clear(&mut self) {
                self.values = [None; $name::NAMES.len()];
                self.present = false;
                self.rest.clear();
                $($(self.$nested.clear();)*)?
            }

            /// Reads the object at the cursor; [`Self::clear`] comes first. `null` members count as absent; of
            /// equal names the first counts and the others stay in `rest`.
            ///
            /// # Errors
            /// As [`Cursor::value`]($crate::json::Cursor::value).
            pub fn read(&mut self, cursor: &mut $crate::json::Cursor<'a>) -> Result<(), $crate::json::Error> {
                self.present = true;
                let (mut first, mut expected) = (true, 0);
                while cursor.has_member(&mut first)? {
                    // A service writes its members in one order, so most of the names need not be looked at.
                    if let (Some(quoted), Some(None)) = (Self::QUOTED.get(expected), self.values.get(expected))
                        && cursor.skip_name(quoted)
                    {
                        let value = cursor.value()?;
                        if value.kind != $crate::json::Kind::Null {
                            self.values[expected] = Some(value);
                        }
                        expected += 1;
                        continue;
                    }
                    let name = cursor.name()?;
                    if let Some(index) = $crate::record::position(Self::NAMES, &Self::PLACES, &name.decoded()) {
                        let value = cursor.value()?;
                        expected = index + 1;
                        match &mut self.values[index] {
                            _ if value.kind == $crate::json::Kind::Null => {}
                            place @ None => *place = Some(value),
                            Some(_) => self.rest.push((name, value)),
                        }
                        continue;
                    }
                    $($(
                        if name.is($nested_text) && !self.$nested.present && cursor.peek() == Some(b'{') {
                            self.$nested.read(cursor)?;
                            continue;
                        }
                    )*)?
                    let value = cursor.value()?;
                    if value.kind != $crate::json::Kind::Null {
                        self.rest.push((name, value));
                    }
                }
                Ok(())
            }
        }
    };
}

/// Where `name` stands in `names`, at compile time.
#[doc(hidden)]
pub const fn index_of(names: &[&str], name: &str) -> usize {
    let mut index = 0;
    while !equal(names[index].as_bytes(), name.as_bytes()) {
        index += 1;
    }
    index
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    let mut index = 0;
    while index < a.len() && index < b.len() && a[index] == b[index] {
        index += 1;
    }
    index == a.len() && index == b.len()
}

/// A hash table from names to their place, made at compile time: 0 is empty, else the place plus one.
#[doc(hidden)]
pub type Places = [u8; 64];

/// Length and outer letters tell the documented names apart as a rule.
const fn hash(name: &[u8]) -> usize {
    match name {
        [] => 0,
        [first, .., last] => name.len() * 5 + *first as usize * 3 + *last as usize,
        [only] => *only as usize,
    }
}

#[doc(hidden)]
pub const fn places(names: &[&str]) -> Places {
    let (mut places, mut index) = ([0; 64], 0);
    while index < names.len() {
        let mut slot = hash(names[index].as_bytes()) % 64;
        while places[slot] != 0 {
            slot = (slot + 1) % 64;
        }
        index += 1;
        places[slot] = index as u8;
    }
    places
}

#[doc(hidden)]
pub fn position(names: &[&str], places: &Places, name: &str) -> Option<usize> {
    let mut slot = hash(name.as_bytes()) % 64;
    loop {
        let index = usize::from(places[slot]).checked_sub(1)?;
        if names[index] == name {
            return Some(index);
        }
        slot = (slot + 1) % 64;
    }
}

/// The members of those names of an object, in one pass; `None` for absent and `null` ones and for what is no
/// object. Of equal names the last counts.
pub fn members<'a, const N: usize>(parent: Option<Raw<'a>>, names: [&str; N]) -> [Option<Raw<'a>>; N] {
    let mut found = [None; N];
    let Some(parent) = parent.filter(|parent| parent.kind == Kind::Object) else { return found };
    let (mut cursor, mut first) = (parent.cursor(), true);
    while let Ok(Some(name)) = cursor.next_member(&mut first) {
        let Ok(value) = cursor.value() else { break };
        if let Some(index) = names.iter().position(|wanted| name.is(wanted)) {
            found[index] = Some(value).filter(|value| value.kind != Kind::Null);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Cursor;

    #[test]
    fn members_in_one_pass() {
        let object = Cursor::new(r#"{"a":1,"b":null,"c":"x","a":2}"#).value().ok();
        let [a, b, missing] = members(object, ["a", "b", "d"]);
        assert_eq!((a.map(|value| value.text), b, missing), (Some("2"), None, None));
    }
}
