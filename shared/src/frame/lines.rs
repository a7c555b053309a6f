//! Lines of text as records.

use super::{Frames, RecordSink};

impl Frames {
    /// Hands over the whole lines of `text`, which begins at `from` of the window, and tells how many bytes have been
    /// dealt with. `length` counts the first bytes of a character behind the text too, which is still arriving.
    pub(super) fn lines(
        &mut self,
        text: &str,
        from: usize,
        length: usize,
        last: bool,
        sink: &mut impl RecordSink,
    ) -> usize {
        let mut start = 0;
        while start < text.len() && !sink.is_full() {
            let end = match memchr::memchr(b'\n', &text.as_bytes()[start..]) {
                Some(line) => start + line,
                None if last || length - start > self.max_record => length,
                None => break,
            };
            if end - start > self.max_record {
                self.begin_skip(from + start, true);
                break;
            }
            let line = text[start..end].trim_end_matches('\r');
            if !line.trim_ascii().is_empty() {
                sink.line(line, self.position(from + start));
                self.index += 1;
                self.documents += 1;
            }
            start = (end + 1).min(text.len());
        }
        start
    }
}
