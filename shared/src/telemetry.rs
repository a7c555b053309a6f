//! What a function says about itself: JSON lines on standard output, which Lambda hands to CloudWatch.
//!
//! The lines carry no time (CloudWatch adds its own) and no colours. The AWS clients and the Lambda runtime say at
//! their finer levels what must not be logged (signed headers, the payload of an invocation), so the level that
//! an operator sets reaches our own code alone; of the libraries only warnings are heard.

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
        .with_writer(std::io::stdout)
        .finish();
    // An error says that a subscriber is set already, which is what was asked for.
    let _ = tracing::subscriber::set_global_default(subscriber);
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
    fn starting_twice_is_harmless() {
        init(LevelFilter::ERROR);
        init(LevelFilter::INFO);
    }
}
