//! What a table's own settings and its history do to a replay: a default TTL, which counts from each write, and columns
//! that were dropped and added again, which hide what is stamped before. Both are asked of `system_schema`, since the
//! driver's metadata does not have them.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};

use super::over::IsWhole;
use super::ttl::{Ttl, Ttls};
use crate::cassandra::asking::{Asking, Unanswered};
use crate::cassandra::binding::Binding;
use crate::cassandra::system_schema;
use crate::cassandra::table::Table;

/// The special features of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hazards {
    table: String,
    /// Its name as the setting takes it.
    name: String,
    default_ttl: Option<Ttl>,
    /// When each column of the table was dropped before it was added again, in milliseconds since 1970.
    dropped: BTreeMap<String, i64>,
    /// Whether it has static columns, which belong to no row.
    has_static: bool,
}

/// Cassandra did not say whether a table has a default TTL or columns that were dropped.
#[derive(Debug, thiserror::Error)]
#[error(
    "Cassandra does not say whether table {table} has a default TTL or columns that were dropped: {}",
    reason.cause()
)]
pub struct Unknown {
    table: String,
    /// Without its own words: it is part of the sentence.
    reason: Unanswered,
}

/// The remarks of `host check` on a table that is written: how long rows live by the settings, and
/// [`Hazards::remarks`].
pub async fn remarks(asking: &Asking<'_>, table: &Table, bindings: &[Binding], ttls: &Ttls) -> Vec<String> {
    let life = ttls.of(&table.name).map(|ttl| {
        let table = full_name(table);
        format!("table {table}: a row lives for {ttl} from the time of its record (sink.cassandra.ttl)")
    });
    let hazards = match Hazards::of(asking, table).await {
        Ok(hazards) => hazards.remarks(bindings, ttls),
        Err(unknown) => vec![unknown.to_string()],
    };
    life.into_iter().chain(hazards).collect()
}

impl Hazards {
    /// Asks the server.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn of(asking: &Asking<'_>, table: &Table) -> Result<Self, Unknown> {
        // A large future among small ones.
        Box::pin(Self::asked(asking, table)).await.map_err(|reason| Unknown {
            table: full_name(table),
            reason,
        })
    }

    async fn asked(asking: &Asking<'_>, table: &Table) -> Result<Self, Unanswered> {
        let (default, dropped) = futures::try_join!(
            system_schema::default_ttl(asking, &table.keyspace, &table.name),
            system_schema::dropped_columns(asking, &table.keyspace, &table.name),
        )?;
        let dropped = dropped.into_iter();
        Ok(Self {
            table: full_name(table),
            name: table.name.clone(),
            default_ttl: default.and_then(Ttl::of_table),
            dropped: dropped
                .filter(|(column, _)| table.columns.contains_key(column))
                .collect(),
            has_static: !table.static_columns.is_empty(),
        })
    }

    /// What an operator has to know to write the columns of `bindings`. `ttls` is what the settings say; deletes have
    /// no TTL.
    pub fn remarks(&self, bindings: &[Binding], ttls: &Ttls) -> Vec<String> {
        let default = self.default_ttl.filter(|_| ttls.of(&self.name).is_none());
        let default = default.map(|ttl| {
            format!(
                "table {} has default_time_to_live = {} s, which Cassandra counts from each write: a replay prolongs the \
                 life of its rows and brings expired ones back; with sink.cassandra.ttl = \"{}={ttl}\" it counts from the \
                 record's own time",
                self.table,
                ttl.seconds(),
                self.name
            )
        });
        let dropped = bindings.iter().filter_map(|binding| self.hidden(&binding.column));
        default.into_iter().chain(dropped).collect()
    }

    /// The rows and cells that a table may have lost since they were written. `ttl` is what the settings say of it.
    pub fn missing(&self, bindings: &[Binding], ttl: Option<Ttl>) -> Vec<String> {
        let (table, default) = (&self.table, self.default_ttl.filter(|_| ttl.is_none()));
        let life = ttl.map(|ttl| format!("{ttl} from the time of its record (sink.cassandra.ttl)"));
        let life =
            life.or_else(|| default.map(|ttl| format!("{} s from its writing (default_time_to_live)", ttl.seconds())));
        let life =
            life.map(|life| format!("a row of table {table} lives for {life}: those whose life is over are missing"));
        let dropped = bindings.iter().filter_map(|binding| self.hidden(&binding.column));
        life.into_iter().chain(dropped).collect()
    }

    /// Whether deleting and writing a row anew leaves nothing of the old one: static columns would stay.
    pub fn is_whole(&self) -> IsWhole {
        if self.has_static { IsWhole::No } else { IsWhole::Yes }
    }

    /// Why values of the column may not be visible, where it was dropped and added again.
    pub fn hidden(&self, column: &str) -> Option<String> {
        let at = self.dropped.get(column)?;
        let at = DateTime::from_timestamp_millis(*at).map_or_else(
            || format!("{at} ms"),
            |time| time.to_rfc3339_opts(SecondsFormat::Millis, true),
        );
        Some(format!(
            "column {column} of table {} was dropped at {at} and added again: Cassandra acknowledges what is written there with \
             an older write timestamp and never shows it, so a replay does not bring values of older records back; give the \
             field a new column for those",
            self.table
        ))
    }
}

fn full_name(table: &Table) -> String {
    format!("{}.{}", table.keyspace, table.name)
}
