//! The changes of the plugin slot that the endpoint can ask for.

use std::sync::Arc;

use futures::future::BoxFuture;

use crate::pipeline::swap::swapper::{Candidate, Swapper};
use crate::pipeline::watch::shadowing::ShadowReport;
use crate::pipeline::watch::share::Share;
use crate::pipeline::watch::swaps::Named;
use crate::pipeline::watch::swaps::Swap;

/// Swaps, rolls back and shadows. Work that was begun goes on to its end even if the caller stops waiting for the
/// answer. `asked_by` goes into history and log: `admin 127.0.0.1:4711`.
pub trait SlotControl: Send + Sync {
    /// Checks the component and swaps it in, or says why not.
    fn swap(self: Arc<Self>, candidate: Candidate, asked_by: String) -> BoxFuture<'static, Swap>;
    /// Goes back to the last plugin that ran well before the current one. `to` is the digest that the caller was shown
    /// for it.
    fn roll_back(self: Arc<Self>, to: Option<String>, asked_by: String) -> BoxFuture<'static, Swap>;
    /// Swaps in the plugin that is shadowed.
    fn promote(self: Arc<Self>, asked_by: String) -> BoxFuture<'static, Swap>;
    /// Runs the component beside the current plugin from now on, or says why not.
    fn shadow(self: Arc<Self>, candidate: Candidate, share: Share) -> BoxFuture<'static, Result<Named, Vec<String>>>;
    /// Ends the shadow and gives its report, or `None` if there is no shadow.
    fn stop_shadow(&self) -> Option<ShadowReport>;
}

impl SlotControl for Swapper {
    fn swap(self: Arc<Self>, candidate: Candidate, asked_by: String) -> BoxFuture<'static, Swap> {
        Box::pin(async move { Self::swap(&self, candidate, &asked_by).await })
    }

    fn roll_back(self: Arc<Self>, to: Option<String>, asked_by: String) -> BoxFuture<'static, Swap> {
        Box::pin(async move { Self::roll_back(&self, to.as_deref(), &asked_by).await })
    }

    fn promote(self: Arc<Self>, asked_by: String) -> BoxFuture<'static, Swap> {
        Box::pin(async move { Self::promote(&self, &asked_by).await })
    }

    fn shadow(self: Arc<Self>, candidate: Candidate, share: Share) -> BoxFuture<'static, Result<Named, Vec<String>>> {
        Box::pin(async move { Self::shadow(&self, candidate, share).await })
    }

    fn stop_shadow(&self) -> Option<ShadowReport> {
        Self::stop_shadow(self)
    }
}
