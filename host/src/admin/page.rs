//! Serves the page: one HTML file, its style and its script. The page asks for `/status.json` and `/history.json`. It
//! holds no data of its own, so it needs no token.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

/// Allows only this page's own files and requests, whatever a value from a record might try, and no framing.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page itself.
pub async fn html() -> Response {
    file("text/html; charset=utf-8", include_str!("page/index.html"))
}

/// The page's style.
pub async fn style() -> Response {
    file("text/css; charset=utf-8", include_str!("page/page.css"))
}

/// The page's script.
pub async fn script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("page/page.js"))
}

/// The page's icon.
pub async fn icon() -> Response {
    file("image/svg+xml", include_str!("page/icon.svg"))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind)], text).into_response()
}
