//! Which log of the cluster a log stream holds: EKS writes all five to one log group, told apart by the names of
//! their streams alone (EKS user guide, "Send control plane logs to CloudWatch Logs").

/// What a log stream holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Audit events.
    Audit,
    /// Another log of the cluster; the counter's name.
    Other(&'static str),
    /// The name says nothing.
    Unknown,
}

/// Beginnings of the names, the longer before the shorter; behind them stands an instance's id.
const NAMES: &[(&str, Stream)] = &[
    ("kube-apiserver-audit-", Stream::Audit),
    ("kube-apiserver-", Stream::Other("api_log")),
    ("authenticator-", Stream::Other("authenticator_log")),
    ("kube-controller-manager-", Stream::Other("controller_manager_log")),
    ("cloud-controller-manager-", Stream::Other("controller_manager_log")),
    ("kube-scheduler-", Stream::Other("scheduler_log")),
];

/// What the log stream of that name holds.
pub fn classify(name: &str) -> Stream {
    NAMES.iter().find(|(start, _)| name.starts_with(start)).map_or(Stream::Unknown, |(_, stream)| *stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams() {
        for (name, stream) in [
            ("kube-apiserver-audit-0123456789abcdef0123456789abcdef", Stream::Audit),
            ("kube-apiserver-0123456789abcdef0123456789abcdef", Stream::Other("api_log")),
            ("authenticator-0123456789abcdef", Stream::Other("authenticator_log")),
            ("kube-controller-manager-01", Stream::Other("controller_manager_log")),
            ("cloud-controller-manager-01", Stream::Other("controller_manager_log")),
            ("kube-scheduler-01", Stream::Other("scheduler_log")),
            ("my-app", Stream::Unknown),
            ("", Stream::Unknown),
        ] {
            assert_eq!(classify(name), stream, "{name}");
        }
    }
}
