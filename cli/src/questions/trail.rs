//! Questions about CloudTrail's management events.

use super::{Key, Question, Row};

const TABLE: &str = "CLOUD_TRAIL_MGMT@2.0";

/// What says that a call was not allowed.
const DENIED: [&str; 4] =
    ["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Client.UnauthorizedOperation"];

/// The questions.
pub(super) const QUESTIONS: &[Question] = &[
    Question {
        name: "root_use",
        text: "What has been done as root?",
        table: TABLE,
        leaves: &["actor.user.type", "api.operation"],
        sql: include_str!("root_use.sql"),
        keys: &["account", "event"],
        count: "events",
        sum: None,
        seen: true,
        select: |row| {
            let is = row.text("actor.user.type") == Some("Root");
            is.then(|| vec![row.account().map(str::to_owned), row.key("api.operation")])
        },
    },
    Question {
        name: "failed_sign_ins",
        text: "Who failed to sign in to the console, and from where?",
        table: TABLE,
        leaves: &[
            "class_uid",
            "status",
            "api.operation",
            "actor.user.name",
            "actor.user.uid",
            "src_endpoint.ip",
        ],
        sql: include_str!("failed_sign_ins.sql"),
        keys: &["user_name", "source_ip"],
        count: "failures",
        sum: None,
        seen: false,
        select: |row| {
            let is = row.number("class_uid") == Some(3002)
                && row.text("api.operation") == Some("ConsoleLogin")
                && row.text("status") == Some("Failure");
            let user = || row.key("actor.user.name").or_else(|| row.key("actor.user.uid"));
            is.then(|| vec![user(), row.key("src_endpoint.ip")])
        },
    },
    Question {
        name: "assumed_roles",
        text: "Who assumed which role?",
        table: TABLE,
        leaves: &[
            "status",
            "api.operation",
            "actor.user.uid",
            "actor.invoked_by",
            "actor.user.uid_alt",
            "user.uid",
        ],
        sql: include_str!("assumed_roles.sql"),
        keys: &["caller", "role"],
        count: "times",
        sum: None,
        seen: false,
        select: |row| {
            let is = row.text("api.operation").is_some_and(|operation| operation.starts_with("AssumeRole"))
                && row.text("status") == Some("Success");
            is.then(|| vec![caller(row), row.key("user.uid")])
        },
    },
    Question {
        name: "denied_callers",
        text: "Who is denied most often?",
        table: TABLE,
        leaves: &["api.response.error", "actor.user.uid", "actor.invoked_by", "actor.user.uid_alt"],
        sql: include_str!("denied_callers.sql"),
        keys: &["caller"],
        count: "denied",
        sum: None,
        seen: false,
        select: |row| {
            let is = row.text("api.response.error").is_some_and(|error| DENIED.contains(&error));
            is.then(|| vec![caller(row)])
        },
    },
];

/// Who called: an ARN, or else an AWS service, or else an id.
fn caller(row: &dyn Row) -> Key {
    let named = row.text("actor.user.uid").or_else(|| row.text("actor.invoked_by"));
    named.or_else(|| row.text("actor.user.uid_alt")).map(str::to_owned)
}
