//! Lists the requests and who answers them.

use super::answers::{Answers, refused};
use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};

use super::server::Peer;
use super::{page, plugin, shadow};
use crate::pipeline::flow::scrape;
use crate::pipeline::watch::status::Status;

/// Headers of every answer. They forbid to cache it, to guess its type, to frame it and to pass its address on.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, page::POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// All routes of the endpoint.
pub fn router(answers: Answers) -> Router {
    let answers = Arc::new(answers);
    page::router()
        .route("/live", get(live))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/status.json", get(status))
        .route("/history.json", get(history))
        .route("/plugin", get(plugin::describe).put(plugin::put))
        .route("/plugin/rollback", post(plugin::roll_back))
        .route("/plugin/promote", post(plugin::promote))
        .route("/shadow", get(shadow::report).put(shadow::start).delete(shadow::stop))
        .layer(middleware::from_fn_with_state(Arc::clone(&answers), pass))
        .with_state(answers)
}

/// Asks the gate, logs who changed or tried to change something, and adds the headers to the answer.
async fn pass(
    State(answers): State<Arc<Answers>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = match answers.gate.check(&method, &path, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refused(refusal),
    };
    let status = response.status().as_u16();
    if method.is_safe() {
        tracing::debug!(%peer, %method, path, status, "asked");
    } else if response.status().is_success() {
        tracing::info!(%peer, %method, path, status, "asked to change the plugin");
    } else {
        tracing::warn!(%peer, %method, path, status, "asked to change the plugin, which was not done");
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Says that the process answers.
async fn live() -> &'static str {
    "live\n"
}

/// Says whether records flow, and what the pipeline waits for if they do not.
async fn ready(State(answers): State<Arc<Answers>>, headers: HeaderMap) -> Response {
    let status = answers.parts.watch.board.latest();
    let reasons = reasons(status.as_deref());
    let code = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let wants_json = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"));
    if wants_json {
        let body = serde_json::json!({ "ready": reasons.is_empty(), "reasons": reasons });
        return (code, Json(body)).into_response();
    }
    if reasons.is_empty() {
        return (code, "ready\n").into_response();
    }
    let mut text = String::new();
    for reason in reasons {
        // Writing into a String does not fail.
        let _ = writeln!(text, "{reason}");
    }
    (code, text).into_response()
}

/// Why records do not flow. Empty if they do.
fn reasons(status: Option<&Status>) -> Vec<String> {
    let Some(status) = status else {
        return vec!["starting".to_owned()];
    };
    if status.ready {
        return Vec::new();
    }
    let waiting = status.waiting.iter().map(|waiting| {
        let what = if waiting.halted { "halted at" } else { "waiting for" };
        format!("{what} {} for {} s: {}", waiting.what, waiting.seconds, waiting.error)
    });
    let reasons: Vec<_> = waiting.collect();
    if reasons.is_empty() {
        return vec![status.state.to_string()];
    }
    reasons
}

async fn metrics(State(answers): State<Arc<Answers>>) -> Response {
    match scrape::text(&answers.parts) {
        Ok(text) => ([(header::CONTENT_TYPE, scrape::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot write the metrics, a mistake in host");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Answers with the same content as the status file.
async fn status(State(answers): State<Arc<Answers>>) -> Response {
    match answers.parts.watch.board.latest() {
        Some(status) => Json(&*status).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Answers with the samples after the one at AT: `?after=AT`.
async fn history(State(answers): State<Arc<Answers>>, uri: Uri) -> Response {
    let after = uri.query().and_then(|query| query.strip_prefix("after="));
    let samples = answers.history.after(after.and_then(|at| at.parse().ok()).unwrap_or(0));
    Json(samples.iter().map(AsRef::as_ref).collect::<Vec<_>>()).into_response()
}
