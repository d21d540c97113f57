//! What the driver tries again by itself: a request whose connection broke, at the next node. That is for what is read;
//! rows are written through a node of the host's choice, which chooses again. Everything else is the pipeline's
//! to decide (`pipeline/trouble/fault.rs`).

use scylla::errors::RequestAttemptError;
use scylla::policies::retry::{RequestInfo, RetryDecision, RetryPolicy, RetrySession};

/// Each node of the plan is asked once at most, so this ends.
#[derive(Debug)]
pub struct NextNode;

impl RetryPolicy for NextNode {
    fn new_session(&self) -> Box<dyn RetrySession> {
        Box::new(Self)
    }
}

impl RetrySession for NextNode {
    fn decide_should_retry(&mut self, request: RequestInfo) -> RetryDecision {
        match request.error {
            // Our writes carry their write timestamp: made twice is made once.
            RequestAttemptError::BrokenConnectionError(_) if request.is_idempotent => {
                RetryDecision::RetryNextTarget(None)
            }
            _ => RetryDecision::DontRetry,
        }
    }

    fn reset(&mut self) {}
}
