//! Serves the page: one HTML file, its style and its script in three modules. The page asks for `/status.json` and
//! `/history.json`. It holds no data of its own, so it needs no token.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;

/// Allows only this page's own files and requests, whatever a value from a record might try, and no framing.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                          base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// One file of the page.
struct File {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

static FILES: [File; 6] = [
    File {
        path: "/",
        kind: "text/html; charset=utf-8",
        text: include_str!("index.html"),
    },
    File {
        path: "/page.css",
        kind: "text/css; charset=utf-8",
        text: include_str!("page.css"),
    },
    File {
        path: "/page.js",
        kind: SCRIPT,
        text: include_str!("page.js"),
    },
    File {
        path: "/charts.js",
        kind: SCRIPT,
        text: include_str!("charts.js"),
    },
    File {
        path: "/format.js",
        kind: SCRIPT,
        text: include_str!("format.js"),
    },
    File {
        path: "/icon.svg",
        kind: "image/svg+xml",
        text: include_str!("icon.svg"),
    },
];

/// Whether the path is that of a file of the page.
pub fn has(path: &str) -> bool {
    FILES.iter().any(|file| file.path == path)
}

/// Answers with the page's files.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |router, file| {
        router.route(file.path, get(async || ([(CONTENT_TYPE, file.kind)], file.text)))
    })
}
