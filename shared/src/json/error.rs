//! What is not read, and why.

/// Containers nested deeper than this are never read: [`Limits`] may only ask for less. AWS records stay below 30; the
/// bound keeps hostile input cheap.
pub const MAX_DEPTH: usize = 512;

/// How much of a record is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Containers within each other, the record itself among them: at most [`MAX_DEPTH`].
    pub depth: usize,
    /// Members and elements of all its containers together.
    pub fields: usize,
}

impl Default for Limits {
    /// What bounds a value of which nothing else is known: the depth.
    fn default() -> Self {
        Self { depth: MAX_DEPTH, fields: usize::MAX }
    }
}

/// Why the text at the cursor could not be read. Offsets are bytes from the start of the cursor's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text ends inside a value: more input may complete it.
    #[error("the JSON text ends inside a value")]
    Incomplete,
    /// The text is not JSON here.
    #[error("not JSON at byte {at}: expected {expected}")]
    Syntax {
        /// Byte offset of the offending character.
        at: usize,
        /// What the grammar allows there.
        expected: &'static str,
    },
    /// Containers are nested deeper than [`Limits::depth`].
    #[error("expected at most {limit} levels of nesting (MAX_DEPTH), found more at byte {at}")]
    TooDeep {
        /// Byte offset of the container that is one too deep.
        at: usize,
        /// The limit.
        limit: usize,
    },
    /// There are more members and elements than [`Limits::fields`].
    #[error("expected at most {limit} members and elements (MAX_FIELDS), found more at byte {at}")]
    TooManyFields {
        /// Byte offset of the first that is one too many.
        at: usize,
        /// The limit.
        limit: usize,
    },
}

impl Error {
    /// The same error, told from `start` of the text on: where a record stands in a window says nothing of it.
    pub(crate) fn from(self, start: usize) -> Self {
        let from = |at: usize| at.saturating_sub(start);
        match self {
            Self::Incomplete => Self::Incomplete,
            Self::Syntax { at, expected } => Self::Syntax { at: from(at), expected },
            Self::TooDeep { at, limit } => Self::TooDeep { at: from(at), limit },
            Self::TooManyFields { at, limit } => Self::TooManyFields { at: from(at), limit },
        }
    }

    /// The limit that is exceeded, as a reason for quarantine; `None` if the text is not JSON or not all there.
    pub fn over_limit(&self) -> Option<&'static str> {
        match self {
            Self::TooDeep { .. } => Some("too_deep"),
            Self::TooManyFields { .. } => Some("too_many_fields"),
            Self::Incomplete | Self::Syntax { .. } => None,
        }
    }
}
