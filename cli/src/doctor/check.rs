//! One check: what was looked at, what was found, and what to do.

use std::io::Write;

use serde::Serialize;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// As it should be.
    Ok,
    /// Not as it should be.
    Problem,
    /// It could not be told, or there is nothing to tell.
    NotChecked,
}

impl State {
    fn text(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Problem => "PROBLEM",
            Self::NotChecked => "not checked",
        }
    }
}

/// What a check says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// How it ended.
    pub(crate) state: State,
    /// What was found, or why nothing was.
    pub(crate) found: String,
    /// What to do, about a problem or to have it told: words, or a command to run.
    pub(crate) remedy: Option<String>,
}

impl Verdict {
    /// As it should be.
    pub(crate) fn ok(found: impl Into<String>) -> Self {
        Self { state: State::Ok, found: found.into(), remedy: None }
    }

    /// Not as it should be.
    pub(crate) fn problem(found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::Problem, found: found.into(), remedy: Some(remedy.into()) }
    }

    /// It could not be told.
    pub(crate) fn not_checked(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: State::NotChecked, found: reason.into(), remedy: Some(remedy.into()) }
    }
}

/// What to do where something is on its way.
#[cfg(feature = "aws")]
pub(crate) const AGAIN: &str = "run this again in a minute";

/// A check that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// Whose: a source, `lake`, `stack`, `operator`.
    of: String,
    /// What was looked at.
    check: &'static str,
    state: State,
    found: String,
    /// Unless it is as it should be.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// All checks that were made, in their order.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<Check>);

impl Checks {
    /// Adds one.
    pub(crate) fn add(&mut self, of: &str, check: &'static str, verdict: Verdict) {
        let Verdict { state, found, remedy } = verdict;
        self.0.push(Check { of: of.to_owned(), check, state, found, remedy });
    }

    /// True if there is no problem; `strict` also if everything could be told.
    pub(crate) fn are_ok(&self, strict: bool) -> bool {
        self.count(State::Problem) == 0 && (!strict || self.count(State::NotChecked) == 0)
    }

    fn count(&self, state: State) -> usize {
        self.0.iter().filter(|check| check.state == state).count()
    }

    /// Writes them as JSON lines.
    pub(crate) fn write_json(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        for check in &self.0 {
            serde_json::to_writer(&mut *out, check)?;
            writeln!(out)?;
        }
        Ok(())
    }

    /// Writes them for a person.
    pub(crate) fn print(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let width = self.0.iter().map(|check| check.check.len()).max().unwrap_or_default();
        for part in self.0.chunk_by(|a, b| a.of == b.of) {
            if let Some(first) = part.first() {
                writeln!(out, "{}", clean(&first.of))?;
            }
            for check in part {
                let Check { check, state, found, remedy, .. } = check;
                writeln!(out, "  {:<11}  {check:<width$}  {}", state.text(), clean(found))?;
                if let Some(remedy) = remedy {
                    writeln!(out, "               do: {}", clean(remedy))?;
                }
            }
        }
        let counts = [State::Ok, State::Problem, State::NotChecked].map(|state| self.count(state));
        let problems = if counts[1] == 1 { "problem" } else { "problems" };
        writeln!(out, "\n{} ok, {} {problems}, {} not checked", counts[0], counts[1], counts[2])
    }
}

/// A control character in a name must not reach the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// The text as one word of a shell's command.
#[cfg(feature = "aws")]
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed() {
        let mut checks = Checks::default();
        checks.add("lake", "bucket", Verdict::ok("a bucket"));
        assert!(checks.are_ok(true));
        checks.add("waf\u{1b}", "role", Verdict::not_checked("denied", "ask"));
        assert!(checks.are_ok(false) && !checks.are_ok(true));
        checks.add("lake", "policy", Verdict::problem("none", "put one"));
        assert!(!checks.are_ok(false));
        let mut out = Vec::new();
        checks.print(&mut out).unwrap();
        let expected = "lake\n  ok           bucket  a bucket\nwaf?\n  not checked  role    denied\n               do: ask\n\
                        lake\n  PROBLEM      policy  none\n               do: put one\n\n1 ok, 1 problem, 1 not checked\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        let mut out = Vec::new();
        checks.write_json(&mut out).unwrap();
        let third = std::str::from_utf8(&out).unwrap().lines().nth(2).unwrap();
        assert_eq!(
            third,
            r#"{"of":"lake","check":"policy","state":"problem","found":"none","do":"put one"}"#
        );
    }

    #[cfg(feature = "aws")]
    #[test]
    fn words_of_a_shell() {
        assert_eq!(quoted(r#"{"a":"it's"}"#), r#"'{"a":"it'\''s"}'"#);
    }
}
