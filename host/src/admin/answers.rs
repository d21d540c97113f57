//! The parts that answers are made of, and the answer to a request that is refused.

use std::sync::Arc;

use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse, Json, Response};

use super::control::SlotControl;
use super::gate::{Gate, Refusal};
use super::history::History;
use crate::pipeline::flow::parts::Parts;

/// Everything that answers are made of.
pub struct Answers {
    pub gate: Gate,
    pub parts: Arc<Parts>,
    pub history: Arc<History>,
    pub control: Option<Arc<dyn SlotControl>>,
    /// Locked while a component is being uploaded.
    pub upload: tokio::sync::Mutex<()>,
}

/// The answer to a request that the gate refuses.
pub fn refused(refusal: Refusal) -> Response {
    let body = Json(serde_json::json!({ "error": refusal.to_string() }));
    let mut response = (refusal.status(), body).into_response();
    if refusal == Refusal::Token {
        let challenge = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
