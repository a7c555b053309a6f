//! The event source mapping, which hands a queue's messages to the function.

use super::{Checks, DeployedSource, Deployment, Verdict, ask};
use crate::doctor::check::AGAIN;

/// Checks the mapping of a source.
pub(super) async fn examine(deployment: &Deployment, source: &DeployedSource, checks: &mut Checks) {
    let lambda = &deployment.clients.lambda;
    let asked = lambda.get_event_source_mapping().uuid(&source.mapping).send();
    let verdict = match ask("lambda:GetEventSourceMapping", asked).await {
        Err(error) if error.is_absent() => Verdict::problem(
            "nothing hands the queue's messages to the function",
            format!("{}; it makes the mapping again", deployment.redeploy()),
        ),
        Err(error) => error.not_checked(),
        Ok(found) => {
            let update = |words: &str| {
                deployment
                    .command(&format!("lambda update-event-source-mapping --uuid {} {words}", source.mapping))
            };
            let types = found.function_response_types();
            let found = Mapping {
                state: found.state().unwrap_or_default(),
                queue: found.event_source_arn().unwrap_or_default(),
                function: found.function_arn().and_then(|arn| arn.split(':').nth(6)).unwrap_or_default(),
                result: found.last_processing_result().unwrap_or_default(),
                single_failures: types.iter().any(|kind| kind.as_str() == "ReportBatchItemFailures"),
                paused: deployment.described.parameter("ProcessingEnabled").is_ok_and(|on| on == "false"),
            };
            judge(&found, &source.queue.arn, &source.function, &update)
        }
    };
    checks.add(source.name, "mapping", verdict);
}

/// What is known of a mapping.
#[derive(Debug, Clone, Copy)]
struct Mapping<'a> {
    /// `Enabled`, `Disabled`, `Updating`, …
    state: &'a str,
    queue: &'a str,
    /// Name of the function.
    function: &'a str,
    /// How Lambda fared with it lately: `PROBLEM: …`, or something else.
    result: &'a str,
    /// True if failures are reported message by message.
    single_failures: bool,
    /// True if the stack's parameters say that it is disabled.
    paused: bool,
}

/// Judges a mapping; `update` makes the command that changes it.
fn judge(found: &Mapping<'_>, queue: &str, function: &str, update: &impl Fn(&str) -> String) -> Verdict {
    if found.queue != queue {
        let remedy = "deploy the stack again; the mapping was changed by hand";
        return Verdict::problem(format!("it takes messages of {}, expected {queue}", found.queue), remedy);
    }
    if found.function != function {
        let remedy = update(&format!("--function-name {function}"));
        return Verdict::problem(format!("it calls {}, expected {function}", found.function), remedy);
    }
    if let Some(problem) = found.result.strip_prefix("PROBLEM:") {
        let remedy = "mend what it says; mostly it is a permission of the function's role, or of a key";
        return Verdict::problem(format!("Lambda cannot work with it: {}", problem.trim()), remedy);
    }
    if !found.single_failures {
        return Verdict::problem(
            "one failing message brings back its whole batch",
            update("--function-response-types ReportBatchItemFailures"),
        );
    }
    match found.state {
        "Enabled" => Verdict::ok("enabled, failures one by one"),
        "Disabled" | "Disabling" if found.paused => Verdict::problem(
            "disabled by ProcessingEnabled=false: messages wait, for 7 days",
            "deploy with ProcessingEnabled=true when work is to go on",
        ),
        "Disabled" | "Disabling" => {
            Verdict::problem("disabled: messages wait, for 7 days", update("--enabled"))
        }
        state => Verdict::not_checked(format!("it is {state}"), AGAIN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::State;

    #[test]
    fn mappings() {
        let good = Mapping {
            state: "Enabled",
            queue: "q",
            function: "f",
            result: "OK",
            single_failures: true,
            paused: false,
        };
        let judged = |found: Mapping<'_>| judge(&found, "q", "f", &|words: &str| format!("update {words}"));
        assert_eq!(judged(good).state, State::Ok);
        assert_eq!(judged(Mapping { state: "Updating", ..good }).state, State::NotChecked);
        assert_eq!(judged(Mapping { queue: "r", ..good }).state, State::Problem);
        let refused =
            judged(Mapping { result: "PROBLEM: Lambda failed to assume your function role", ..good });
        assert_eq!((refused.state, refused.found.ends_with("function role")), (State::Problem, true));
        let remedy = |found| judged(found).remedy.unwrap();
        assert_eq!(remedy(Mapping { function: "g", ..good }), "update --function-name f");
        assert_eq!(remedy(Mapping { state: "Disabled", ..good }), "update --enabled");
        assert!(remedy(Mapping { state: "Disabled", paused: true, ..good }).starts_with("deploy with"));
        assert!(remedy(Mapping { single_failures: false, ..good }).ends_with("ReportBatchItemFailures"));
    }
}
