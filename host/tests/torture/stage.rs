//! Where a scenario plays: a topic with its dead letters, keyspaces with the table, settings, and the commands that run
//! the program on them.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::built;
use crate::ledger::Record;
use crate::life::Life;
use crate::shelf;
use crate::support::{Servers, cassandra, unique, variable};

/// How the program is set in a scenario.
#[derive(Debug, Clone)]
pub struct Tuning {
    pub partitions: i32,
    pub replicas: i32,
    pub batch_records: usize,
    pub commit_interval_ms: u32,
    pub deadline_ms: u32,
    pub pace: Pace,
    /// More of the settings file.
    pub more: String,
}

/// How rows are written.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// As the program does by itself.
    Usual,
    /// One after the other, which makes a run last.
    Slow,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            partitions: 12,
            replicas: 1,
            batch_records: 100,
            commit_interval_ms: 200,
            // Far more than a good batch takes on a busy machine: a record is only called endless when a fresh instance
            // has not come back from it alone for this long.
            deadline_ms: 250,
            pace: Pace::Usual,
            more: String::new(),
        }
    }
}

/// Of a dead-letter topic: the broker's stamp says when a letter was published; its record's is in the headers.
const LETTERS: [(&str, &str); 1] = [("message.timestamp.type", "LogAppendTime")];

/// Records are stamped years ago and must stay nevertheless.
const KEEP: (&str, &str) = ("retention.ms", "-1");

pub struct Stage {
    pub servers: Servers,
    pub topic: String,
    pub partitions: i32,
    pub directory: TempDir,
    pub runtime: Runtime,
    name: String,
    pub tuning: Tuning,
    producer: BaseProducer,
}

/// A group, a table and a dead-letter topic on the stage: one way of reading its topic.
#[derive(Debug, Clone)]
pub struct Reading {
    pub group: String,
    pub keyspace: String,
    pub letters: String,
    settings: PathBuf,
}

impl Stage {
    pub fn new(name: &str, tuning: Tuning) -> Self {
        let servers = Servers::from_environment();
        let name = unique(&format!("torture_{name}"));
        let producer = ClientConfig::new()
            .set("bootstrap.servers", &servers.kafka)
            .set("enable.idempotence", "true")
            .set("linger.ms", "0")
            .create()
            .unwrap();
        let stage = Self {
            topic: name.replace('_', "-"),
            partitions: tuning.partitions,
            directory: tempfile::tempdir().unwrap(),
            runtime: Runtime::new().unwrap(),
            servers,
            name,
            tuning,
            producer,
        };
        stage.create_topic(
            &stage.topic,
            stage.partitions,
            &[("message.timestamp.after.max.ms", "9223372036854775807")],
        );
        stage
    }

    /// A reading with an empty table and no dead letters, in a group of its own.
    pub fn reading(&self, what: &str) -> Reading {
        let name = format!("{}_{what}", self.name);
        let letters = format!("{}-{what}-dlq", self.topic);
        self.create_topic(&letters, 1, &LETTERS);
        self.create_table(&name);
        let settings = self.settings(what, &name, &name, &letters);
        Reading {
            group: name.clone(),
            keyspace: name,
            letters,
            settings,
        }
    }

    /// The same table and letters, read from the beginning by another group.
    pub fn again(&self, reading: &Reading, what: &str) -> Reading {
        let group = format!("{}_{what}", self.name);
        Reading {
            settings: self.settings(what, &group, &reading.keyspace, &reading.letters),
            group,
            ..reading.clone()
        }
    }

    fn settings(&self, what: &str, group: &str, keyspace: &str, letters: &str) -> PathBuf {
        let Tuning {
            batch_records,
            commit_interval_ms,
            deadline_ms,
            pace,
            more,
            ..
        } = &self.tuning;
        let writes = match pace {
            Pace::Usual => "",
            Pace::Slow => "writes_in_flight = 1\nbatch_partitions = 0\n",
        };
        let text = format!(
            "[source]\ntopic = \"{}\"\ngroup = \"{group}\"\n\
             [source.kafka]\n\"heartbeat.interval.ms\" = 300\n\
             [sink.cassandra]\nkeyspace = \"{keyspace}\"\nrequest_timeout_ms = 3000\n\
             ttl = \"{}\"\n\
             {writes}\
             [plugin]\nfile = \"{}\"\n[plugin.settings]\nconfigure = \"ledger\"\n\
             [plugin.limits]\nmemory_mib = 8\ndeadline_ms = {deadline_ms}\nlog_lines_per_second = 5\n\
             [pipeline]\nbatch_records = {batch_records}\ncommit_interval_ms = {commit_interval_ms}\n\
             [dead_letters]\nto = \"{letters}\"\n{more}",
            self.topic,
            shelf::TTL,
            plugin().display(),
        );
        let path = self.directory.path().join(format!("{what}.toml"));
        std::fs::write(&path, text).unwrap();
        path
    }

    fn create_topic(&self, topic: &str, partitions: i32, settings: &[(&str, &str)]) {
        let admin = self.admin();
        let replicas = TopicReplication::Fixed(self.tuning.replicas);
        let new = NewTopic::new(topic, partitions, replicas).set(KEEP.0, KEEP.1);
        let new = settings.iter().fold(new, |new, (name, value)| new.set(name, value));
        let created = self.runtime.block_on(admin.create_topics([&new], &AdminOptions::new()));
        created.unwrap().remove(0).unwrap_or_else(|error| panic!("{error:?}"));
    }

    /// Sets how large a dead letter may be: with a byte, the topic takes none.
    pub fn bound_letters(&self, reading: &Reading, bytes: &str) {
        let alter = AlterConfig::new(ResourceSpecifier::Topic(&reading.letters)).set(KEEP.0, KEEP.1);
        let alter = LETTERS
            .iter()
            .fold(alter, |alter, (name, value)| alter.set(name, value));
        let alter = alter.set("max.message.bytes", bytes);
        let admin = self.admin();
        let altered = self
            .runtime
            .block_on(admin.alter_configs([&alter], &AdminOptions::new()));
        altered.unwrap().remove(0).unwrap_or_else(|error| panic!("{error:?}"));
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        ClientConfig::new()
            .set("bootstrap.servers", &self.servers.kafka)
            .create()
            .unwrap()
    }

    fn create_table(&self, keyspace: &str) {
        let replicas = self.servers.cassandra.split(',').count();
        self.runtime.block_on(async {
            let session = cassandra::session(&self.servers.cassandra).await;
            let statements = [
                format!(
                    "CREATE KEYSPACE {keyspace} WITH replication = \
                     {{'class': 'NetworkTopologyStrategy', 'replication_factor': {replicas}}}"
                ),
                format!(
                    "CREATE TABLE {keyspace}.ledger \
                     (id bigint PRIMARY KEY, behaviour text, number int, document text, note text)"
                ),
                format!("CREATE TABLE {keyspace}.shelf {}", shelf::DEFINITION),
            ];
            for statement in statements {
                session.query_unpaged(statement, ()).await.unwrap();
            }
        });
    }

    /// Produces the records, each acknowledged when this returns.
    pub fn produce(&self, records: &[Record]) {
        self.send(records);
        self.producer.flush(Duration::from_mins(1)).unwrap();
    }

    /// Hands the records to the client, which sends them at once.
    pub fn send(&self, records: &[Record]) {
        for record in records {
            let mut message = BaseRecord::<(), [u8]>::to(&self.topic)
                .partition(record.partition)
                .timestamp(record.timestamp_ms);
            message.payload = record.value.as_deref();
            while let Err((error, again)) = self.producer.send(message) {
                assert_eq!(
                    error,
                    KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull),
                    "a record is taken"
                );
                self.producer.poll(Duration::from_millis(50));
                message = again;
            }
        }
        self.producer.poll(Duration::ZERO);
    }

    /// `run` on a reading, without failpoints.
    pub fn command(&self, program: &str, reading: &Reading, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(["run", "--config"])
            .arg(&reading.settings)
            .args(arguments)
            .env_clear()
            .env("KAFKA_BOOTSTRAP_SERVERS", &self.servers.kafka)
            .env("CASSANDRA_CONTACT_POINTS", &self.servers.cassandra)
            .env("SCHEMA_REGISTRY_URL", &self.servers.registry)
            .current_dir(self.directory.path());
        command
    }

    /// Starts `command`; its log is `NAME.log` in the stage's folder.
    pub fn start(&self, name: &str, command: Command) -> Life {
        Life::start(command, &self.log(name))
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.log"))
    }

    /// Runs the ordinary program up to the end of the topic, undisturbed.
    pub fn read_to_end(&self, reading: &Reading) {
        let command = self.command(env!("CARGO_BIN_EXE_host"), reading, &["--exit-at-end"]);
        let mut life = self.start(&reading.group, command);
        let ended = life.wait(Duration::from_mins(20));
        assert!(
            ended.is_some_and(|status| status.success()),
            "{ended:?}:\n{}",
            life.last_words()
        );
    }

    /// Records that the group of a reading has committed, over all partitions.
    pub fn committed(&self, reading: &Reading) -> i64 {
        self.commit_points(reading).iter().sum()
    }

    /// The commit point of each partition, 0 where nothing is committed.
    pub fn commit_points(&self, reading: &Reading) -> Vec<i64> {
        let client: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.servers.kafka)
            .set("group.id", &reading.group)
            .create()
            .unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_range(&self.topic, 0, self.partitions - 1);
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let committed = client
                .committed_offsets(list.clone(), Duration::from_secs(20))
                .and_then(|list| {
                    // An error is no "nothing committed".
                    list.elements().iter().try_for_each(TopicPartitionListElem::error)?;
                    Ok(list)
                });
            match committed {
                Ok(list) => {
                    let point = |offset: Offset| offset.to_raw().unwrap_or(0).max(0);
                    return list.elements().iter().map(|element| point(element.offset())).collect();
                }
                // A broker that was killed may still look for the group's coordinator.
                Err(error) => assert!(Instant::now() < end, "the commit points cannot be read: {error}"),
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Waits until so many records are committed by members that live on.
    pub fn until_committed(&self, reading: &Reading, lives: &mut [Life], records: usize, patience: Duration) {
        let end = Instant::now() + patience;
        let wanted = i64::try_from(records).unwrap();
        loop {
            let committed = self.committed(reading);
            if committed == wanted {
                return;
            }
            assert!(
                committed < wanted && Instant::now() < end,
                "{committed} of {wanted} records are committed"
            );
            for life in &mut *lives {
                let ended = life.ended();
                assert!(ended.is_none(), "a member ended ({ended:?}):\n{}", life.last_words());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// The program with failpoints, which `host/tests/run torture` builds.
pub fn torture_program() -> String {
    variable("HOST_TORTURE")
}

/// The plugin that misbehaves, built once and put where the program can open it.
pub fn plugin() -> &'static PathBuf {
    static FILE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, file) = FILE.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("misbehaving.wasm");
        std::fs::write(&file, built::misbehaving()).unwrap();
        (directory, file)
    });
    file
}
