//! Log events that came through CloudWatch Logs: the envelope of a subscription, as Firehose writes it to S3, and
//! events that were exported one by one.
//!
//! ```json
//! {"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"…","logStream":"…","subscriptionFilters":["…"],
//!  "logEvents":[{"id":"…","timestamp":1773479100000,"message":"…"}]}
//! {"logStreamName":"…","timestamp":1773479100000,"message":"…","ingestionTime":1773479101000,"eventId":"…"}
//! ```
//!
//! CloudWatch Logs user guide, "Log group-level subscription filters"; API reference, `FilteredLogEvent`.

use std::borrow::Cow;

use crate::json::{self, Cursor, Kind, Raw};

/// What CloudWatch Logs has wrapped.
#[derive(Debug)]
pub struct LogEvents<'a> {
    /// True for a `CONTROL_MESSAGE`, by which CloudWatch Logs checks that the destination can be reached.
    pub is_control: bool,
    /// The account whose log group it is: twelve digits.
    pub owner: Option<Cow<'a, str>>,
    /// `/aws/eks/<cluster>/cluster`
    pub log_group: Option<Cow<'a, str>>,
    /// `kube-apiserver-audit-<32 hex>`, `eni-<17 hex>-all`
    pub log_stream: Option<Cow<'a, str>>,
    events: std::vec::IntoIter<LogEvent<'a>>,
    single: Option<LogEvent<'a>>,
}

/// One log event.
#[derive(Debug, Clone, Copy)]
pub struct LogEvent<'a> {
    /// Milliseconds since the epoch; `None` if it is missing or no whole number.
    pub timestamp: Option<i64>,
    /// What was logged, a JSON string as a rule; `None` if there is none.
    pub message: Option<Raw<'a>>,
    /// The event itself.
    pub raw: Raw<'a>,
}

impl<'a> LogEvents<'a> {
    /// Reads a JSON value. `None` if it is nothing that CloudWatch Logs writes.
    pub fn read(value: Raw<'a>) -> Option<Self> {
        // The text was read as a value before, so it cannot fail now.
        if value.kind == Kind::Object { Self::read_next(&mut value.cursor()).ok().flatten() } else { None }
    }

    /// Reads the object at the cursor to its end, all log events in the same pass. `None` if it is nothing that
    /// CloudWatch Logs writes.
    ///
    /// # Errors
    /// As [`Cursor::value`].
    pub fn read_next(cursor: &mut Cursor<'a>) -> Result<Option<Self>, json::Error> {
        cursor.peek();
        let start = cursor.offset();
        let (mut kind, mut owner, mut group, mut stream, mut stream_name) = (None, None, None, None, None);
        let (mut timestamp, mut message, mut events) = (None, None, None);
        let mut first = true;
        while let Some(name) = cursor.next_member(&mut first)? {
            let place = match name.decoded().as_ref() {
                "logEvents" if cursor.peek() == Some(b'[') => {
                    events = Some(LogEvent::list(cursor)?);
                    continue;
                }
                "messageType" => &mut kind,
                "owner" => &mut owner,
                "logGroup" => &mut group,
                "logStream" => &mut stream,
                "logStreamName" => &mut stream_name,
                "timestamp" => &mut timestamp,
                "message" => &mut message,
                _ => {
                    cursor.value()?;
                    continue;
                }
            };
            *place = Some(cursor.value()?).filter(|value| value.kind != Kind::Null);
        }
        let is_envelope = events.is_some() && kind.is_some();
        let is_single = !is_envelope && stream_name.is_some() && message.is_some();
        if !is_envelope && !is_single {
            return Ok(None);
        }
        let text = |value: Option<Raw<'a>>| {
            value.filter(|value| value.kind == Kind::String).map(|value| value.decoded())
        };
        let raw = Raw { text: cursor.between(start, cursor.offset()), kind: Kind::Object, plain: false };
        Ok(Some(Self {
            is_control: kind.is_some_and(|kind| kind.is("CONTROL_MESSAGE")),
            owner: text(owner),
            log_group: text(group),
            log_stream: text(stream.or(stream_name)),
            events: events.filter(|_| is_envelope).unwrap_or_default().into_iter(),
            single: is_single.then(|| LogEvent::new(timestamp, message, raw)),
        }))
    }
}

impl<'a> Iterator for LogEvents<'a> {
    type Item = LogEvent<'a>;

    fn next(&mut self) -> Option<LogEvent<'a>> {
        self.events.next().or_else(|| self.single.take())
    }
}

impl<'a> LogEvent<'a> {
    fn new(timestamp: Option<Raw<'a>>, message: Option<Raw<'a>>, raw: Raw<'a>) -> Self {
        Self { timestamp: timestamp.and_then(|timestamp| timestamp.text.parse().ok()), message, raw }
    }

    /// Reads the array of log events at the cursor.
    fn list(cursor: &mut Cursor<'a>) -> Result<Vec<Self>, json::Error> {
        let (mut events, mut first) = (Vec::new(), true);
        while cursor.next_element(&mut first)? {
            if cursor.peek() != Some(b'{') {
                let raw = cursor.value()?;
                events.push(Self::new(None, None, raw));
                continue;
            }
            let start = cursor.offset();
            let (mut timestamp, mut message, mut first) = (None, None, true);
            while let Some(name) = cursor.next_member(&mut first)? {
                let value = cursor.value()?;
                match name.decoded().as_ref() {
                    "timestamp" => timestamp = Some(value),
                    "message" => message = Some(value).filter(|value| value.kind != Kind::Null),
                    _ => {}
                }
            }
            let text = cursor.between(start, cursor.offset());
            events.push(Self::new(timestamp, message, Raw { text, kind: Kind::Object, plain: false }));
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<LogEvents<'_>> {
        LogEvents::read(Cursor::new(text).value().unwrap())
    }

    #[test]
    fn an_envelope_of_a_subscription() {
        let text = r#"{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"g","logStream":"s",
            "logEvents":[{"id":"0","timestamp":1773479100000,"message":"a \"b\""},{"timestamp":"x"},7]}"#;
        let events = read(text).unwrap();
        assert_eq!(
            (events.owner.as_deref(), events.log_stream.as_deref()),
            (Some("111122223333"), Some("s"))
        );
        assert!(!events.is_control);
        let events: Vec<LogEvent<'_>> = events.collect();
        assert_eq!(events.len(), 3);
        assert_eq!(events[0].timestamp, Some(1_773_479_100_000));
        assert_eq!(events[0].message.unwrap().decoded(), "a \"b\"");
        assert!(events[1].timestamp.is_none() && events[1].message.is_none() && events[2].message.is_none());
    }

    #[test]
    fn events_by_themselves_and_other_things() {
        let event = r#"{"logStreamName":"eni-1-all","timestamp":1,"message":"2 x","eventId":"3"}"#;
        let events = read(event).unwrap();
        assert_eq!((events.log_stream.as_deref(), events.log_group.as_deref()), (Some("eni-1-all"), None));
        assert_eq!(events.map(|event| event.message.unwrap().text).collect::<Vec<_>>(), ["2 x"]);
        let control = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logEvents":[{"message":"CWL CONTROL MESSAGE"}]}"#;
        assert!(read(control).unwrap().is_control);
        for other in ["{}", "7", r#"{"logEvents":[]}"#, r#"{"messageType":"DATA_MESSAGE","logEvents":{}}"#] {
            assert!(read(other).is_none(), "{other}");
        }
    }
}
