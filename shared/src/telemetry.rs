//! What a function says about itself: JSON lines on standard output, which Lambda hands to CloudWatch.
//!
//! The lines carry no time (CloudWatch adds its own) and no colours. The AWS clients and the Lambda runtime say at
//! their finer levels what must not be logged (signed headers, the payload of an invocation), so the level that
//! an operator sets reaches our own code alone; of the libraries only warnings are heard.
//!
//! JSON escapes no control characters above U+007E and none that turn text around. A key may hold them, and somebody
//! reads the log on a terminal, so they are escaped here too.

use std::fmt::Write as _;
use std::io::{self, Stdout, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

/// The libraries that log, by the beginning of their targets.
const LIBRARIES: [&str; 7] = ["aws", "h2", "hyper", "rustls", "tokio", "tower", "want"];

/// Starts the log at `level`. Only the first call has an effect, so tests and warm functions may call it again.
pub fn init(level: LevelFilter) {
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter(level))
        .without_time()
        .with_ansi(false)
        .with_target(false)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(|| Escaped(io::stdout()))
        .finish();
    // An error says that a subscriber is set already, which is what was asked for.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// A writer of JSON lines that escapes what JSON itself leaves and a terminal would act on. Such characters stand
/// within strings only, where `\uXXXX` means the same.
#[derive(Debug)]
struct Escaped<W = Stdout>(W);

/// True for control characters that JSON does not escape, and those that change the direction of text or break lines.
fn is_harmful(character: char) -> bool {
    matches!(
        character,
        '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

impl<W: Write> Write for Escaped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(bytes) {
            Ok(text) if text.contains(is_harmful) => {
                let mut escaped = String::with_capacity(text.len() + 16);
                for character in text.chars() {
                    if is_harmful(character) {
                        // Writing to a String cannot fail.
                        let _ = write!(escaped, "\\u{:04x}", u32::from(character));
                    } else {
                        escaped.push(character);
                    }
                }
                self.0.write_all(escaped.as_bytes())?;
            }
            // A line is written whole, so what is no text was none before.
            _ => self.0.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Warns of every raw object that was uploaded in parts and has a checksum, about which nobody can do anything.
const CHECKSUMS: &str = "aws_sdk_s3::http_response_checksum";

/// `level` for our own code, warnings at most for the libraries. The runtime stands at `info` because its span,
/// which holds the invocation's request id, is of that level.
fn filter(level: LevelFilter) -> EnvFilter {
    let libraries = level.min(LevelFilter::WARN);
    let directives = LIBRARIES.map(|library| format!("{library}={libraries}"));
    EnvFilter::new(format!("{level},lambda_runtime=info,{CHECKSUMS}=error,{}", directives.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_never_heard_below_a_warning() {
        for level in [LevelFilter::TRACE, LevelFilter::DEBUG, LevelFilter::INFO, LevelFilter::WARN] {
            let text = filter(level).to_string();
            assert!(text.contains("aws=warn") && text.contains("lambda_runtime=info"), "{text}");
        }
        assert!(filter(LevelFilter::ERROR).to_string().contains("aws=error"));
    }

    #[test]
    fn our_own_level_is_the_operators() {
        assert_eq!(filter(LevelFilter::DEBUG).max_level_hint(), Some(LevelFilter::DEBUG));
    }

    #[test]
    fn a_line_holds_nothing_that_a_terminal_acts_on_and_means_the_same() {
        let text = "\u{9b}31m é \u{202e}exe.txt\u{2028}\u{7f}";
        let line = serde_json::to_string(text).unwrap();
        let mut out = Escaped(Vec::new());
        out.write_all(line.as_bytes()).unwrap();
        let written = String::from_utf8(out.0).unwrap();
        assert_eq!(written, r#""\u009b31m é \u202eexe.txt\u2028\u007f""#);
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }

    #[test]
    fn starting_twice_is_harmless() {
        init(LevelFilter::ERROR);
        init(LevelFilter::INFO);
    }
}
