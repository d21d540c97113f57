//! Ends a call before its deadline if its outcome is not wanted any more, because another plugin was swapped in or the
//! time of a trial is over.

use std::sync::Arc;

/// Tells whether a call is to end. It is asked at every tick of a long call, and between the calls of one batch.
#[derive(Clone, Default)]
pub struct Stop(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Stop {
    /// Stops calls once this is true. It is asked on the guest's thread, some hundred times a second.
    pub fn when(is_over: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is_over)))
    }

    /// Whether calls are to end.
    pub fn is_asked(&self) -> bool {
        self.0.as_ref().is_some_and(|is_over| is_over())
    }
}
