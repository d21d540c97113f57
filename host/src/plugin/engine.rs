//! wasmtime with the settings that every guest runs under.

use std::time::Duration;

use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::error::PluginError;
use super::limits::Limits;

/// How often the epoch moves: a deadline is kept to within this time.
pub(super) const EPOCH: Duration = Duration::from_millis(10);

/// Instances at one time: one for each partition, twice over while a plugin is being replaced. An instance that is not
/// there costs address space only.
const MAX_INSTANCES: u32 = 256;

/// The engine that compiles components and holds their instances; clones share it.
#[derive(Clone)]
pub struct PluginEngine {
    engine: Engine,
}

impl PluginEngine {
    /// # Errors
    /// This machine does not give the address space, or wasmtime does not support it.
    pub fn new(limits: Limits) -> Result<Self, PluginError> {
        let engine = Engine::new(&config(limits)).map_err(PluginError::Engine)?;
        let weak = engine.weak();
        // Ends when the last engine is dropped.
        let tick = move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(EPOCH);
            }
        };
        std::thread::Builder::new()
            .name("epoch".into())
            .spawn(tick)
            .map_err(PluginError::Thread)?;
        Ok(Self { engine })
    }

    pub(super) fn wasmtime(&self) -> &Engine {
        &self.engine
    }
}

fn config(limits: Limits) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(MAX_INSTANCES)
        .total_core_instances(MAX_INSTANCES * 4)
        .total_memories(MAX_INSTANCES)
        .total_tables(MAX_INSTANCES * 4)
        .max_memories_per_component(1)
        .max_memory_size(limits.memory_bytes)
        .table_elements(20_000);
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .epoch_interruption(true)
        // The same batch gives the same outcome on every machine: no bit pattern of a NaN may show the difference.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .memory_init_cow(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}
