//! How a table that exists stands to its definition. A definition only grows at the end, at every level: so a table of
//! an older version is a prefix of it, and one that is none was changed by somebody.

use super::{TableDefinition, Type};

/// How columns that were found stand to a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// They are the definition's.
    Same,
    /// They are a prefix of it, at every level. What is lacking, as dotted paths in the definition's order:
    /// `metadata.tags`, `resources[].uid`.
    Behind(Vec<String>),
    /// They are no prefix of it: where they part, for a person.
    Foreign(String),
}

/// Compares columns, each a name and a type in Hive notation, to a definition. Case does not matter, as it does not for
/// Glue and Hive.
pub fn standing<N: AsRef<str>, K: AsRef<str>>(
    definition: &TableDefinition,
    found: impl IntoIterator<Item = (N, K)>,
) -> Standing {
    let mut lacking = Vec::new();
    let mut found = found.into_iter();
    for (name, kind) in definition.columns {
        let Some((other_name, other_kind)) = found.next() else {
            lacking.push((*name).to_owned());
            continue;
        };
        let (other_name, other_kind) = (other_name.as_ref(), other_kind.as_ref());
        if !name.eq_ignore_ascii_case(other_name) {
            return Standing::Foreign(format!("column {other_name} stands where {name} belongs"));
        }
        // The usual case, and it spares reading the notation.
        if *kind == other_kind {
            continue;
        }
        let types = (Type::parse(kind), Type::parse(&other_kind.to_ascii_lowercase()));
        let (Ok(wanted), Ok(other)) = types else {
            return Standing::Foreign(format!("column {name} has the type {}", shortened(other_kind)));
        };
        if let Err(difference) = compare(name, &wanted, &other, &mut lacking) {
            return Standing::Foreign(difference);
        }
    }
    if let Some((name, _)) = found.next() {
        return Standing::Foreign(format!("column {} is none of the definition's", name.as_ref()));
    }
    if lacking.is_empty() { Standing::Same } else { Standing::Behind(lacking) }
}

/// Adds what `found` lacks of `wanted` to `lacking`. `Err` says where it is not a prefix.
fn compare(path: &str, wanted: &Type, found: &Type, lacking: &mut Vec<String>) -> Result<(), String> {
    match (wanted, found) {
        (Type::Array(wanted), Type::Array(found)) => compare(&format!("{path}[]"), wanted, found, lacking),
        (Type::Struct(wanted), Type::Struct(found)) => {
            let mut found = found.iter();
            for (name, wanted) in wanted {
                let path = format!("{path}.{name}");
                match found.next() {
                    None => lacking.push(path),
                    Some((other, _)) if !name.eq_ignore_ascii_case(other) => {
                        return Err(format!("member {other} stands where {path} belongs"));
                    }
                    Some((_, kind)) => compare(&path, wanted, kind, lacking)?,
                }
            }
            match found.next() {
                Some((name, _)) => Err(format!("member {path}.{name} is none of the definition's")),
                None => Ok(()),
            }
        }
        (wanted, found) if wanted == found => Ok(()),
        _ => Err(format!("{path} has another type than the definition's")),
    }
}

/// The beginning of a type that may be long.
fn shortened(kind: &str) -> String {
    let mut short: String = kind.chars().take(40).collect();
    if short.len() < kind.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: TableDefinition = TableDefinition {
        source: "T",
        version: "2.0",
        ocsf: "1.1.0",
        columns: &[("a", "struct<b:string,c:array<struct<d:int,e:int>>,f:string>"), ("g", "bigint")],
        unique: &[],
    };

    fn found(columns: &[(&str, &str)]) -> Standing {
        standing(&TABLE, columns.iter().copied())
    }

    #[test]
    fn a_prefix_at_every_level_is_behind() {
        let behind =
            |lacking: &[&str]| Standing::Behind(lacking.iter().map(|path| (*path).to_owned()).collect());
        assert_eq!(found(TABLE.columns), Standing::Same);
        assert_eq!(
            found(&[("A", "STRUCT<b:string,c:array<struct<d:int,e:int>>,f:string>"), ("G", "bigint")]),
            { Standing::Same }
        );
        assert_eq!(found(&TABLE.columns[..1]), behind(&["g"]));
        assert_eq!(found(&[]), behind(&["a", "g"]));
        let inner = [("a", "struct<b:string,c:array<struct<d:int>>>"), ("g", "bigint")];
        assert_eq!(found(&inner), behind(&["a.c[].e", "a.f"]));
    }

    #[test]
    fn what_is_no_prefix_is_somebody_s_own() {
        for (columns, says) in [
            (&[("g", "bigint")][..], "column g stands where a belongs"),
            (&[("a", "string")], "a has another type"),
            (&[("a", "struct<c:string>")], "member c stands where a.b belongs"),
            (&[("a", "struct<b:string,c:array<struct<d:bigint>>>")], "a.c[].d has another type"),
            (&[("a", "struct<b:string,c:array<struct<d:int,e:int,x:int>>>")], "member a.c[].x is none"),
            (&[("a", "varchar(3)")], "column a has the type varchar(3)"),
            (&[TABLE.columns[0], TABLE.columns[1], ("h", "int")], "column h is none"),
        ] {
            let Standing::Foreign(difference) = found(columns) else { panic!("{columns:?}") };
            assert!(difference.starts_with(says), "{difference}");
        }
    }
}
