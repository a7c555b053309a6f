//! Text where a record begins, and where the text that has arrived ends.

use crate::json::{self, Cursor};

/// How many bytes stand before a record: white space, and the comma behind another one.
pub(super) fn blanks(window: &[u8]) -> usize {
    window.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b',').count()
}

/// The error with its place counted from the start of the record, which is `start` bytes into the text that was read.
/// Where that text began depends on the pieces in which the object has arrived.
pub(super) fn within_record(error: json::Error, start: usize) -> json::Error {
    match error {
        json::Error::Syntax { at, expected } => {
            json::Error::Syntax { at: at.saturating_sub(start), expected }
        }
        other => other,
    }
}

/// True if what follows the valid text is damage, not merely a character that is still arriving.
pub(super) fn is_damaged(bytes: &[u8], valid: usize) -> bool {
    match std::str::from_utf8(&bytes[valid..bytes.len().min(valid + 4)]) {
        Ok(_) => false,
        Err(error) => error.valid_up_to() == 0 && error.error_len().is_some(),
    }
}

/// True if a number stands at the cursor with nothing behind it: it may go on in what has not arrived yet. No record is
/// a number, but one is read whole all the same.
pub(super) fn is_cut_number(cursor: &mut Cursor<'_>) -> Result<bool, json::Error> {
    if !matches!(cursor.peek(), Some(b'-' | b'0'..=b'9')) {
        return Ok(false);
    }
    let mut ahead = *cursor;
    ahead.value()?;
    let end = ahead.offset();
    Ok(ahead.peek().is_none() && ahead.offset() == end)
}
