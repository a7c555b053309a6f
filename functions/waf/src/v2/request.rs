//! `http_request`, and what else the request itself says.
//!
//! | raw, below `httpRequest` | OCSF | note |
//! |---|---|---|
//! | `httpMethod` | `activity_*`, `type_*`, `http_request.http_method` | a method that OCSF does not have: `unmapped` |
//! | `uri`, `args` | `http_request.url.path`, `http_request.args` | |
//! | `httpVersion`, `requestId` | `http_request.version`, `http_request.uid` | |
//! | `headers[]` | `http_request.http_headers[]` | a header without name or value: `unmapped` |
//! | header `User-Agent`, `Referer` | `http_request.user_agent`, `http_request.referrer` | the first of each |
//! | header `Host` | `http_request.url.hostname`, `dst_endpoint.hostname` | the first, without its port |
//! | header `X-Forwarded-For` | `http_request.x_forwarded_for[]` | the addresses of all of them |
//! | `clientIp`, `country` | `src_endpoint.ip`, `src_endpoint.location.country` | what is no address: `unmapped` |
//!
//! OCSF requires `http_request`: of a record that says nothing of the request its `uid` is empty. A URL needs a path
//! to have a host.

use std::borrow::Cow;

use shared::json::{Cursor, Kind, Raw};
use shared::ocsf::{self, ObservableType};
use shared::rows::Rows;

use super::Mapping;
use crate::record::{Header, HttpRequest};

/// The methods that OCSF has: activity and type.
const METHODS: &[(&str, i32, &str, &str)] = &[
    ("GET", 3, "Get", "HTTP Activity: Get"),
    ("POST", 6, "Post", "HTTP Activity: Post"),
    ("HEAD", 4, "Head", "HTTP Activity: Head"),
    ("OPTIONS", 5, "Options", "HTTP Activity: Options"),
    ("PUT", 7, "Put", "HTTP Activity: Put"),
    ("DELETE", 2, "Delete", "HTTP Activity: Delete"),
    ("CONNECT", 1, "Connect", "HTTP Activity: Connect"),
    ("TRACE", 8, "Trace", "HTTP Activity: Trace"),
];

/// What the headers of a request are known by.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    any: bool,
    host: bool,
    has_path: bool,
}

impl Mapping {
    /// Writes the request; true if the host asked for is known.
    pub(super) fn request(&mut self, rows: &mut Rows, request: &HttpRequest<'_>) -> bool {
        let has_method = self.method(rows, request);
        let has_path = self.put(rows, self.leaves.url_path, "httpRequest.uri", request.uri());
        let mut written = has_method | has_path;
        for (leaf, path, value) in [
            (self.leaves.args, "httpRequest.args", request.args()),
            (self.leaves.http_version, "httpRequest.httpVersion", request.http_version()),
            (self.leaves.request_uid, "httpRequest.requestId", request.request_id()),
        ] {
            written |= self.put(rows, leaf, path, value);
        }
        let mut seen = Seen { has_path, ..Seen::default() };
        self.headers(rows, request, &mut seen);
        if !(written || seen.any) {
            rows.text(self.leaves.request_uid, "");
        }
        for (path, value) in [
            ("httpRequest.fragment", request.fragment()),
            ("httpRequest.scheme", request.scheme()),
            ("httpRequest.host", request.host()),
        ] {
            self.leave(path, value);
        }
        self.leave_rest("httpRequest", &request.rest);
        seen.host
    }

    /// True if `http_method` has been written.
    fn method(&mut self, rows: &mut Rows, request: &HttpRequest<'_>) -> bool {
        let word = match request.http_method() {
            Some(method) if method.is_scalar() && !method.text.is_empty() => method.decoded(),
            _ => Cow::Borrowed(""),
        };
        let known = METHODS.iter().find(|(name, ..)| *name == word);
        let (id, name, type_name) = match known {
            Some((_, id, name, type_name)) => (*id, *name, *type_name),
            None if word.is_empty() => (0, "Unknown", "HTTP Activity: Unknown"),
            None => (99, ocsf::bounded(&word), "HTTP Activity: Other"),
        };
        rows.int(self.leaves.activity_id, id);
        rows.text(self.leaves.activity_name, name);
        rows.long(self.leaves.type_uid, 400_200 + i64::from(id));
        rows.text(self.leaves.type_name, type_name);
        match known {
            Some((method, ..)) => rows.text(self.leaves.http_method, method),
            None => self.leave("httpRequest.httpMethod", request.http_method()),
        }
        known.is_some()
    }

    fn headers(&mut self, rows: &mut Rows, request: &HttpRequest<'_>, seen: &mut Seen) {
        let Some(headers) = request.headers() else { return };
        if headers.kind != Kind::Array {
            self.unmapped.add("httpRequest.headers", headers);
            return;
        }
        let (mut cursor, mut first) = (headers.cursor(), true);
        while let Ok(true) = cursor.next_element(&mut first) {
            if !self.header(rows, &mut cursor, seen) {
                return;
            }
        }
    }

    /// Writes the header at the cursor. The text was read as a value before, so it is not false.
    fn header(&mut self, rows: &mut Rows, cursor: &mut Cursor<'_>, seen: &mut Seen) -> bool {
        if cursor.peek() != Some(b'{') {
            let Ok(value) = cursor.value() else { return false };
            self.unmapped.add("httpRequest.headers[]", value);
            return true;
        }
        let mut header = Header::default();
        if header.read(cursor).is_err() {
            return false;
        }
        self.leave_rest("httpRequest.headers[]", &header.rest);
        match (header.name().filter(Raw::is_scalar), header.value().filter(Raw::is_scalar)) {
            (Some(name), Some(value)) => {
                seen.any = true;
                rows.element(self.leaves.headers);
                self.put(rows, self.leaves.header_name, "httpRequest.headers[].name", Some(name));
                self.put(rows, self.leaves.header_value, "httpRequest.headers[].value", Some(value));
                self.known_header(rows, name, value, seen);
            }
            _ => {
                self.leave("httpRequest.headers[].name", header.name());
                self.leave("httpRequest.headers[].value", header.value());
            }
        }
        true
    }

    /// Writes a header that has a column of its own, too.
    fn known_header(&mut self, rows: &mut Rows, name: Raw<'_>, value: Raw<'_>, seen: &mut Seen) {
        let is = |wanted: &str| name.text.eq_ignore_ascii_case(wanted);
        let leaves = &self.leaves;
        let text = |scratch| ocsf::bounded(value.as_text(scratch).unwrap_or_default());
        match name.text.len() {
            4 if is("host") && !seen.host => {
                let host = hostname(text(&mut self.scratch));
                if host.is_empty() {
                    return;
                }
                seen.host = true;
                rows.text(leaves.dst_hostname, host);
                let mut path = "dst_endpoint.hostname";
                if seen.has_path {
                    rows.text(leaves.url_hostname, host);
                    path = "http_request.url.hostname";
                }
                let kind = match ocsf::is_ip(host) {
                    true => ObservableType::IpAddress,
                    false => ObservableType::Hostname,
                };
                leaves.observables.push(rows, path, kind, host);
            }
            7 if is("referer") => rows.text(leaves.referrer, text(&mut self.scratch)),
            10 if is("user-agent") => rows.text(leaves.user_agent, text(&mut self.scratch)),
            15 if is("x-forwarded-for") => {
                for address in text(&mut self.scratch).split(',').map(str::trim_ascii) {
                    if ocsf::is_ip(address) {
                        rows.element(leaves.forwarded);
                        rows.text(leaves.x_forwarded_for, address);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The host of a `Host` header, which may have a port.
fn hostname(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_their_ports() {
        for (header, host) in [
            ("www.example.com", "www.example.com"),
            ("www.example.com:8443", "www.example.com"),
            ("192.0.2.1:80", "192.0.2.1"),
            ("[2001:db8::1]:80", "[2001:db8::1]"),
            ("2001:db8::1", "2001:db8::1"),
            ("www.example.com:http", "www.example.com:http"),
            (":80", ""),
            ("", ""),
        ] {
            assert_eq!(hostname(header), host);
        }
    }
}
