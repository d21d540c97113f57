//! A call that is to end before its deadline, since nobody wants its outcome any more: another plugin has been swapped in,
//! or the time of a trial is over.

use std::sync::Arc;

/// Asked at every tick of a call that takes long, and between the calls of one batch.
#[derive(Clone, Default)]
pub struct Stop(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Stop {
    /// Stops once this is true. It is asked from the guest's thread, some hundred times a second.
    pub fn when(is_over: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is_over)))
    }

    pub fn is_asked(&self) -> bool {
        self.0.as_ref().is_some_and(|is_over| is_over())
    }
}
