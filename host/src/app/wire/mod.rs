//! What a run is composed of: its two ends ([`ends`]), the plugin ([`component`], [`trust`]), the sinks and the dead
//! letters, what is asked of the servers before it starts ([`preflight`]), and the versions of candidates ([`assemble`]).
//!
//! To add an end, write its file in `ends/` and add it to [`ENDS`]. Nothing else asks which end a run has.

pub(super) mod all_refused;
pub(super) mod assemble;
pub(super) mod component;
pub mod ends;
pub(super) mod finding;
pub(super) mod fleet;
pub(super) mod lifetimes;
pub(super) mod preflight;
pub(super) mod records;
pub(super) mod services;
pub(super) mod sinks;
pub mod topic_fit;
pub mod topics;
pub(super) mod trust;
pub(super) mod value_schema;

use std::sync::Arc;

use crate::config::build;
use crate::config::ends::{Ends, Kinds};
use crate::config::settings;
use ends::source::Source;
use ends::store::Store;
use ends::{cassandra, file, kafka, sqlite, stdout};

/// The settings of a run between two of these ends.
pub type Settings = settings::Settings<Arc<dyn Source>, Arc<dyn Store>>;

/// Settings as they are loaded for such a run.
pub type Loaded = build::Loaded<Arc<dyn Source>, Arc<dyn Store>>;

/// Every kind of end, in the order in which a message lists them.
pub const ENDS: Ends<Arc<dyn Source>, Arc<dyn Store>> = Ends {
    sources: Kinds {
        usual: kafka::usual,
        all: &[kafka::KIND, file::KIND],
    },
    stores: Kinds {
        usual: cassandra::usual,
        all: &[cassandra::KIND, sqlite::KIND, stdout::KIND],
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ends::AddressDefaults;

    const DEFAULTS: AddressDefaults<'_> = AddressDefaults {
        topic: "orders",
        keyspace: "shop",
    };

    fn source(text: &str) -> String {
        ENDS.source(text, DEFAULTS)
            .map_or_else(|error| error.to_string(), |source| source.place())
    }

    fn store(text: &str) -> String {
        ENDS.store(text, DEFAULTS)
            .map_or_else(|error| error.to_string(), |store| store.identity())
    }

    #[test]
    fn an_address_finds_its_kind() {
        assert_eq!(source("a/B.CSV.GZ"), "a/B.CSV.GZ");
        assert_eq!(source("x.jsonl"), "x.jsonl");
        assert_eq!(source("kafka://broker"), "orders");
        assert_eq!(store("x.sqlite3"), "sqlite x.sqlite3");
        assert_eq!(store("-"), "stdout");
        assert_eq!(store("cassandra://"), "cassandra shop");
        assert_eq!((ENDS.sources.usual)(DEFAULTS).place(), "orders");
        assert_eq!((ENDS.stores.usual)(DEFAULTS).identity(), "cassandra shop");
    }

    #[test]
    fn an_unknown_form_lists_the_known_ones() {
        assert_eq!(
            source("orders.xlsx"),
            "`orders.xlsx` is not a source of records; give kafka://BROKERS/TOPIC, or a file that ends in .csv, .csv.gz, \
             .ndjson, .ndjson.gz, .jsonl or .jsonl.gz"
        );
        assert_eq!(
            store("orders.parquet"),
            "`orders.parquet` is not a place for rows; give cassandra://NODES/KEYSPACE, a SQLite file that ends in .db, \
             .sqlite or .sqlite3, or - for standard output"
        );
        assert!(!source("http://u:hunter2@x").contains("hunter2"));
    }
}
