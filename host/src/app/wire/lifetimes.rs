//! Finds TTLs in the settings that no row gets.

use super::Settings;
use crate::record::descriptor::Descriptor;

/// Remarks on settings of TTL that have no effect, for the start of a run and for `host check`.
pub fn remarks(settings: &Settings, descriptor: &Descriptor) -> Vec<String> {
    let ttls = &settings.cassandra.ttl;
    if ttls.is_empty() {
        return Vec::new();
    }
    if !settings.to.has_ttl() {
        let place = settings.to.place();
        return vec![format!(
            "sink.cassandra.ttl is for tables of Cassandra: rows in {place} have no end"
        )];
    }
    let is_written = |name: &str| {
        let mut tables = descriptor.table_outputs();
        tables.any(|(_, _, table)| table.eq_ignore_ascii_case(name))
    };
    let strangers = ttls.named().filter(|name| !is_written(name));
    strangers
        .map(|name| format!("sink.cassandra.ttl names table {name}, and no output of the plugin goes there"))
        .collect()
}
