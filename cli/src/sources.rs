//! Every source that `lake` knows: one line each.

use std::path::Path;

use shared::source::{KeyClass, Source};

use crate::recognise;

/// Makes a source. A pipeline takes its source over, so there is one for each.
pub(crate) type Make = fn() -> Box<dyn Source>;

/// The sources. Keys are shown to them in this order.
pub(crate) const ALL: &[Make] = &[
    || Box::new(cloudtrail::CloudTrail),
    || Box::new(vpc_flow::VpcFlow),
    || Box::new(route53::Route53),
    || Box::new(security_hub::SecurityHub),
    || Box::new(eks_audit::EksAudit),
    || Box::new(waf::Waf),
];

/// What the sources say of a key, together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A log of the source with this index.
    Log(usize),
    /// No log, for this reason.
    NotALog(&'static str),
    /// No source knows such a key.
    Unknown,
}

/// The sources that a run works with.
pub(crate) struct Sources {
    all: Vec<Box<dyn Source>>,
    forced: Option<usize>,
}

impl Sources {
    /// All sources, or the one of that name for whatever comes.
    pub(crate) fn new(forced: Option<&str>) -> Self {
        let all: Vec<Box<dyn Source>> = ALL.iter().map(|make| make()).collect();
        let forced = forced.and_then(|name| all.iter().position(|source| source.name() == name));
        Self { all, forced }
    }

    /// Decides by a file's key, or else by its beginning, what it is.
    pub(crate) fn recognise(&self, path: &Path, key: &str) -> Verdict {
        match self.classify(key) {
            Verdict::Unknown => {
                recognise::source_of(path).and_then(index).map_or(Verdict::Unknown, Verdict::Log)
            }
            verdict => verdict,
        }
    }

    /// Decides by a key what its object is.
    pub(crate) fn classify(&self, key: &str) -> Verdict {
        if let Some(index) = self.forced {
            return match self.all[index].classify(key) {
                KeyClass::Log(_) | KeyClass::Unknown => Verdict::Log(index),
                KeyClass::NotALog(reason) => Verdict::NotALog(reason),
            };
        }
        let mut verdict = Verdict::Unknown;
        for (index, source) in self.all.iter().enumerate() {
            match (source.classify(key), verdict) {
                // What one source does not want may still be another's log.
                (KeyClass::Log(_), _) => return Verdict::Log(index),
                (KeyClass::NotALog(reason), Verdict::Unknown) => verdict = Verdict::NotALog(reason),
                _ => {}
            }
        }
        verdict
    }
}

/// The index of the source of that name.
pub(crate) fn index(name: &str) -> Option<usize> {
    names().iter().position(|known| *known == name)
}

/// Names of the sources, as `--source` takes them.
pub(crate) fn names() -> Vec<&'static str> {
    ALL.iter().map(|make| make().name()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_decides_unless_a_source_is_forced() {
        let log = "AWSLogs/1/CloudTrail/eu-west-1/2026/03/14/1_CloudTrail_eu-west-1_20260314T0905Z_a.json.gz";
        let digest =
            "AWSLogs/1/CloudTrail-Digest/r/2026/03/14/1_CloudTrail-Digest_r_t_r_20260314T090000Z.json.gz";
        let free = Sources::new(None);
        assert_eq!(free.classify(log), Verdict::Log(0));
        assert_eq!(free.classify(digest), Verdict::NotALog("digest"));
        assert_eq!(free.classify("notes.txt"), Verdict::Unknown);
        let forced = Sources::new(Some("cloudtrail"));
        assert_eq!(forced.classify("notes.txt"), Verdict::Log(0));
        assert_eq!(forced.classify(digest), Verdict::NotALog("digest"));
    }

    #[test]
    fn names_are_unique() {
        let mut names = names();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
