//! Answers requests to look at the plugin, to swap it, and to roll it back.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::answers::{Answers, refused};
use super::control::SlotControl;
use super::gate::check_type;
use super::server::Peer;
use crate::pipeline::swap::swapper::Candidate;
use crate::pipeline::watch::status::Held;
use crate::pipeline::watch::swapping::Swapping;
use crate::pipeline::watch::swaps::Named;
use crate::pipeline::watch::swaps::Swap;
use crate::pipeline::watch::swaps::SwapOutcome;
use crate::record::descriptor::{Effect, Field};

/// The most bytes of a component. Those of this project have less than 1 MiB; one with a Python interpreter
/// has some 40.
pub(super) const COMPONENT_BYTES: usize = 64 << 20;

/// The most time for an upload: as many bytes over a line of 10 Mbit/s.
const UPLOAD: Duration = Duration::from_mins(1);

/// The header with a component's signature.
pub const SIGNATURE: &str = "host-signature";

/// The most bytes of other bodies. That of a rollback has a digest at most.
pub(super) const SMALL_BYTES: usize = 1 << 10;

#[derive(Debug, Serialize)]
struct Described {
    name: String,
    version: String,
    digest: String,
    size_bytes: usize,
    imports: Vec<String>,
    on_probation: bool,
    /// Whether this run can take another plugin.
    changeable: bool,
    /// The plugin that a rollback leads to: the last one that ran well before this one.
    back: Option<Named>,
    held: Option<Held>,
    /// The swap that is under way.
    swapping: Option<Swapping>,
    inputs: Vec<DescribedInput>,
    outputs: Vec<DescribedOutput>,
    /// The latest swaps, the oldest first.
    history: Vec<Swap>,
}

#[derive(Debug, Serialize)]
struct DescribedField {
    name: String,
    #[serde(rename = "type")]
    data_type: &'static str,
    nullable: bool,
}

#[derive(Debug, Serialize)]
struct DescribedInput {
    #[serde(flatten)]
    field: DescribedField,
    from: String,
}

#[derive(Debug, Serialize)]
struct DescribedOutput {
    name: String,
    target: String,
    effect: &'static str,
    fields: Vec<DescribedField>,
}

/// Answers `GET /plugin`.
pub async fn describe(State(answers): State<Arc<Answers>>) -> Response {
    let slot = &answers.parts.plugins.slot;
    let version = slot.current();
    let (plugin, descriptor) = (&version.plugin, version.plugin.descriptor());
    let inputs = descriptor.inputs.iter().map(|input| DescribedInput {
        field: field(&input.field),
        from: input.origin.to_string(),
    });
    let outputs = descriptor.outputs.iter().map(|output| DescribedOutput {
        name: output.name.clone(),
        target: output.target.to_string(),
        effect: match output.effect {
            Effect::Upsert => "upsert",
            Effect::Delete => "delete",
        },
        fields: output.fields.iter().map(field).collect(),
    });
    let described = Described {
        name: descriptor.name.clone(),
        version: descriptor.version.clone(),
        digest: version.digest().to_string(),
        size_bytes: plugin.size_bytes(),
        imports: plugin.imports().to_vec(),
        on_probation: slot.is_on_probation(),
        changeable: answers.control.is_some(),
        back: slot.way_back().map(|back| back.identity().into()),
        held: slot.held(),
        swapping: answers.parts.plugins.swapping.now(),
        inputs: inputs.collect(),
        outputs: outputs.collect(),
        history: slot.history.swaps(),
    };
    Json(described).into_response()
}

/// Answers `PUT /plugin`, whose body is a component: 200 and the swap, or 422 if it was refused.
pub async fn put(State(answers): State<Arc<Answers>>, peer: Extension<Peer>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    if let Err(refusal) = check_type(&head.headers, "application/wasm") {
        return refused(refusal);
    }
    // Only one upload at a time, so that memory for one component is enough.
    let Ok(_turn) = answers.upload.try_lock() else {
        return no(StatusCode::CONFLICT, "another component is being swapped in; try again");
    };
    let bytes = match read(&head.headers, body, COMPONENT_BYTES).await {
        Ok(bytes) => bytes,
        Err(response) => return *response,
    };
    if bytes.is_empty() {
        return no(StatusCode::BAD_REQUEST, "the body is empty; send a component");
    }
    let signature = match signature(&head.headers) {
        Ok(signature) => signature,
        Err(response) => return *response,
    };
    let candidate = Candidate { bytes, signature };
    change(&answers, *peer, |control, asked_by| control.swap(candidate, asked_by)).await
}

/// Answers `POST /plugin/promote`, which has no body or an empty JSON object.
pub async fn promote(State(answers): State<Arc<Answers>>, peer: Extension<Peer>, request: Request) -> Response {
    match small(request).await {
        Ok(_) => change(&answers, *peer, |control, asked_by| control.promote(asked_by)).await,
        Err(response) => *response,
    }
}

/// The body of a request that needs few bytes.
async fn small(request: Request) -> Result<Vec<u8>, Box<Response>> {
    let (head, body) = request.into_parts();
    check_type(&head.headers, "application/json").map_err(|refusal| Box::new(refused(refusal)))?;
    read(&head.headers, body, SMALL_BYTES).await
}

/// The signature that was sent with the component, if any. It is the text of `FILE.sig`, in Base64, since it has
/// several lines.
pub(super) fn signature(headers: &HeaderMap) -> Result<Option<String>, Box<Response>> {
    let Some(value) = headers.get(SIGNATURE) else {
        return Ok(None);
    };
    let text = BASE64_STANDARD
        .decode(value.as_bytes())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let wrong = || {
        Box::new(no(
            StatusCode::BAD_REQUEST,
            "the header host-signature is not Base64 of a signature's text",
        ))
    };
    text.map(Some).ok_or_else(wrong)
}

/// The body of a rollback.
#[derive(Debug, Default, Deserialize)]
struct RollBack {
    /// The digest that the caller was shown for the plugin to go back to.
    to: Option<String>,
}

/// Answers `POST /plugin/rollback`. It has no body, or a JSON object with the digest `to` go back to, as in `back` of
/// `GET /plugin`. If it would lead to another plugin by now, it is refused.
pub async fn roll_back(State(answers): State<Arc<Answers>>, peer: Extension<Peer>, request: Request) -> Response {
    let body = match small(request).await {
        Ok(body) => body,
        Err(response) => return *response,
    };
    let asked: Result<RollBack, _> = if body.is_empty() {
        Ok(RollBack::default())
    } else {
        serde_json::from_slice(&body)
    };
    let Ok(RollBack { to }) = asked else {
        return no(
            StatusCode::BAD_REQUEST,
            "the body is not a JSON object with the digest to go back to: {\"to\": \"sha256:…\"}",
        );
    };
    change(&answers, *peer, |control, asked_by| control.roll_back(to, asked_by)).await
}

async fn change(
    answers: &Answers,
    Peer(peer): Peer,
    ask: impl FnOnce(Arc<dyn SlotControl>, String) -> BoxFuture<'static, Swap>,
) -> Response {
    let Some(control) = &answers.control else {
        return no(StatusCode::NOT_IMPLEMENTED, "the plugin of this run cannot be changed");
    };
    // The swap gets a task of its own, so that it goes on to its end even if the caller goes away.
    let swapping = tokio::spawn(ask(Arc::clone(control), format!("admin {peer}")));
    match swapping.await {
        Ok(swap) => {
            let status = match swap.outcome {
                SwapOutcome::Refused { .. } => StatusCode::UNPROCESSABLE_ENTITY,
                SwapOutcome::Swapped | SwapOutcome::Unchanged | SwapOutcome::RolledBack { .. } => StatusCode::OK,
            };
            (status, Json(swap)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the swap failed, a mistake in host");
            no(StatusCode::INTERNAL_SERVER_ERROR, "the swap failed; the log says more")
        }
    }
}

/// Reads the whole body, within its bounds of size and time.
pub(super) async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Vec<u8>, Box<Response>> {
    let too_large = || {
        let message = format!("the body is larger than {limit} bytes");
        Box::new(no(StatusCode::PAYLOAD_TOO_LARGE, &message))
    };
    let said = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    match timeout(UPLOAD, to_bytes(body, limit)).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        // The body is too large, or the connection broke. In the latter case the answer is not read anyway.
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(Box::new(no(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not come in time",
        ))),
    }
}

/// The answer to a request that cannot be done.
pub(super) fn no(status: StatusCode, message: &str) -> Response {
    (status, Json(serde_json::json!({ "error": message }))).into_response()
}

fn field(field: &Field) -> DescribedField {
    DescribedField {
        name: field.name.clone(),
        data_type: field.data_type.name(),
        nullable: field.nullable,
    }
}
