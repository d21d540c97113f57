//! One running guest: its store, its deadline, its calls.

use std::sync::Arc;

use wasmtime::{Store, Trap};

use super::bindings::exports::host::transform::transformer::Descriptor as Described;
use super::bindings::{Plugin as Bindings, PluginPre};
use super::engine::EPOCH;
use super::error::{Breach, PluginError, TransformError};
use super::guest::{GuestState, cut};
use super::lift;
use super::limits::Limits;
use super::lower::Lowered;
use crate::record::columns::Batch;
use crate::record::descriptor::{Descriptor, Outcome};

/// A guest that can be called with batches.
pub struct Instance {
    running: Running,
    descriptor: Arc<Descriptor>,
    limits: Limits,
}

/// An instance and its store.
pub(super) struct Running {
    store: Store<GuestState>,
    bindings: Bindings,
}

impl Instance {
    pub(super) fn new(running: Running, descriptor: Arc<Descriptor>, limits: Limits) -> Self {
        Self {
            running,
            descriptor,
            limits,
        }
    }

    /// Calls the guest with one batch, whose columns belong to the descriptor's inputs in order.
    ///
    /// The instance comes back only where all went well: after a trap a guest cannot be called again, and after a
    /// broken contract it should not be.
    pub fn transform(mut self, batch: &Batch) -> Result<(Self, Outcome), TransformError> {
        let descriptor = Arc::clone(&self.descriptor);
        let lowered = Lowered::new(batch, &descriptor.inputs);
        let columns = lowered.columns();
        let input = lowered.batch(&columns);
        self.running.begin(self.limits);
        let called =
            self.running
                .bindings
                .host_transform_transformer()
                .call_transform(&mut self.running.store, input, &[]);
        let returned = called.map_err(|error| self.running.classify(error, self.limits))?;
        let outcome =
            lift::outcome(returned, batch.rows, &self.descriptor, self.limits).map_err(TransformError::Contract)?;
        Ok((self, outcome))
    }
}

impl Running {
    /// Starts the clock of one call.
    fn begin(&mut self, limits: Limits) {
        // One more tick, since the first may come at once.
        let ticks = limits
            .deadline
            .as_millis()
            .div_ceil(EPOCH.as_millis())
            .saturating_add(1);
        self.store.set_epoch_deadline(u64::try_from(ticks).unwrap_or(u64::MAX));
    }

    /// Calls a failed call by its name.
    fn classify(&self, error: wasmtime::Error, limits: Limits) -> TransformError {
        if self.store.data().wanted_too_much_memory {
            return TransformError::Memory {
                limit: limits.memory_bytes,
            };
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => TransformError::Deadline { limit: limits.deadline },
            Some(trap) => TransformError::Trap(wasmtime::Error::msg(trap.to_string())),
            // Not the guest's code but what it handed over: pointers, discriminants, UTF-8.
            None => {
                let message = cut(&format!("{error:#}"), 500);
                TransformError::Contract(Breach::Layout(wasmtime::Error::msg(message)))
            }
        }
    }
}

/// Instantiates and calls `configure`.
pub(super) fn configure(
    pre: &PluginPre<GuestState>,
    settings: &[(String, String)],
    limits: Limits,
    name: Arc<str>,
) -> Result<(Running, Described), PluginError> {
    let mut store = Store::new(pre.engine(), GuestState::new(limits, name));
    store.limiter(|state| state);
    store.set_epoch_deadline(u64::MAX / 2);
    store.epoch_deadline_trap();
    let bindings = pre.instantiate(&mut store).map_err(PluginError::Instantiate)?;
    let mut running = Running { store, bindings };
    let settings: Vec<_> = settings
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    running.begin(limits);
    let configured = running
        .bindings
        .host_transform_transformer()
        .call_configure(&mut running.store, &settings);
    match configured {
        Ok(Ok(described)) => Ok((running, described)),
        Ok(Err(message)) => Err(PluginError::Settings {
            message: cut(&message, 1000),
        }),
        Err(error) => Err(PluginError::Configure(running.classify(error, limits))),
    }
}
