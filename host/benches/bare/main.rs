//! Hand-written loops, as bounds for `host run`: a consumer that only reads, and the driver that only writes the same typed
//! rows, from memory. Each prints one line of JSON: what it did, how long it took, and how much processor time of its own.
//!
//! ```text
//! bare consume BROKERS TOPIC
//! bare drive NODE KEYSPACE ROWS SINGLES_OR_BATCH IN_FLIGHT     one row a statement: 1; CQL batches of 10: 10
//! bare count NODE KEYSPACE
//! bare ahead BROKERS TOPIC ROWS EVERY     records that no decoder can read, one of EVERY stamped two hours ahead
//! ```

mod ahead;
mod consume;
mod drive;
mod rows;

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Wall-clock and processor time since its creation.
pub struct Watch {
    begun: Instant,
    processor: Duration,
}

impl Watch {
    pub fn start() -> Self {
        Self {
            begun: Instant::now(),
            processor: processor_time(),
        }
    }

    /// One line of JSON for the script that reads it.
    #[expect(clippy::print_stdout, reason = "what it is asked for")]
    pub fn say(&self, count: u64) {
        let seconds = self.begun.elapsed().as_secs_f64();
        let processor = processor_time().saturating_sub(self.processor).as_secs_f64();
        println!(r#"{{"count":{count},"seconds":{seconds:.6},"cpu_seconds":{processor:.6}}}"#);
    }
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["consume", brokers, topic] => consume::run(brokers, topic),
        ["drive", node, keyspace, rows, batch, in_flight] => on_all_cores(drive::run(drive::Wanted {
            node: node.to_owned(),
            keyspace: keyspace.to_owned(),
            rows: rows.parse()?,
            batch: batch.parse()?,
            in_flight: in_flight.parse()?,
        })),
        ["ahead", brokers, topic, rows, every] => on_all_cores(ahead(
            brokers.to_owned(),
            topic.to_owned(),
            rows.parse()?,
            every.parse()?,
        )),
        ["count", node, keyspace] => on_all_cores(drive::count(node.to_owned(), keyspace.to_owned())),
        _ => Err("see the first lines of benches/bare/main.rs".into()),
    }
}

async fn ahead(brokers: String, topic: String, rows: u64, every: u64) -> Result<(), Failure> {
    ahead::run(&brokers, &topic, rows, every).await
}

/// The runtime that `host` has.
fn on_all_cores(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}
