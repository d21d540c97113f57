//! The port of a store: the methods by which verbs use the place where rows go.

use std::io::Write;
use std::sync::Arc;

use anyhow::anyhow;
use futures::FutureExt as _;
use futures::future::{BoxFuture, pending, ready};

use crate::app::failure::Failure;
use crate::app::wire::Settings;
use crate::app::wire::finding::Finding;
use crate::config::ends::StoreEnd;
use crate::progress::Progress;
use crate::record::descriptor::Descriptor;
use crate::sink::Sink;
use crate::sink::cassandra::OpenError;
use crate::sink::cassandra::explain::Explainer;
use crate::sink::read_back::ReadBack;

/// A place where rows go. A method with a body is for something that most stores do not have.
pub trait Store: StoreEnd {
    /// The place in words.
    fn place(&self) -> String;

    /// The store and the place in it, as part of a replay's fingerprint: a replay into another place is another replay.
    fn identity(&self) -> String;

    /// Connects. Nothing is created there yet.
    ///
    /// # Errors
    /// The store cannot be reached, or its settings are wrong.
    fn connect(&self, settings: &Settings) -> BoxFuture<'static, Result<Arc<dyn Tables>, Failure>>;

    /// Whether rows go to standard output. Then messages may not go there, and rows of outputs to topics are printed
    /// too.
    fn is_standard_output(&self) -> bool {
        false
    }

    /// Whether `sink.cassandra.ttl` has an effect on rows here.
    fn has_ttl(&self) -> bool {
        false
    }

    /// Compares the store with the plugin's outputs, for `host check`.
    fn check<'a>(
        &'a self,
        _settings: &'a Settings,
        _descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Vec<Finding>, Failure>> {
        ready(Ok(Vec::new())).boxed()
    }

    /// Creates what does not exist yet, for `host setup`, and prints a line for each thing. Without a replication
    /// factor, a store that has one uses three, or as many as it has nodes.
    fn setup<'a>(
        &'a self,
        _settings: &'a Settings,
        _replication_factor: Option<u8>,
        _out: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<(), Failure>> {
        ready(Ok(())).boxed()
    }

    /// Opens the store for reading rows back, for `host verify`.
    fn read_back<'a>(
        &'a self,
        _settings: &'a Settings,
        _descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Box<dyn ReadBack>, Failure>> {
        let message = format!(
            "rows in {} cannot be read back: --to cassandra://NODES/KEYSPACE or FILE.db",
            self.place()
        );
        ready(Err(Failure::Usage(anyhow!(message)))).boxed()
    }

    /// Opens what shows the CQL that would write a row, for `host explain`. `None` if the store has no CQL.
    fn explainer<'a>(
        &'a self,
        _settings: &'a Settings,
        _descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Option<Explainer>, OpenError>> {
        ready(Ok(None)).boxed()
    }
}

/// A store that is connected. The sinks of all plugins of a run share the connection.
pub trait Tables: Send + Sync {
    /// Opens the sink of a plugin: finds or creates the table of each output that goes to one.
    ///
    /// # Errors
    /// A table is not there or does not fit, or the store does not answer.
    fn open<'a>(
        &'a self,
        settings: &'a Settings,
        descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Arc<dyn Sink>, Failure>>;

    /// The progress, if the store keeps it with its rows. It then replaces the source's own.
    fn progress(&self) -> Option<Arc<dyn Progress>> {
        None
    }

    /// Completes when the rows that were written have no reader any more, so that there is no use in writing more.
    fn closed(&self) -> BoxFuture<'static, ()> {
        pending().boxed()
    }
}
