//! Kinds of ends for tests of the settings: what the program's own tell of themselves, and nothing behind it.

use std::path::{Path, PathBuf};

use crate::config::address;
use crate::config::ends::{AddressDefaults, Ends, Kind, Kinds, Refusal, SourceEnd, StoreEnd};
use crate::source::nature::Nature;
use crate::source::{file, kafka};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestSource {
    Topic(String),
    File(PathBuf),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestStore {
    Keyspace(String),
    File(PathBuf),
}

pub const KINDS: Ends<TestSource, TestStore> = Ends {
    sources: Kinds {
        usual: topic,
        all: &[
            Kind {
                form: "kafka://BROKERS/TOPIC",
                read: |text, defaults| address::is_kafka(text).then(|| Ok(topic(defaults))),
            },
            Kind {
                form: "a file that ends in .csv or .ndjson",
                read: |text, _| read_file(text, &[".csv", ".ndjson"], TestSource::File),
            },
        ],
    },
    stores: Kinds {
        usual: keyspace,
        all: &[
            Kind {
                form: "cassandra://NODES/KEYSPACE",
                read: |text, defaults| address::is_cassandra(text).then(|| Ok(keyspace(defaults))),
            },
            Kind {
                form: "a file that ends in .db",
                read: |text, _| read_file(text, &[".db"], TestStore::File),
            },
            Kind {
                form: "- for nothing",
                read: |_, _| None,
            },
        ],
    },
};

fn topic(defaults: AddressDefaults<'_>) -> TestSource {
    TestSource::Topic(defaults.topic.to_owned())
}

fn keyspace(defaults: AddressDefaults<'_>) -> TestStore {
    TestStore::Keyspace(defaults.keyspace.to_owned())
}

fn read_file<E>(text: &str, endings: &[&str], end: fn(PathBuf) -> E) -> Option<Result<E, Refusal>> {
    address::ends(text, endings).then(|| Ok(end(text.into())))
}

impl SourceEnd for TestSource {
    fn nature(&self) -> Nature {
        match self {
            Self::Topic(_) => kafka::config::NATURE,
            Self::File(_) => file::NATURE,
        }
    }

    fn topic(&self) -> Option<&str> {
        match self {
            Self::Topic(topic) => Some(topic),
            Self::File(_) => None,
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Self::Topic(_) => None,
            Self::File(path) => Some(path),
        }
    }
}

impl StoreEnd for TestStore {
    fn path(&self) -> Option<&Path> {
        match self {
            Self::Keyspace(_) => None,
            Self::File(path) => Some(path),
        }
    }
}
