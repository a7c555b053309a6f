//! The function of a source.

use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;

use super::{Checks, DeployedSource, Deployment, Verdict, ask, variables};
use crate::doctor::check::AGAIN;

/// Checks the function, and answers its timeout in seconds where it is known.
pub(super) async fn examine(
    deployment: &Deployment,
    source: &DeployedSource,
    checks: &mut Checks,
) -> Option<i32> {
    let name = source.function.as_str();
    let asked = deployment.clients.lambda.get_function_configuration().function_name(name).send();
    let found = match ask(&format!("lambda:GetFunctionConfiguration on {name}"), asked).await {
        Ok(found) => found,
        Err(error) => {
            let verdict = if error.is_absent() {
                Verdict::problem(format!("{name} is gone"), deployment.redeploy())
            } else {
                error.not_checked()
            };
            checks.add(source.name, "function", verdict);
            return None;
        }
    };
    let function = Function::of(&found);
    checks.add(source.name, "function", judge_state(name, &function, &deployment.redeploy()));
    let parameter = |name: &str| deployment.described.parameter(name).unwrap_or_default();
    let update = |words: &str| {
        deployment.command(&format!("lambda update-function-configuration --function-name {name} {words}"))
    };
    let wanted = Wanted {
        architecture: parameter("Architecture"),
        memory: parameter("MemorySize"),
        timeout: parameter("Timeout"),
    };
    checks.add(source.name, "size", judge_size(&function, &wanted, &update));
    let asked = deployment.clients.lambda.get_function_concurrency().function_name(name).send();
    let verdict = match ask(&format!("lambda:GetFunctionConcurrency on {name}"), asked).await {
        Err(error) => error.not_checked(),
        Ok(found) => {
            let free = format!("lambda delete-function-concurrency --function-name {name}");
            judge_concurrency(found.reserved_concurrent_executions(), deployment.command(&free))
        }
    };
    checks.add(source.name, "concurrency", verdict);
    let values =
        found.environment().and_then(|environment| environment.variables()).cloned().unwrap_or_default();
    let values = values.into_iter().collect();
    let expected = variables::expected(deployment, source, &values);
    let tables = source.source().map(|source| source.tables()).unwrap_or_default();
    let verdict = variables::judge(&values, &expected, &deployment.region, tables, &update);
    checks.add(source.name, "variables", verdict);
    found.timeout()
}

/// What is known of a function.
#[derive(Debug, Clone, Default)]
struct Function {
    /// `Active`, `Inactive`, `Pending`, `Failed`; empty if the service does not say.
    state: String,
    /// Why it is not active.
    state_reason: String,
    /// `Successful`, `InProgress`, `Failed`.
    last_update: String,
    update_reason: String,
    architecture: String,
    memory: i32,
    timeout: i32,
}

impl Function {
    fn of(found: &GetFunctionConfigurationOutput) -> Self {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let architecture = found.architectures().first().map(aws_sdk_lambda::types::Architecture::as_str);
        Self {
            state: text(found.state().map(aws_sdk_lambda::types::State::as_str)),
            state_reason: text(found.state_reason()),
            last_update: text(
                found.last_update_status().map(aws_sdk_lambda::types::LastUpdateStatus::as_str),
            ),
            update_reason: text(found.last_update_status_reason()),
            // Lambda's default, which it does not always name.
            architecture: architecture.unwrap_or("x86_64").to_owned(),
            memory: found.memory_size().unwrap_or_default(),
            timeout: found.timeout().unwrap_or_default(),
        }
    }
}

/// What the stack's parameters say.
#[derive(Debug)]
struct Wanted<'a> {
    architecture: &'a str,
    memory: &'a str,
    timeout: &'a str,
}

fn judge_state(name: &str, found: &Function, redeploy: &str) -> Verdict {
    let Function { state, state_reason, last_update, update_reason, .. } = found;
    match (state.as_str(), last_update.as_str()) {
        (_, "Failed") => {
            Verdict::problem(format!("the last update of {name} failed: {update_reason}"), redeploy)
        }
        // Lambda puts a function to sleep that was not called for weeks; the next call wakes it.
        ("Active" | "Inactive", "Successful") => Verdict::ok(name),
        ("Failed", _) => Verdict::problem(format!("{name} cannot be started: {state_reason}"), redeploy),
        ("", _) | (_, "") => {
            let remedy =
                format!("look at it yourself: aws lambda get-function-configuration --function-name {name}");
            Verdict::not_checked(format!("{name} does not say whether it can run"), remedy)
        }
        (state, update) => {
            Verdict::not_checked(format!("{name} is {state}, its last update {update}"), AGAIN)
        }
    }
}

/// Judges what is reserved for a function; `free` takes that back.
fn judge_concurrency(reserved: Option<i32>, free: String) -> Verdict {
    match reserved {
        None => Verdict::ok("of the account's"),
        Some(0) => Verdict::problem("none at a time may run: messages wait, for 7 days", free),
        Some(reserved) => Verdict::ok(format!("{reserved} at a time are reserved")),
    }
}

fn judge_size(found: &Function, wanted: &Wanted<'_>, update: &impl Fn(&str) -> String) -> Verdict {
    let Function { architecture, memory, timeout, .. } = found;
    if architecture != wanted.architecture {
        return Verdict::problem(
            format!("the function is {architecture}, the stack's parameter says {}", wanted.architecture),
            format!(
                "build and deploy for one of them: `make build ARCH=…`, Architecture={}",
                wanted.architecture
            ),
        );
    }
    if memory.to_string() != wanted.memory || timeout.to_string() != wanted.timeout {
        let words = format!("--memory-size {} --timeout {}", wanted.memory, wanted.timeout);
        return Verdict::problem(
            format!(
                "{memory} MB and {timeout} s, the stack's parameters say {} MB and {} s",
                wanted.memory, wanted.timeout
            ),
            update(&words),
        );
    }
    Verdict::ok(format!("{architecture}, {memory} MB, {timeout} s"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::State;

    #[test]
    fn states() {
        for (state, update, expected) in [
            ("Active", "Successful", State::Ok),
            ("Inactive", "Successful", State::Ok),
            ("Active", "Failed", State::Problem),
            ("Failed", "Successful", State::Problem),
            ("Pending", "InProgress", State::NotChecked),
            ("Active", "InProgress", State::NotChecked),
            ("", "", State::NotChecked),
        ] {
            let found = Function { state: state.into(), last_update: update.into(), ..Function::default() };
            assert_eq!(judge_state("f", &found, "r").state, expected, "{state} {update}");
        }
    }

    #[test]
    fn concurrency() {
        let judged = |reserved| judge_concurrency(reserved, "free".to_owned());
        assert_eq!([judged(None).state, judged(Some(2)).state], [State::Ok, State::Ok]);
        assert_eq!(judged(Some(0)).remedy.as_deref(), Some("free"));
    }

    #[test]
    fn sizes() {
        let wanted = Wanted { architecture: "arm64", memory: "1024", timeout: "300" };
        let good =
            Function { architecture: "arm64".into(), memory: 1024, timeout: 300, ..Function::default() };
        let judged = |found: Function| judge_size(&found, &wanted, &|words: &str| words.to_owned());
        assert_eq!(judged(good.clone()).state, State::Ok);
        let smaller = judged(Function { memory: 512, ..good.clone() });
        assert_eq!(smaller.remedy.as_deref(), Some("--memory-size 1024 --timeout 300"));
        assert_eq!(judged(Function { architecture: "x86_64".into(), ..good }).state, State::Problem);
    }
}
