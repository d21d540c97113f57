//! One running guest: its store, its deadline and its calls.

use std::ops::AddAssign;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::{PoolConcurrencyLimitError, Store, Trap};

use super::bindings::exports::host::transform::transformer::Descriptor as Described;
use super::bindings::{Plugin as Bindings, PluginPre};
use super::engine::MAX_INSTANCES;
use super::error::{Breach, PluginError, TransformError};
use super::guest::GuestState;
use super::lift;
use super::limits::Limits;
use super::log::{LogGate, cut, one_line};
use super::lower::Lowered;
use super::stop::Stop;
use crate::record::columns::Batch;
use crate::record::descriptor::{Descriptor, Outcome};

/// An instance is worth replacing when it has filled one part in this many of the memory that a new instance and the
/// largest batch leave free. Half would let a guest that needs much come near its limit; a tenth would replace it often
/// for little.
const WELL_PAST: usize = 4;

/// Longer messages of a refused `configure` or of a panic are cut.
const MAX_MESSAGE_BYTES: usize = 1000;

/// A guest that can be called with batches.
pub struct Instance {
    running: Running,
    descriptor: Arc<Descriptor>,
    /// Bytes that it held when it was new.
    fresh_bytes: usize,
    /// The most bytes that one call has added.
    largest_step: usize,
}

/// Where the time of one call went, by the wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallTimes {
    /// Time to prepare the columns for lending.
    pub lower: Duration,
    /// Time to copy the batch into the guest's memory, for the guest's work, and to copy the outcome out.
    pub guest: Duration,
    /// Time to check the outcome and make columns of it.
    pub lift: Duration,
}

impl AddAssign for CallTimes {
    fn add_assign(&mut self, other: Self) {
        self.lower += other.lower;
        self.guest += other.guest;
        self.lift += other.lift;
    }
}

/// An instance and its store.
pub(super) struct Running {
    store: Store<GuestState>,
    bindings: Bindings,
    limits: Limits,
}

impl Instance {
    pub(super) fn new(running: Running, descriptor: Arc<Descriptor>) -> Self {
        let fresh_bytes = running.store.data().held_bytes;
        Self {
            running,
            descriptor,
            fresh_bytes,
            largest_step: 0,
        }
    }

    /// Calls the guest with one batch. The columns must be those of the descriptor's inputs, in order, each with the
    /// Arrow type of its field.
    ///
    /// After an error drop the instance: a guest that trapped cannot be called again, and one that broke its contract
    /// should not be.
    pub fn transform(&mut self, batch: &Batch) -> Result<Outcome, TransformError> {
        self.transform_timed(batch).map(|(outcome, _)| outcome)
    }

    /// Does the same, and tells where the time went. Reading the clock takes 0.1 us of a call.
    pub fn transform_timed(&mut self, batch: &Batch) -> Result<(Outcome, CallTimes), TransformError> {
        #[cfg(feature = "native-guest")]
        if let Some(outcome) = super::native::transform(batch) {
            return Ok((outcome, CallTimes::default()));
        }
        let begun = Instant::now();
        let held_before = self.held_bytes();
        let Self {
            running, descriptor, ..
        } = self;
        let lowered = Lowered::new(batch, &descriptor.inputs);
        let columns = lowered.columns();
        let lowered_at = Instant::now();
        set_deadline(&mut running.store, running.limits);
        let transformer = running.bindings.host_transform_transformer();
        let returned = transformer
            .call_transform(&mut running.store, lowered.batch(&columns), &[])
            .map_err(|error| classify(&mut running.store, error, running.limits));
        running.store.data_mut().write_last_words();
        let returned = returned?;
        let returned_at = Instant::now();
        let outcome =
            lift::outcome(returned, batch.rows, descriptor, running.limits).map_err(TransformError::Contract)?;
        let times = CallTimes {
            lower: lowered_at - begun,
            guest: returned_at - lowered_at,
            lift: returned_at.elapsed(),
        };
        self.largest_step = self.largest_step.max(self.held_bytes() - held_before);
        Ok((outcome, times))
    }

    /// Sets when calls are to end before their deadline, from the next call on.
    pub fn stop_when(&mut self, stop: Stop) {
        self.running.store.data_mut().stop = stop;
    }

    /// Linear memory that it holds now, in bytes. A guest cannot give memory back, so this is also the most that it
    /// ever held.
    pub fn held_bytes(&self) -> usize {
        self.running.store.data().held_bytes
    }

    /// Whether a new instance should take the next batch, since this one's memory only grows. That is so if it is past
    /// its share of the limit, and well past what a new one would hold after the largest batch so far. A guest that
    /// needs much from the start, or for one batch, is kept: a new one would soon hold as much.
    pub fn is_outgrown(&self) -> bool {
        let Limits {
            memory_bytes,
            recycle_percent,
            ..
        } = self.running.limits;
        let share = memory_bytes / 100 * recycle_percent as usize;
        let needed = self.fresh_bytes + self.largest_step;
        let well_past = needed + memory_bytes.saturating_sub(needed) / WELL_PAST;
        self.held_bytes() > share.max(well_past) && recycle_percent < 100
    }
}

impl Running {
    /// Instantiates the component and calls `configure`, each within the limits.
    pub fn start(
        pre: &PluginPre<GuestState>,
        settings: &[(String, String)],
        limits: Limits,
        log: Arc<LogGate>,
    ) -> Result<(Self, Described), PluginError> {
        let mut store = Store::new(pre.engine(), GuestState::new(limits.memory_bytes, log));
        store.limiter(|state| state);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().tick()));
        // A guest's outcome lies in its memory once. Twice that size leaves room for the host's wider structures, and
        // stops a guest that returns the same bytes again and again.
        store.set_hostcall_fuel(limits.memory_bytes.saturating_mul(2));
        // A start function runs before the first call.
        set_deadline(&mut store, limits);
        let instance = pre
            .instance_pre()
            .instantiate(&mut store)
            .map_err(|error| start_failure(&mut store, error, limits))?;
        let bindings = Bindings::new(&mut store, &instance).map_err(PluginError::World)?;
        let settings: Vec<_> = settings
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        set_deadline(&mut store, limits);
        let configured = bindings
            .host_transform_transformer()
            .call_configure(&mut store, &settings)
            .map_err(|error| classify(&mut store, error, limits));
        store.data_mut().write_last_words();
        match configured {
            Ok(Ok(described)) => {
                let running = Self {
                    store,
                    bindings,
                    limits,
                };
                Ok((running, described))
            }
            Ok(Err(message)) => Err(PluginError::Settings {
                message: cut(&message, MAX_MESSAGE_BYTES),
            }),
            Err(error) => Err(PluginError::Configure(error)),
        }
    }
}

/// Starts the clock of one call.
fn set_deadline(store: &mut Store<GuestState>, limits: Limits) {
    store.data_mut().begin_call(limits.deadline);
    store.set_epoch_deadline(1);
}

/// Finds out why a call failed.
fn classify(store: &mut Store<GuestState>, error: wasmtime::Error, limits: Limits) -> TransformError {
    if store.data().wanted_too_much_memory {
        return TransformError::Memory {
            limit: limits.memory_bytes,
        };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) if store.data().was_stopped => TransformError::Stopped,
        Some(Trap::Interrupt) => TransformError::Deadline { limit: limits.deadline },
        // A panic ends in this trap. Before any other trap, such as a full stack, the guest's last line does not
        // explain it.
        Some(&trap @ Trap::UnreachableCodeReached) => match store.data_mut().take_last_words() {
            Some(words) => TransformError::Panicked {
                message: cut(&one_line(&words), MAX_MESSAGE_BYTES),
            },
            None => TransformError::Trap(trap),
        },
        Some(&trap) => TransformError::Trap(trap),
        // The guest's code did not fail, but its outcome is wrong: pointers, discriminants, UTF-8, too many bytes.
        None => TransformError::Contract(Breach::Layout(error)),
    }
}

/// Finds out why instantiation failed.
fn start_failure(store: &mut Store<GuestState>, error: wasmtime::Error, limits: Limits) -> PluginError {
    if error.is::<PoolConcurrencyLimitError>() {
        return PluginError::NoRoom { limit: MAX_INSTANCES };
    }
    if store.data().wanted_too_much_memory || error.is::<Trap>() {
        let failure = classify(store, error, limits);
        store.data_mut().write_last_words();
        return PluginError::Start(failure);
    }
    PluginError::World(error)
}
