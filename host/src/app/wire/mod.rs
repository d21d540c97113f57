//! The ends that a run can have: where records come from and where rows go. Each is one file here, which says how its
//! addresses are written and joins the port ([`source::Source`], [`store::Store`]) with the parts that do the work.
//!
//! To add one, write its file and add it to [`ENDS`]. Nothing else asks which end a run has.

mod cassandra;
mod file;
mod kafka;
pub mod source;
mod sqlite;
mod stdout;
pub mod store;
pub mod topic_fit;
pub mod topics;

use std::sync::Arc;

use crate::config::build;
use crate::config::ends::{Ends, Kinds};
use crate::config::settings;
use source::Source;
use store::Store;

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
    use crate::config::ends::Known;

    const KNOWN: Known<'_> = Known {
        topic: "orders",
        keyspace: "shop",
    };

    fn source(text: &str) -> String {
        ENDS.source(text, KNOWN)
            .map_or_else(|error| error.to_string(), |source| source.place())
    }

    fn store(text: &str) -> String {
        ENDS.store(text, KNOWN)
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
        assert_eq!((ENDS.sources.usual)(KNOWN).place(), "orders");
        assert_eq!((ENDS.stores.usual)(KNOWN).identity(), "cassandra shop");
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
