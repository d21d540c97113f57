//! The page: one HTML file, its style and its script, all from here. It asks for `/status.json` and `/history.json`, and
//! holds nothing of its own, so it needs no token.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

/// Nothing but this page's own files and questions, whatever a value from a record might try; framed by nobody.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub async fn html() -> Response {
    file("text/html; charset=utf-8", include_str!("page/index.html"))
}

pub async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("page/page.css"))
}

pub async fn script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("page/page.js"))
}

pub async fn icon() -> Response {
    file("image/svg+xml", include_str!("page/icon.svg"))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind)], text).into_response()
}
