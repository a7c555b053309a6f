//! The one definition of a table: its columns, and from them the Arrow schema, the Parquet file and the Glue
//! columns.
//!
//! A definition is written in the notation of Hive and Glue (`struct<a:string,b:array<int>>`), because that is
//! how Security Lake's own tables are published and how a reader compares them. The definitions themselves are
//! in [`definitions`].

pub mod definitions;
mod growth;
mod set;

pub use set::TableSet;

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};

pub use self::growth::{Standing, standing};

/// A column: its name and its type in Hive notation.
pub type ColumnDefinition = (&'static str, &'static str);

/// The definition of one source version's table.
#[derive(Debug, PartialEq, Eq)]
pub struct TableDefinition {
    /// The source, as Security Lake names it: `CLOUD_TRAIL_MGMT`.
    pub source: &'static str,
    /// The source version: `2.0`.
    pub version: &'static str,
    /// The version of OCSF that the rows follow: `1.1.0`.
    pub ocsf: &'static str,
    /// Every column of the file, in the order of AWS's table; columns that AWS lacks stand at the end, as do
    /// members that AWS lacks in their struct. A definition only ever grows at the end, at every level.
    pub columns: &'static [ColumnDefinition],
    /// Leaves whose values hardly ever repeat (ids, free text): the writer spares them a dictionary.
    pub unique: &'static [&'static str],
}

/// Names of the partition keys, in the order of the path; all of type `string`.
pub const PARTITION_KEYS: [&str; 3] = ["region", "accountid", "eventday"];

/// A type of Hive's, as far as the lake's tables use them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `string`
    Text,
    /// `int`
    Int,
    /// `bigint`
    Long,
    /// `boolean`
    Boolean,
    /// `float`
    Float,
    /// `decimal(precision,scale)` of at most 18 digits.
    Decimal(u8, i8),
    /// `timestamp`: milliseconds since the epoch, UTC.
    Timestamp,
    /// `array<…>`
    Array(Box<Type>),
    /// `struct<name:…,…>`
    Struct(Vec<(String, Type)>),
    /// `map<string,string>`
    Map,
}

/// A definition that cannot be read. Only a mistake in the code can cause one; a test reads every definition.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a type in Hive notation: `{0}`")]
pub struct TypeError(String);

impl Type {
    /// Reads Hive notation.
    ///
    /// # Errors
    /// If the text is not one of the types above.
    pub fn parse(text: &str) -> Result<Self, TypeError> {
        let error = || TypeError(text.to_owned());
        let inside = |name: &str| {
            text.strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('<'))
                .and_then(|rest| rest.strip_suffix('>'))
        };
        Ok(match text {
            "string" => Self::Text,
            "int" => Self::Int,
            "bigint" => Self::Long,
            "boolean" => Self::Boolean,
            "float" => Self::Float,
            "timestamp" => Self::Timestamp,
            "map<string,string>" => Self::Map,
            _ if text.starts_with("decimal") => {
                let digits = text
                    .strip_prefix("decimal(")
                    .and_then(|rest| rest.strip_suffix(')'))
                    .and_then(|rest| rest.split_once(','))
                    .ok_or_else(error)?;
                let precision = digits.0.parse().map_err(|_| error())?;
                let scale = digits.1.parse().map_err(|_| error())?;
                if !(1..=18).contains(&precision) || !(0..=18).contains(&scale) {
                    return Err(error());
                }
                Self::Decimal(precision, scale)
            }
            _ => {
                if let Some(element) = inside("array") {
                    Self::Array(Box::new(Self::parse(element)?))
                } else {
                    let members = split_members(inside("struct").ok_or_else(error)?);
                    let read = |member: &str| {
                        let (name, kind) = member.split_once(':').ok_or_else(error)?;
                        Ok((name.to_owned(), Self::parse(kind)?))
                    };
                    Self::Struct(members.into_iter().map(read).collect::<Result<_, _>>()?)
                }
            }
        })
    }

    /// The Arrow type. List children are named `element` and map entries `key_value`, as Athena's reader wants.
    pub fn arrow(&self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Int => DataType::Int32,
            Self::Long => DataType::Int64,
            Self::Boolean => DataType::Boolean,
            Self::Float => DataType::Float32,
            Self::Decimal(precision, scale) => DataType::Decimal128(*precision, *scale),
            Self::Timestamp => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
            Self::Array(element) => DataType::List(list_field(element.arrow())),
            Self::Struct(members) => DataType::Struct(
                members.iter().map(|(name, member)| Field::new(name, member.arrow(), true)).collect(),
            ),
            Self::Map => DataType::Map(map_field(), false),
        }
    }
}

/// The child field of a list.
pub fn list_field(element: DataType) -> Arc<Field> {
    Arc::new(Field::new("element", element, true))
}

/// The child field of a `map<string,string>`.
pub fn map_field() -> Arc<Field> {
    Arc::new(Field::new("key_value", DataType::Struct(map_entries()), false))
}

/// Key and value of a `map<string,string>`.
pub fn map_entries() -> Fields {
    Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)])
}

/// Splits `a:x,b:struct<c:y,d:z>` at its outer commas.
fn split_members(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut members) = (0, 0, Vec::new());
    for (index, character) in text.char_indices() {
        match character {
            '<' | '(' => depth += 1,
            '>' | ')' => depth -= 1,
            ',' if depth == 0 => {
                members.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    members.push(&text[start..]);
    members
}

impl TableDefinition {
    /// Column names and types.
    ///
    /// # Errors
    /// If the definition is mistaken.
    pub fn types(&self) -> Result<Vec<(&'static str, Type)>, TypeError> {
        self.columns.iter().map(|(name, text)| Ok((*name, Type::parse(text)?))).collect()
    }

    /// The leaves of the table's Parquet files, in their order, as dotted paths: `observables.list.element.name`.
    ///
    /// # Errors
    /// If the definition is mistaken.
    pub fn parquet_leaves(&self) -> Result<Vec<String>, TypeError> {
        fn add(path: &str, kind: &Type, leaves: &mut Vec<String>) {
            match kind {
                Type::Array(element) => add(&format!("{path}.list.element"), element, leaves),
                Type::Struct(members) => {
                    members.iter().for_each(|(name, member)| add(&format!("{path}.{name}"), member, leaves));
                }
                Type::Map => {
                    leaves.extend(["key", "value"].map(|part| format!("{path}.key_value.{part}")));
                }
                _ => leaves.push(path.to_owned()),
            }
        }
        let mut leaves = Vec::new();
        self.types()?.iter().for_each(|(name, kind)| add(name, kind, &mut leaves));
        Ok(leaves)
    }

    /// The schema of the table's Parquet files. Every field is nullable, as in AWS's files.
    ///
    /// # Errors
    /// If the definition is mistaken.
    pub fn arrow_schema(&self) -> Result<Schema, TypeError> {
        let fields: Vec<Field> =
            self.types()?.into_iter().map(|(name, kind)| Field::new(name, kind.arrow(), true)).collect();
        Ok(Schema::new(fields))
    }

    /// `SOURCE@version`, as configuration names the table.
    pub fn id(&self) -> String {
        format!("{}@{}", self.source, self.version)
    }

    /// True for the tables that are written where the configuration names none: those of source version 2.0.
    pub fn is_default(&self) -> bool {
        self.version == "2.0"
    }
}

#[cfg(test)]
mod tests {
    use super::{definitions::ALL, *};

    #[test]
    fn every_definition_reads() {
        for definition in ALL {
            let schema = definition.arrow_schema().unwrap();
            assert_eq!(schema.fields().len(), definition.columns.len());
        }
    }

    #[test]
    fn notation() {
        let text = "struct<a:array<struct<b:string,c:int>>,d:map<string,string>>";
        let Type::Struct(members) = Type::parse(text).unwrap() else { panic!("not a struct") };
        assert_eq!(members[0].0, "a");
        assert_eq!(members[1].1, Type::Map);
        let text = "struct<a:decimal(3,1),b:float>";
        let Type::Struct(members) = Type::parse(text).unwrap() else { panic!("not a struct") };
        assert_eq!((&members[0].1, &members[1].1), (&Type::Decimal(3, 1), &Type::Float));
        let wrong = [
            "",
            "text",
            "array<>",
            "struct<a>",
            "array<string",
            "struct<a:b>",
            "decimal(3)",
            "decimal(40,1)",
        ];
        for wrong in wrong {
            assert!(Type::parse(wrong).is_err(), "{wrong}");
        }
    }
}
