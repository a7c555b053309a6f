//! The one UTF-8 check.

/// What is known to be text of a window: each byte is checked once, however often reading begins again.
#[derive(Debug, Default)]
pub(super) struct Checked<'w> {
    /// Where the text begins in the window, the text, and whether bytes follow that are none.
    known: Option<(usize, &'w str, bool)>,
}

impl<'w> Checked<'w> {
    /// The text from `start` on, and whether it ends at damage and not at the end of the window.
    pub(super) fn text(&mut self, window: &'w [u8], start: usize) -> (&'w str, bool) {
        if let Some((from, text, damaged)) = self.known
            && let Some(rest) = start.checked_sub(from).and_then(|passed| text.get(passed..))
        {
            return (rest, damaged);
        }
        let pending = &window[start..];
        let text = match simdutf8::compat::from_utf8(pending) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(&pending[..error.valid_up_to()]).unwrap_or_default(),
        };
        let damaged = is_damage(&pending[text.len()..]);
        self.known = Some((start, text, damaged));
        (text, damaged)
    }
}

/// True if the bytes begin with damage, not merely with a character that is still arriving.
pub(super) fn is_damage(bytes: &[u8]) -> bool {
    match std::str::from_utf8(&bytes[..bytes.len().min(4)]) {
        Ok(_) => false,
        Err(error) => error.valid_up_to() == 0 && error.error_len().is_some(),
    }
}
