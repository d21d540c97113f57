//! Sets up wasmtime for all guests: a pool of instances, an epoch that moves, and an instruction set in which the same
//! batch always gives the same outcome.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::Component;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::cache::{self, CompileCache};
use super::error::PluginError;
use super::limits::Limits;
use crate::record::descriptor::Digest;

/// How often the epoch moves. Deadlines are kept to within this time.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Instances at one time. Each partition that has had a record needs one (a replaced plugin's is dropped before the
/// next one is made), and a trial and a shadow need one each. A host with more partitions than this needs more members
/// in its group to share them. An unused slot only costs address space.
pub(super) const MAX_INSTANCES: u32 = 256;

/// Elements of one table. Rust's guests have some hundreds of functions in it, interpreters some thousands.
pub(super) const MAX_TABLE_ELEMENTS: usize = 20_000;

/// Core modules in one component, on average: Rust's have three, those of interpreters up to some twenty. The pool has
/// room for this many per instance in total, and one instance may take more than another.
const CORE_INSTANCES_PER_COMPONENT: u32 = 8;

const WASM_PAGE: usize = 64 << 10;

/// The engine that compiles components and holds their instances. Clones share it.
#[derive(Clone)]
pub struct PluginEngine {
    engine: Engine,
    cache: Option<Arc<CompileCache>>,
}

/// How much address space the pool may reserve. Only the parts that guests write to become memory.
#[derive(Debug, Clone, Copy)]
enum AddressSpace {
    /// 4 GiB for each instance, 1 TiB in all of the 128 TiB that a 64-bit system has. Every 32-bit address falls
    /// within, so guests run without bounds checks.
    Plenty,
    /// Only the memory limit for each instance, if `ulimit -v` or the system allows no more. Guests run
    /// with bounds checks.
    Scarce,
}

impl PluginEngine {
    /// Sets up the engine and starts its ticker.
    ///
    /// # Errors
    /// If this machine does not give the address space, or wasmtime does not support it.
    pub fn new(limits: Limits) -> Result<Self, PluginError> {
        Self::with(AddressSpace::Plenty, limits).or_else(|_| Self::with(AddressSpace::Scarce, limits))
    }

    fn with(space: AddressSpace, limits: Limits) -> Result<Self, PluginError> {
        let engine = Engine::new(&config(space, limits)).map_err(PluginError::Engine)?;
        let weak = engine.weak();
        // The ticker ends within a tick after the last clone of the engine is dropped. Components and instances hold
        // clones too.
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

    /// Sets the cache for compiled components, or none.
    #[must_use]
    pub fn keeping(self, cache: Option<CompileCache>) -> Self {
        let cache = cache.map(Arc::new);
        Self { cache, ..self }
    }

    /// Takes the component from the cache, or compiles it. `digest` is that of `bytes`.
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
        // The store bounds the memory instead, with an error that names the limit.
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
    // The same batch must give the same outcome on every machine. So NaNs get one bit pattern, and instructions whose
    // result depends on the processor are off.
    config.cranelift_nan_canonicalization(true).wasm_relaxed_simd(false);
    // No compiler of plugins uses these features by default, and without them less can go wrong.
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
        // The ticker holds the engine only for a moment.
        let begun = Instant::now();
        while weak.upgrade().is_some() {
            assert!(begun.elapsed() < Duration::from_secs(10), "the ticker keeps the engine");
            sleep(TICK);
        }
    }
}
