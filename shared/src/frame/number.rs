//! Numbers where the text that has arrived ends.

use crate::json::{self, Cursor};

/// True if a number stands at the cursor with nothing behind it: it may go on in what has not arrived yet. No record is
/// a number, but one is read whole all the same.
pub(super) fn is_cut_number(mut cursor: Cursor<'_>) -> Result<bool, json::Error> {
    if !matches!(cursor.peek(), Some(b'-' | b'0'..=b'9')) {
        return Ok(false);
    }
    cursor.value()?;
    let end = cursor.offset();
    Ok(cursor.peek().is_none() && cursor.offset() == end)
}
