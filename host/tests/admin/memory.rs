//! A plugin that keeps memory, in a real run: its instances are replaced, counted, and no record is rejected.

use std::time::{Duration, Instant};

use crate::built::misbehaving;
use crate::stage::endpoint;
use crate::support::http;
use crate::support::program::Job;

/// Far more than the first batches take.
const PATIENCE: Duration = Duration::from_mins(1);

const RECORDS: usize = 60_000;

#[test]
fn instances_whose_memory_has_grown_are_replaced_and_counted() {
    let mut job = Job::without_servers("memory");
    job.variables
        .push(("HOST_PLUGIN_MEMORY_MIB".to_owned(), "8".to_owned()));
    std::fs::write(job.path("plugin.wasm"), misbehaving()).expect("a file");
    let record = |number: usize| format!("{{\"behaviour\":\"ok {number}\",\"number\":{number}}}\n");
    job.write("records.ndjson", &(0..RECORDS).map(record).collect::<String>());
    let run = [
        "run",
        "--plugin",
        "plugin.wasm",
        "--from",
        "records.ndjson",
        "--to",
        "rows.db",
        "--batch-records",
        "200",
    ];
    // 600 MiB in all.
    let leak = ["--set", "leak-kib=10", "--admin", "127.0.0.1:0"];
    let mut running = job.start(&[&run[..], &leak].concat());
    let address = endpoint(&mut running);
    let end = Instant::now() + PATIENCE;
    loop {
        let text = http::ask(&address, "GET", "/metrics", &[], b"").body;
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|line| line.parse().ok()).unwrap_or(0.0)
        };
        assert!(value("host_guest_memory_bytes") <= f64::from(8 << 20));
        if value("host_guest_instances_recycled_total") >= 2.0 {
            break;
        }
        assert!(Instant::now() < end, "{text}");
    }
    let seen = running.finish().succeeded();
    seen.says(&format!(
        "read {RECORDS} records: {RECORDS} rows written, 0 filtered, 0 rejected"
    ));
}
