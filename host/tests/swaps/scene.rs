//! A topic of three partitions, a table, and plugins made of `plugins/variants`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use scylla::client::session::Session;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Runtime;

pub use crate::built::variant;
use crate::support::cassandra;
use crate::support::program::{Job, Running};

pub const PARTITIONS: i32 = 3;

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_mins(2);

pub struct Scene {
    pub job: Job,
    pub runtime: Runtime,
    pub session: Session,
    producer: BaseProducer,
    next_id: AtomicI64,
}

/// A row as it is in the table, by partition and offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub id: i64,
    pub made_by: String,
}

/// The name of a variant, as its rows have it.
pub fn name(component: &[u8]) -> String {
    let mark = b"variant:";
    let at = component.windows(mark.len()).position(|bytes| bytes == mark).unwrap() + mark.len();
    let name = component[at..].split(|byte| *byte == b' ').next().unwrap();
    String::from_utf8(name.to_vec()).unwrap()
}

pub fn digest(component: &[u8]) -> String {
    let hex: String = Sha256::digest(component)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

impl Scene {
    pub fn new(name: &str) -> Self {
        let mut job = Job::new(name);
        // Partitions move within a second of a kill.
        job.more_settings += "[source.kafka]\n\"session.timeout.ms\" = 6000\n\"heartbeat.interval.ms\" = 300\n\
            [pipeline]\nbatch_records = 100\ncommit_interval_ms = 200\n";
        let runtime = Runtime::new().unwrap();
        let session = runtime.block_on(cassandra::session(&job.servers.cassandra));
        let keyspace = &job.keyspace;
        runtime.block_on(async {
            for cql in [
                format!(
                    "CREATE KEYSPACE {keyspace} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': 1}}"
                ),
                format!(
                    "CREATE TABLE {keyspace}.variants (id bigint PRIMARY KEY, partition int, offset bigint, made_by text, mirror text)"
                ),
            ] {
                session.query_unpaged(cql, ()).await.unwrap();
            }
            let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
                .set("bootstrap.servers", &job.servers.kafka)
                .create()
                .unwrap();
            let letters = format!("{}-dlq", job.topic);
            let topics = [
                NewTopic::new(&job.topic, PARTITIONS, TopicReplication::Fixed(1)),
                NewTopic::new(&letters, 1, TopicReplication::Fixed(1)),
            ];
            for created in admin.create_topics(&topics, &AdminOptions::new()).await.unwrap() {
                created.unwrap();
            }
        });
        let producer = ClientConfig::new()
            .set("bootstrap.servers", &job.servers.kafka)
            .set("linger.ms", "2")
            .create()
            .unwrap();
        Self {
            job,
            runtime,
            session,
            producer,
            next_id: AtomicI64::new(0),
        }
    }

    /// Where `host run` has its plugin from.
    pub fn file(&self) -> PathBuf {
        self.job.directory.path().join("plugin.wasm")
    }

    /// Puts the component into its place, as a deployment should.
    pub fn place(&self, component: &[u8]) {
        let beside = self.job.directory.path().join("plugin.wasm.new");
        std::fs::write(&beside, component).unwrap();
        std::fs::rename(beside, self.file()).unwrap();
    }

    /// Runs with what is in the plugin's place.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let (file, status) = (self.job.path("plugin.wasm"), self.job.path("status.json"));
        let mut all = vec!["run", "--plugin", &file, "--status", &status];
        if !arguments.contains(&"--admin") {
            all.extend(["--admin", "off"]);
        }
        all.extend(arguments);
        let mut running = self.job.start(&all);
        running.until("running");
        running
    }

    /// Produces records with the next ids, one after another to all partitions; those ids by 100 leave at least `least`. The
    /// last id.
    pub fn produce(&self, count: i64, least: i64) -> i64 {
        let (mut sent, mut last_id) = (0, 0);
        while sent < count {
            let id = self.next_id.fetch_add(1, Ordering::Relaxed);
            if id % 100 < least {
                continue;
            }
            let value = format!("{{\"id\":{id}}}");
            let partition = i32::try_from(sent % i64::from(PARTITIONS)).unwrap();
            let record = BaseRecord::<(), str>::to(&self.job.topic)
                .partition(partition)
                .timestamp(now_ms())
                .payload(&value);
            self.producer.send(record).map_err(|(error, _)| error).unwrap();
            sent += 1;
            last_id = id;
        }
        // `flush` looks every 100 ms only.
        let end = Instant::now() + PATIENCE;
        while self.producer.in_flight_count() > 0 {
            assert!(Instant::now() < end, "the brokers do not take the records");
            self.producer.poll(Duration::from_millis(1));
        }
        last_id
    }

    /// Records so far, where none were left out.
    pub fn produced(&self) -> i64 {
        self.next_id.load(Ordering::Relaxed)
    }

    /// Waits until the status says that so many records are settled.
    pub fn until_settled(&self, count: usize) {
        self.until(|| {
            let status = self.status();
            let settled = (0..PARTITIONS).map(|number| {
                let partition = &status["partitions"][format!("{}/{number}", self.job.topic)];
                partition["settled"].as_u64().unwrap_or(0)
            });
            let settled: u64 = settled.sum();
            if settled == count as u64 {
                Ok(())
            } else {
                Err(format!("{settled} of {count} settled"))
            }
        });
    }

    /// The table, by partition and offset; every row is of one variant.
    pub fn rows(&self) -> BTreeMap<(i32, i64), Row> {
        let cql = format!(
            "SELECT partition, offset, id, made_by, mirror FROM {}.variants",
            self.job.keyspace
        );
        let result = self.runtime.block_on(self.session.query_unpaged(cql, ())).unwrap();
        let rows = result.into_rows_result().unwrap();
        let rows = rows.rows::<(i32, i64, i64, String, String)>().unwrap();
        let mut found = BTreeMap::new();
        for row in rows {
            let (partition, offset, id, made_by, mirror) = row.unwrap();
            let expected: String = made_by.bytes().map(|byte| char::from(b' ' + b'~' - byte)).collect();
            assert_eq!(
                mirror, expected,
                "{partition}@{offset} is half of {made_by}, half of another"
            );
            let earlier = found.insert((partition, offset), Row { id, made_by });
            assert_eq!(earlier, None, "{partition}@{offset} is one row");
        }
        found
    }

    /// Waits until there are so many rows.
    pub fn until_rows(&self, count: usize) -> BTreeMap<(i32, i64), Row> {
        self.until(|| {
            let rows = self.rows();
            if rows.len() >= count {
                Ok(rows)
            } else {
                Err(format!("{} of {count} rows", rows.len()))
            }
        })
    }

    /// What the status file says.
    pub fn status(&self) -> Json {
        self.until(|| {
            let text = std::fs::read_to_string(self.job.path("status.json")).map_err(|error| error.to_string())?;
            serde_json::from_str(&text).map_err(|error| error.to_string())
        })
    }

    /// The history's last swap once there are so many.
    pub fn until_swaps(&self, count: usize) -> Json {
        self.until(|| {
            let status = self.status();
            let history = status["plugin"]["history"].as_array().unwrap();
            match history.last() {
                Some(last) if history.len() >= count => Ok(last.clone()),
                _ => Err(status.to_string()),
            }
        })
    }

    /// Tries until it comes right.
    #[expect(clippy::unused_self, reason = "reads as what is waited for: the scene")]
    pub fn until<T>(&self, attempt: impl Fn() -> Result<T, String>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            match attempt() {
                Ok(found) => return found,
                Err(instead) => assert!(Instant::now() < end, "it never came; instead: {instead}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The fences of each partition: digest and first offset.
    pub fn fences(&self) -> BTreeMap<i32, Vec<(String, i64)>> {
        let status = self.status();
        let of = |partition: &Json| -> Vec<(String, i64)> {
            let fences = partition["fences"].as_array().unwrap().iter();
            fences
                .map(|fence| {
                    (
                        fence["digest"].as_str().unwrap().to_owned(),
                        fence["from"].as_i64().unwrap(),
                    )
                })
                .collect()
        };
        (0..PARTITIONS)
            .map(|number| {
                (
                    number,
                    of(&status["partitions"][format!("{}/{number}", self.job.topic)]),
                )
            })
            .collect()
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}
