//! What every answer is made of.

use std::sync::Arc;

use axum::http::header::{self, HeaderValue};
use axum::response::{IntoResponse, Json, Response};

use super::control::SlotControl;
use super::gate::{Gate, Refusal};
use super::history::History;
use crate::pipeline::flow::parts::Parts;

/// What the answers are made of.
pub struct Answers {
    pub gate: Gate,
    pub parts: Arc<Parts>,
    pub history: Arc<History>,
    pub control: Option<Arc<dyn SlotControl>>,
    /// Held while a component is taken in.
    pub upload: tokio::sync::Mutex<()>,
}

/// A request that the gate refuses.
pub fn refused(refusal: Refusal) -> Response {
    let body = Json(serde_json::json!({ "error": refusal.to_string() }));
    let mut response = (refusal.status(), body).into_response();
    if refusal == Refusal::Token {
        let challenge = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
