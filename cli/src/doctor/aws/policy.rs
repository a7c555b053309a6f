//! Policies of resources, read as far as the checks need them.

use serde_json::Value;

/// A statement of a policy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statement<'a>(&'a Value);

/// The statements of a policy.
pub(super) fn statements(policy: &Value) -> impl Iterator<Item = Statement<'_>> {
    list(&policy["Statement"]).map(Statement)
}

/// A value that may stand alone or in a list.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    let (one, many) = match value {
        Value::Array(many) => (None, many.as_slice()),
        Value::Null => (None, [].as_slice()),
        one => (Some(one), [].as_slice()),
    };
    one.into_iter().chain(many)
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    list(value).filter_map(Value::as_str)
}

impl<'a> Statement<'a> {
    pub(super) fn allows(self) -> bool {
        self.0["Effect"] == "Allow"
    }

    /// True if the statement denies everybody all actions of `service` over plain HTTP.
    pub(super) fn denies_plain_http(self, service: &str) -> bool {
        let all = format!("{service}:*");
        let everybody =
            self.0["Principal"] == "*" || texts(&self.0["Principal"]["AWS"]).any(|one| one == "*");
        let secure = &self.0["Condition"]["Bool"]["aws:SecureTransport"];
        self.0["Effect"] == "Deny"
            && everybody
            && self.has_action(&[&all, "*"])
            && texts(secure).any(|value| value == "false") | list(secure).any(|value| value == false)
    }

    /// True if one of the actions is named, as it stands.
    pub(super) fn has_action(self, actions: &[&str]) -> bool {
        texts(&self.0["Action"])
            .any(|action| actions.iter().any(|wanted| wanted.eq_ignore_ascii_case(action)))
    }

    /// True if the statement is about that action, by its name or a pattern.
    pub(super) fn is_about_action(self, wanted: &str) -> bool {
        let wanted = wanted.to_lowercase();
        texts(&self.0["Action"]).any(|pattern| crate::deployment::matches(&pattern.to_lowercase(), &wanted))
    }

    /// True if the statement is about that service.
    pub(super) fn is_for_service(self, service: &str) -> bool {
        self.0["Principal"] == "*" || texts(&self.0["Principal"]["Service"]).any(|one| one == service)
    }

    /// True if the statement is about one of these AWS principals.
    pub(super) fn is_for(self, principals: &[&str]) -> bool {
        let principal = &self.0["Principal"];
        *principal == "*" || texts(&principal["AWS"]).any(|one| one == "*" || principals.contains(&one))
    }

    /// True if the statement does not ask for the condition key `wanted`, such as `aws:SourceArn`, or takes `value` for it.
    pub(super) fn takes(self, wanted: &str, value: &str) -> bool {
        let Some(conditions) = self.0["Condition"].as_object() else { return true };
        let is_taken = |(operator, keys): (&String, &'a Value)| {
            let Some(keys) = keys.as_object() else { return true };
            let mut asked = keys.iter().filter(|(key, _)| key.eq_ignore_ascii_case(wanted));
            asked.all(|(_, patterns)| {
                let is_it = texts(patterns).any(|pattern| crate::deployment::matches(pattern, value));
                is_it != operator.contains("Not")
            })
        };
        conditions.iter().all(is_taken)
    }

    /// True if the statement is about that resource.
    pub(super) fn is_about(self, resource: &str) -> bool {
        texts(&self.0["Resource"]).any(|pattern| crate::deployment::matches(pattern, resource))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_http() {
        let deny = |action: &str, secure: Value| {
            json!({"Statement": {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": action, "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": secure}}}})
        };
        let denies = |policy: &Value| statements(policy).any(|one| one.denies_plain_http("s3"));
        assert!(denies(&deny("s3:*", json!("false"))) && denies(&deny("*", json!([false]))));
        assert!(!denies(&deny("s3:GetObject", json!("false"))) && !denies(&deny("s3:*", json!("true"))));
        assert!(!denies(&json!({"Statement": []})) && !denies(&json!({})));
    }

    #[test]
    fn sources() {
        let policy = json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
            "Action": ["sqs:SendMessage"], "Resource": "arn:q",
            "Condition": {"ArnLike": {"aws:SourceArn": ["arn:aws:s3:::raw-*"]},
                "StringNotEquals": {"aws:SourceAccount": "444455556666"}}}]});
        let one = statements(&policy).next().unwrap();
        assert!(
            one.allows() && one.is_for_service("s3.amazonaws.com") && one.has_action(&["SQS:SendMessage"])
        );
        let takes = |key: &str, value: &str| one.takes(key, value);
        assert!(
            takes("aws:SourceArn", "arn:aws:s3:::raw-logs") && !takes("aws:SourceArn", "arn:aws:s3:::other")
        );
        assert!(takes("AWS:SOURCEACCOUNT", "111122223333") && !takes("aws:SourceAccount", "444455556666"));
        assert!(takes("aws:SourceOrgID", "o-1"), "it does not ask for that");
        assert!(one.is_about("arn:q") && !one.is_about("arn:r") && !one.is_for(&["arn:aws:iam::1:root"]));
    }
}
