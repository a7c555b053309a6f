//! Flow logs that came as JSON: through CloudWatch Logs, through Firehose, or as objects with the fields' names.
//!
//! ```json
//! {"messageType":"DATA_MESSAGE","owner":"111122223333","logStream":"eni-…-all","logEvents":[{"message":"2 1111…"}]}
//! {"message":"2 111122223333 eni-…"}
//! {"version":5,"account_id":"111122223333","srcaddr":"192.0.2.7"}
//! ```
//!
//! The first two hold lines without a header; VPC user guide, "Publish flow logs to CloudWatch Logs" and "Publish
//! flow logs to Amazon Data Firehose".

use shared::json::{self, Cursor, Kind};

use crate::format::{Bounds, Format, Record, is_field};
use crate::value::NOTHING;

/// An object whose members are the fields of a record. Objects of one log have the same members as a rule, so their
/// format is compiled once.
#[derive(Debug)]
pub struct Object {
    names: String,
    values: String,
    bounds: Vec<Bounds>,
    format: Format,
    compiled: String,
    has_fields: bool,
    message: Option<String>,
}

impl Default for Object {
    fn default() -> Self {
        Self {
            names: String::new(),
            values: String::new(),
            bounds: Vec::new(),
            format: Format::new([]),
            compiled: String::new(),
            has_fields: false,
            message: None,
        }
    }
}

impl Object {
    /// Reads the object at the cursor. A null or empty value is the `-` of a line.
    ///
    /// # Errors
    /// As [`Cursor::value`].
    pub fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<(), json::Error> {
        self.names.clear();
        self.values.clear();
        self.bounds.clear();
        self.message = None;
        let mut first = true;
        while let Some(name) = cursor.next_member(&mut first)? {
            let value = cursor.value()?;
            if name.is("message") && value.kind == Kind::String {
                self.message = Some(value.decoded().into_owned());
            }
            if !self.bounds.is_empty() {
                self.names.push('\n');
            }
            // Line ends part the names, so a name that has one stays escaped.
            let decoded = name.decoded();
            self.names.push_str(if decoded.contains('\n') { name.text } else { &decoded });
            let from = self.values.len();
            match value.kind {
                Kind::Null => {}
                Kind::String => self.values.push_str(&value.decoded()),
                Kind::Bool | Kind::Number => self.values.push_str(value.text),
                Kind::Array | Kind::Object => value.write_compact(&mut self.values),
            }
            if self.values.len() == from {
                self.values.push_str(NOTHING);
            }
            self.bounds.push((from, self.values.len()));
        }
        if self.names != self.compiled {
            self.format = Format::new(self.names.split('\n'));
            self.has_fields = self.names.split('\n').any(is_field);
            self.compiled.clone_from(&self.names);
        }
        Ok(())
    }

    /// The record that was read; `None` if no member is a field of a flow log.
    pub fn record(&self) -> Option<Record<'_>> {
        let record = Record { line: &self.values, bounds: &self.bounds, format: &self.format };
        self.has_fields.then_some(record)
    }

    /// The line that the object holds instead.
    pub fn take_message(&mut self) -> Option<String> {
        self.message.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Field;

    #[test]
    fn an_object_is_a_record() {
        let mut object = Object::default();
        let text =
            r#"{"srcaddr":"192.0.2.7","bytes":840,"traffic_path":null,"new":"","more":[1, {"a":true}]}"#;
        for _ in 0..2 {
            object.read(&mut Cursor::new(text)).unwrap();
            let record = object.record().unwrap();
            assert_eq!((record.get(Field::SrcAddr), record.get(Field::Bytes)), ("192.0.2.7", "840"));
            assert_eq!((record.get(Field::TrafficPath), record.get(Field::FlowDirection)), ("-", ""));
            assert_eq!(record.rest().collect::<Vec<_>>(), [("new", "-"), ("more", r#"[1,{"a":true}]"#)]);
        }
        object.read(&mut Cursor::new(r#"{"bytes":1}"#)).unwrap();
        assert_eq!(object.record().unwrap().get(Field::Bytes), "1");
    }

    #[test]
    fn a_line_end_in_a_name_does_not_move_values_to_other_fields() {
        let mut object = Object::default();
        let text = r#"{"a\nb":"1","srcaddr":"192.0.2.7","dstaddr":"192.0.2.9"}"#;
        object.read(&mut Cursor::new(text)).unwrap();
        let record = object.record().unwrap();
        assert_eq!((record.get(Field::SrcAddr), record.get(Field::DstAddr)), ("192.0.2.7", "192.0.2.9"));
        assert_eq!(record.rest().collect::<Vec<_>>(), [(r"a\nb", "1")]);
    }

    #[test]
    fn an_object_may_hold_a_line_or_nothing_of_the_kind() {
        let mut object = Object::default();
        object.read(&mut Cursor::new(r#"{"message":"2 x\n"}"#)).unwrap();
        assert!(object.record().is_none());
        assert_eq!(object.take_message().as_deref(), Some("2 x\n"));
        for text in ["{}", r#"{"message":7}"#, r#"{"a":"b"}"#] {
            object.read(&mut Cursor::new(text)).unwrap();
            assert!(object.record().is_none() && object.take_message().is_none(), "{text}");
        }
    }
}
