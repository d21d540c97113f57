//! Decides who may ask for what. Any web page in a browser on this machine can send requests to this endpoint, under a
//! name of its own (DNS rebinding) or blindly (a form, an image). Such a page must not learn or change anything.
//!
//! 1. If the endpoint listens at a loopback address, `Host` must be a name of it. At any other address a token is
//!    required, which such a page does not have.
//! 2. `Origin`, which a browser sends with every request that changes something, must be the endpoint itself.
//! 3. If a token is set, `Authorization: Bearer …` must show it. Exempt are `/live` and `/ready`, which tell only what a
//!    probe needs, and the page's own files, which hold no data.
//! 4. A request that changes something must have a content type that a form cannot send.

use std::net::IpAddr;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use subtle::ConstantTimeEq as _;

use super::page;
use crate::connection::Secret;

/// Paths that are open to probes, which know no token and may use any name.
const PROBES: [&str; 2] = ["/live", "/ready"];

/// The rules for one endpoint.
pub struct Gate {
    address: IpAddr,
    token: Option<Secret>,
}

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("asked under a name that is not this endpoint's; use its address or localhost")]
    Host,
    #[error("asked by a page of another origin")]
    Origin,
    #[error("the content type must be {0}")]
    ContentType(&'static str),
    #[error("the token is missing or wrong; send `Authorization: Bearer TOKEN` (admin.token)")]
    Token,
}

impl Refusal {
    /// The HTTP status of the answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Host => StatusCode::MISDIRECTED_REQUEST,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::ContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Token => StatusCode::UNAUTHORIZED,
        }
    }
}

impl Gate {
    /// Makes the rules for an endpoint at this address.
    pub fn new(address: IpAddr, token: Option<Secret>) -> Self {
        Self { address, token }
    }

    /// Checks whether this request may be answered at all.
    pub fn check(&self, method: &Method, path: &str, headers: &HeaderMap) -> Result<(), Refusal> {
        if PROBES.contains(&path) {
            return Ok(());
        }
        let host = text(headers, HOST.as_str());
        if self.address.is_loopback() && !host.is_some_and(|host| self.is_ours(host)) {
            return Err(Refusal::Host);
        }
        if headers.contains_key(ORIGIN) && !is_same_origin(text(headers, ORIGIN.as_str()), host) {
            return Err(Refusal::Origin);
        }
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        let is_foreign = site.is_some_and(|site| site != b"same-origin" && site != b"none");
        if is_foreign && *method != Method::GET && *method != Method::HEAD {
            return Err(Refusal::Origin);
        }
        // The page holds no data, and asks the user for the token.
        if page::has(path) {
            return Ok(());
        }
        self.check_token(headers)
    }

    fn check_token(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(token) = &self.token else { return Ok(()) };
        let shown = text(headers, AUTHORIZATION.as_str())
            .and_then(bearer)
            .unwrap_or_default();
        if bool::from(shown.as_bytes().ct_eq(token.reveal().as_bytes())) {
            Ok(())
        } else {
            Err(Refusal::Token)
        }
    }

    /// Whether the host is this endpoint. The port is not compared, since a tunnel may use another one.
    fn is_ours(&self, host: &str) -> bool {
        let name = without_port(host);
        let ip = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        name.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip == self.address || ip.is_loopback())
    }
}

/// Checks that a request that changes something has this content type. Parameters may follow it.
pub fn check_type(headers: &HeaderMap, wanted: &'static str) -> Result<(), Refusal> {
    let found = text(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let essence = found.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(wanted) {
        Ok(())
    } else {
        Err(Refusal::ContentType(wanted))
    }
}

/// The value of a header that comes exactly once.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    value.to_str().ok()
}

fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn is_same_origin(origin: Option<&str>, host: Option<&str>) -> bool {
    let authority = origin
        .and_then(|origin| origin.split_once("://"))
        .map(|(_, authority)| authority);
    authority
        .zip(host)
        .is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::http::HeaderName;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let mut headers = HeaderMap::new();
        for (name, value) in pairs.iter().map(pair) {
            headers.append(name, value);
        }
        headers
    }

    fn put(gate: &Gate, pairs: &[(&'static str, &'static str)]) -> Result<(), Refusal> {
        gate.check(&Method::PUT, "/plugin", &headers(pairs))
    }

    #[test]
    fn only_names_of_the_loopback_are_answered_there() {
        let gate = Gate::new(Ipv4Addr::LOCALHOST.into(), None);
        for host in [
            "127.0.0.1:7171",
            "localhost:7171",
            "LOCALHOST",
            "[::1]:7171",
            "localhost:8080",
        ] {
            assert_eq!(put(&gate, &[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "evil.example:7171",
            "localhost.evil.example",
            "192.168.0.7:7171",
            "",
            "127.0.0.1.evil.example",
        ] {
            assert_eq!(put(&gate, &[("host", host)]), Err(Refusal::Host), "{host}");
        }
        assert_eq!(put(&gate, &[]), Err(Refusal::Host));
        let twice = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(put(&gate, &twice), Err(Refusal::Host));
        assert_eq!(
            gate.check(&Method::GET, "/ready", &headers(&[("host", "10.0.0.1:7171")])),
            Ok(())
        );
    }

    #[test]
    fn an_origin_must_be_the_endpoint_itself_port_included() {
        let gate = Gate::new(Ipv4Addr::LOCALHOST.into(), None);
        let with = |origin| put(&gate, &[("host", "localhost:7171"), ("origin", origin)]);
        assert_eq!(with("http://localhost:7171"), Ok(()));
        for origin in [
            "http://localhost:3000",
            "http://evil.example",
            "null",
            "http://localhost:7171.evil.example",
        ] {
            assert_eq!(with(origin), Err(Refusal::Origin), "{origin}");
        }
        let site = |site| put(&gate, &[("host", "localhost:7171"), ("sec-fetch-site", site)]);
        assert_eq!(site("same-origin"), Ok(()));
        assert_eq!(site("none"), Ok(()));
        assert_eq!(site("same-site"), Err(Refusal::Origin));
        assert_eq!(site("cross-site"), Err(Refusal::Origin));
        let link = headers(&[("host", "localhost:7171"), ("sec-fetch-site", "cross-site")]);
        assert_eq!(gate.check(&Method::GET, "/", &link), Ok(()), "a link to the page");
    }

    #[test]
    fn with_a_token_nothing_but_probes_and_the_page_goes_without_it() {
        let gate = Gate::new(Ipv4Addr::UNSPECIFIED.into(), Some(Secret::new("0123456789abcdef")));
        let get = |path: &str, pairs: &[_]| gate.check(&Method::GET, path, &headers(pairs));
        for path in [
            "/live",
            "/ready",
            "/",
            "/page.js",
            "/charts.js",
            "/format.js",
            "/page.css",
        ] {
            assert_eq!(get(path, &[]), Ok(()), "{path}");
        }
        for path in ["/metrics", "/status.json", "/history.json", "/plugin", "/nowhere"] {
            assert_eq!(get(path, &[]), Err(Refusal::Token), "{path}");
        }
        assert_eq!(get("/metrics", &[("authorization", "Bearer 0123456789abcdef")]), Ok(()));
        for wrong in [
            "Bearer 0123456789abcdeX",
            "Bearer ",
            "Basic 0123456789abcdef",
            "0123456789abcdef",
            "Bearer 0123456789abcdef0",
        ] {
            assert_eq!(
                get("/metrics", &[("authorization", wrong)]),
                Err(Refusal::Token),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_content_type_that_a_form_can_have_is_refused() {
        let of = |found| check_type(&headers(&[("content-type", found)]), "application/wasm");
        assert_eq!(of("application/wasm"), Ok(()));
        assert_eq!(of("Application/WASM; x=y"), Ok(()));
        for form in [
            "text/plain",
            "multipart/form-data",
            "application/x-www-form-urlencoded",
            "",
        ] {
            assert!(of(form).is_err(), "{form}");
        }
        assert!(check_type(&headers(&[]), "application/wasm").is_err());
    }
}
