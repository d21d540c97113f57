//! wasmtime with the settings that every guest runs under: a pool of instances, an epoch that moves, and nothing in the
//! guest's instruction set that could make the same batch give another outcome.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::Component;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::cache::{self, CompileCache};
use super::error::PluginError;
use super::limits::Limits;
use crate::record::descriptor::Digest;

/// How often the epoch moves: a deadline is kept to within this time.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Instances at one time: one for each partition that has had a record (that of a replaced plugin is dropped before the
/// next one's is made), and one each for a trial and a shadow. More members of the group share the partitions; an instance
/// that is not there costs address space only.
pub(super) const MAX_INSTANCES: u32 = 256;

/// Elements of one table. Rust's guests have some hundreds of functions in it, an interpreter some thousands.
pub(super) const MAX_TABLE_ELEMENTS: usize = 20_000;

/// Core modules in one component, on average: Rust's have three, those of interpreters up to some twenty. The pool holds
/// this many for each instance, whichever of them takes more or fewer.
const CORE_INSTANCES_PER_COMPONENT: u32 = 8;

const WASM_PAGE: usize = 64 << 10;

/// The engine that compiles components and holds their instances; clones share it.
#[derive(Clone)]
pub struct PluginEngine {
    engine: Engine,
    cache: Option<Arc<CompileCache>>,
}

/// How much address space the pool may reserve. It is not memory: only what guests write to is.
#[derive(Debug, Clone, Copy)]
enum AddressSpace {
    /// 4 GiB for each instance, 1 TiB in all of the 128 TiB that a 64-bit system has: every 32-bit address falls within,
    /// so that guests run without bounds checks.
    Plenty,
    /// The memory limit for each instance, where `ulimit -v` or the system allows no more. Guests run with bounds checks.
    Scarce,
}

impl PluginEngine {
    /// # Errors
    /// This machine does not give the address space, or wasmtime does not support it.
    pub fn new(limits: Limits) -> Result<Self, PluginError> {
        Self::with(AddressSpace::Plenty, limits).or_else(|_| Self::with(AddressSpace::Scarce, limits))
    }

    fn with(space: AddressSpace, limits: Limits) -> Result<Self, PluginError> {
        let engine = Engine::new(&config(space, limits)).map_err(PluginError::Engine)?;
        let weak = engine.weak();
        // Ends within a tick once the last clone of the engine is dropped: components and instances hold one too.
        let tick = move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        };
        std::thread::Builder::new()
            .name("epoch".into())
            .spawn(tick)
            .map_err(PluginError::Thread)?;
        Ok(Self { engine, cache: None })
    }

    /// The same, which keeps what it compiles; `None`: it does not.
    #[must_use]
    pub fn keeping(self, cache: Option<CompileCache>) -> Self {
        let cache = cache.map(Arc::new);
        Self { cache, ..self }
    }

    /// Takes what was kept, or compiles. `digest` is that of `bytes`.
    pub(super) fn component(&self, bytes: &[u8], digest: &Digest) -> Result<Component, PluginError> {
        match &self.cache {
            Some(cache) => cache.component(&self.engine, bytes, digest),
            None => cache::compile(&self.engine, bytes),
        }
    }

    pub(super) fn wasmtime(&self) -> &Engine {
        &self.engine
    }
}

fn config(space: AddressSpace, limits: Limits) -> Config {
    let mut config = Config::new();
    let max_memory = match space {
        // The store bounds the memory, with an error that names the limit.
        AddressSpace::Plenty => 4 << 30,
        AddressSpace::Scarce => {
            let bytes = limits.memory_bytes.next_multiple_of(WASM_PAGE);
            config.memory_reservation(bytes as u64).memory_guard_size(0);
            bytes
        }
    };
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(MAX_INSTANCES)
        .total_core_instances(MAX_INSTANCES * CORE_INSTANCES_PER_COMPONENT)
        .total_memories(MAX_INSTANCES)
        .total_tables(MAX_INSTANCES * CORE_INSTANCES_PER_COMPONENT)
        .max_memories_per_component(1)
        .max_memory_size(max_memory)
        .table_elements(MAX_TABLE_ELEMENTS);
    config
        .epoch_interruption(true)
        .memory_init_cow(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    // The same batch gives the same outcome on every machine: no bit pattern of a NaN and no instruction whose result is
    // the processor's choice may show the difference.
    config.cranelift_nan_canonicalization(true).wasm_relaxed_simd(false);
    // What no compiler of plugins makes by default: less that could go wrong.
    config
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_tail_call(false);
    config
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;
    use std::time::Instant;

    use super::*;

    #[test]
    fn scarce_address_space_makes_an_engine_too() {
        PluginEngine::with(AddressSpace::Scarce, Limits::default()).expect("an engine");
    }

    #[test]
    fn the_epoch_stops_when_the_last_clone_is_dropped() {
        let first = PluginEngine::new(Limits::default()).expect("an engine");
        let weak = first.wasmtime().weak();
        let second = first.clone();
        drop(first);
        assert!(weak.upgrade().is_some());
        drop(second);
        // The ticker holds the engine for a moment only.
        let begun = Instant::now();
        while weak.upgrade().is_some() {
            assert!(begun.elapsed() < Duration::from_secs(10), "the ticker keeps the engine");
            sleep(TICK);
        }
    }
}
