//! Lines: as records, and as what ends a value that cannot be read.

use super::{Frames, Position, RecordSink, State};

impl Frames {
    /// True where what cannot be read ends with its line.
    pub(super) fn passes_over_lines(&self) -> bool {
        !self.is_document() && self.state == State::Outside
    }

    /// Gets past one line that cannot be read. False if its end has not arrived yet.
    pub(super) fn pass_over_line(
        &mut self,
        window: &[u8],
        start: &mut usize,
        last: bool,
        reason: &str,
        sink: &mut impl RecordSink,
    ) -> bool {
        let rest = &window[*start..];
        let lead = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let line = match memchr::memchr(b'\n', &rest[lead..]) {
            Some(length) => &rest[lead..lead + length],
            None if last => &rest[lead..],
            None => return false,
        };
        let at = Position { index: self.index, offset: self.passed + (*start + lead) as u64 };
        sink.unreadable(line.strip_suffix(b"\r").unwrap_or(line), at, reason);
        self.index += 1;
        self.unreadable += 1;
        self.singles = true;
        *start += lead + line.len();
        true
    }

    /// Hands over the whole lines of `text`, which begins `base` bytes into the object, and tells how many bytes
    /// have been dealt with.
    pub(super) fn lines(&mut self, text: &str, base: u64, last: bool, sink: &mut impl RecordSink) -> usize {
        let mut start = 0;
        while start < text.len() && !sink.is_full() {
            let end = match memchr::memchr(b'\n', &text.as_bytes()[start..]) {
                Some(length) => start + length,
                None if last => text.len(),
                None => break,
            };
            let line = text[start..end].trim_end_matches('\r');
            if !line.trim_ascii().is_empty() {
                sink.line(line, Position { index: self.index, offset: base + start as u64 });
                self.index += 1;
                self.documents += 1;
                if line.len() > self.max_record {
                    self.too_long = Some(base + start as u64);
                }
            }
            start = (end + 1).min(text.len());
        }
        start
    }
}
