//! What the tests on real servers share: where the servers are, the program run in a folder of its own, and plain ways
//! to look at what it did.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by failing")]

pub mod busy;
pub mod cassandra;
pub mod collector;
pub mod http;
pub mod kafka;
pub mod orders;
pub mod program;
pub mod sink;

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where the servers of this run are, from the environment that `host/tests/run` sets.
pub struct Servers {
    pub kafka: String,
    pub cassandra: String,
    pub registry: String,
}

impl Servers {
    pub fn from_environment() -> Self {
        Self {
            kafka: variable("KAFKA_BOOTSTRAP_SERVERS"),
            cassandra: variable("CASSANDRA_CONTACT_POINTS"),
            registry: variable("SCHEMA_REGISTRY_URL"),
        }
    }
}

pub fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: `host/tests/run servers` starts the servers and sets it"))
}

/// A number from the environment, for a longer run than the usual one.
pub fn variable_or<T: std::str::FromStr>(name: &str, usual: T) -> T {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub fn plugin() -> String {
    let file = root().join("plugins/order_enrich.wasm");
    assert!(file.exists(), "{} is not built: make plugins", file.display());
    file.display().to_string()
}

/// A name that no other test of this run and no earlier run uses.
pub fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{what}_{}_{count}", std::process::id())
}

/// Runs the script that runs the servers: a real kill is a real kill.
pub fn services(arguments: &[&str]) {
    let script = root().join("host/tests/services/services");
    let output = Command::new(script)
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "services {}: {}{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
