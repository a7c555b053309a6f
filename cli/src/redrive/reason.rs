//! What would become of an entry today.

use serde::Serialize;

/// Why an entry would fail again, or that it would not. Of several objects in one message the first that applies, in
/// this order, is that of the message; it is known if all of them are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum Reason {
    /// It announces no object in any shape that is known
    NotUnderstood,
    /// Neither key nor content of its object is that of a log of a known source
    Unrecognised,
    /// Its object is in a bucket that the function does not read
    OtherBucket,
    /// Its object is one of a group that was decided, of which one is gone or was overwritten
    GroupIncomplete,
    /// Its object is gone, or was overwritten after it was announced
    NoSuchObject,
    /// Its object may not be read
    AccessDenied,
    /// Its object is larger than the largest that is read
    TooLarge,
    /// Nothing speaks against it any more
    Ready,
    /// Its objects are in the lake: it can be deleted
    Known,
}

impl Reason {
    /// As it is written in options and in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NotUnderstood => "not_understood",
            Self::Unrecognised => "unrecognised",
            Self::OtherBucket => "other_bucket",
            Self::GroupIncomplete => "group_incomplete",
            Self::NoSuchObject => "no_such_object",
            Self::AccessDenied => "access_denied",
            Self::TooLarge => "too_large",
            Self::Ready => "ready",
            Self::Known => "known",
        }
    }

    /// What to do, in a few words.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::NotUnderstood => {
                "something else sends to the queue, or a newer function understands it; --reason not_understood sends it back"
            }
            Self::Unrecognised => {
                "on a folder, `lake ingest PATH --source NAME` takes a file for a log of that source, and one that is none is \
                 moved away; on a deployment, mend <Source>Keys or who announces it"
            }
            Self::OtherBucket => {
                "the bucket is not the source's <Source>BucketName; mend who announces it, or the parameter"
            }
            Self::GroupIncomplete => {
                "restore the object that is gone, which --entries names, and all of its group are ready; where it cannot be \
                 restored, --give-up GROUP frees the others"
            }
            Self::NoSuchObject => "restore the object, or let the message expire",
            Self::AccessDenied => {
                "mend the bucket's or key's policy, or <Source>Keys; then --reason access_denied"
            }
            Self::TooLarge => "raise MaxObjectBytes; then --reason too_large",
            Self::Ready => "--go sends it back to its queue",
            Self::Known => "its rows are in the lake; --go --reason known deletes it",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn a_reason_has_one_name() {
        for reason in Reason::value_variants() {
            let value = reason.to_possible_value().unwrap();
            assert_eq!(value.get_name(), reason.as_str());
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }
}
