//! What may reach a terminal. Names and texts come from logs, and whoever writes to the logs chooses them: a control
//! character among them could colour, move or overwrite what is shown, answer for the person, or turn text around.

use std::io::{self, Stderr, Write};

/// True for what a terminal acts on instead of showing it: control characters but the line end and the tab, and the
/// characters that change the direction of text or break lines.
pub(crate) fn is_harmful(character: char) -> bool {
    (character.is_control() && !matches!(character, '\n' | '\t'))
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// A writer that lets no harmful character through: a `?` takes its place, and that of a byte that is no text.
#[derive(Debug)]
pub(crate) struct Tame<W> {
    out: W,
    /// The beginning of a character whose other bytes have not come yet; at most 3 bytes.
    begun: Vec<u8>,
}

impl<W: Write> Tame<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, begun: Vec::new() }
    }
}

/// Standard error, tamed: only people read it.
pub(crate) fn stderr() -> Tame<Stderr> {
    Tame::new(io::stderr())
}

impl<W: Write> Write for Tame<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut waiting = std::mem::take(&mut self.begun);
        waiting.extend_from_slice(bytes);
        let mut text = String::with_capacity(waiting.len());
        let mut chunks = waiting.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.extend(chunk.valid().chars().map(|c| if is_harmful(c) { '?' } else { c }));
            match chunk.invalid() {
                [] => {}
                rest if is_beginning(rest) && chunks.peek().is_none() => self.begun = rest.to_vec(),
                _ => text.push('?'),
            }
        }
        self.out.write_all(text.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// True for bytes that more bytes can make a character.
fn is_beginning(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tamed(pieces: &[&[u8]]) -> String {
        let mut out = Tame::new(Vec::new());
        for piece in pieces {
            out.write_all(piece).unwrap();
        }
        String::from_utf8(out.out).unwrap()
    }

    #[test]
    fn text_stays_and_what_a_terminal_acts_on_does_not() {
        assert_eq!(tamed(&["a\tbé😀\n".as_bytes()]), "a\tbé😀\n");
        assert_eq!(tamed(&[b"\x1b[2J\x1b]0;x\x07\r\x7f"]), "?[2J?]0;x???");
        assert_eq!(tamed(&["\u{9b}31m \u{202e}txt.exe\u{2066}\u{2028}".as_bytes()]), "?31m ?txt.exe??");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        assert_eq!(tamed(&[b"a\xffb\xc3c\xc3"]), "a?b?c");
    }

    #[test]
    fn a_character_may_come_in_pieces() {
        let text = "é😀\u{9b}x".as_bytes();
        for at in 0..text.len() {
            assert_eq!(tamed(&[&text[..at], &text[at..]]), "é😀?x", "cut at {at}");
        }
        assert_eq!(tamed(&[b"\xc3", b"x"]), "?x");
    }
}
