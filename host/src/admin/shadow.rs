//! Answers requests to start, look at and end a candidate beside the current plugin.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};

use super::answers::{Answers, refused};
use super::gate::check_type;
use super::plugin::{COMPONENT_BYTES, no, read, signature};
use crate::pipeline::swap::swapper::Candidate;
use crate::pipeline::watch::share::Share;

/// Answers `GET /shadow` with the report so far, or 404 if nothing is shadowed.
pub async fn report(State(answers): State<Arc<Answers>>) -> Response {
    match answers.parts.plugins.shadow.report() {
        Some(report) => Json(report).into_response(),
        None => no(StatusCode::NOT_FOUND, "nothing is shadowed"),
    }
}

/// Answers `PUT /shadow?share=10%`, whose body is a component: 200 and its name, or 422 and the reasons if
/// it was refused.
pub async fn start(State(answers): State<Arc<Answers>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if let Err(refusal) = check_type(&head.headers, "application/wasm") {
        return refused(refusal);
    }
    let Some(control) = answers.control.clone() else {
        return no(StatusCode::NOT_IMPLEMENTED, "the plugin of this run cannot be changed");
    };
    let asked = head.uri.query().and_then(|query| query.strip_prefix("share="));
    let share: Result<Share, _> = asked.map_or(Ok(Share::default()), |text| text.trim_end_matches("%25").parse());
    let Ok(share) = share else {
        return no(
            StatusCode::BAD_REQUEST,
            "the share is not one of 1 to 100 per cent: ?share=10",
        );
    };
    let Ok(_turn) = answers.upload.try_lock() else {
        return no(StatusCode::CONFLICT, "another component is being taken in; try again");
    };
    let bytes = match read(&head.headers, body, COMPONENT_BYTES).await {
        Ok(bytes) => bytes,
        Err(response) => return *response,
    };
    let signature = match signature(&head.headers) {
        Ok(signature) => signature,
        Err(response) => return *response,
    };
    // The work gets a task of its own, so that it goes on to its end even if the caller goes away.
    let starting = tokio::spawn(control.shadow(Candidate { bytes, signature }, share));
    match starting.await {
        Ok(Ok(named)) => Json(named).into_response(),
        Ok(Err(reasons)) => {
            let body = serde_json::json!({ "outcome": "refused", "reasons": reasons });
            (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the shadow failed, a mistake in host");
            no(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the shadow failed; the log says more",
            )
        }
    }
}

/// Answers `DELETE /shadow`: ends the shadow and gives its report.
pub async fn stop(State(answers): State<Arc<Answers>>, request: Request) -> Response {
    if let Err(refusal) = check_type(request.headers(), "application/json") {
        return refused(refusal);
    }
    match answers.control.as_ref().and_then(|control| control.stop_shadow()) {
        Some(report) => Json(report).into_response(),
        None => no(StatusCode::NOT_FOUND, "nothing is shadowed"),
    }
}
