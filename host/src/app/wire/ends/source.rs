//! The port of a source: the methods by which verbs use the place where records come from.

use std::io::Write;
use std::num::NonZeroU64;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};

use crate::app::failure::Failure;
use crate::app::say::say;
use crate::app::wire::Settings;
use crate::app::wire::finding::Finding;
use crate::app::wire::records::Records;
use crate::app::wire::services::source_failure;
use crate::config::ends::SourceEnd;
use crate::record::Record;
use crate::record::descriptor::Descriptor;
use crate::source::error::SourceError;
use crate::source::{Running, Until};
use crate::telemetry::otlp::Origin;

/// Starts to read from a source that was found to exist. From then on this host owns partitions of it.
pub type Start = Box<dyn FnOnce() -> Result<Running, SourceError> + Send>;

/// A place where records come from. A method with a body is for something that most sources do not have.
pub trait Source: SourceEnd {
    /// The place in words.
    fn place(&self) -> String;

    /// Checks that there is something to read, and reads nothing yet. Blocks.
    ///
    /// # Errors
    /// The topic or file does not exist, or the source cannot be reached.
    fn connect(&self, settings: &Settings, until: Until) -> Result<Start, SourceError>;

    /// Starts to read at once.
    ///
    /// # Errors
    /// [`Source::connect`] fails, or the source cannot start.
    fn start(&self, settings: &Settings, until: Until) -> Result<Running, SourceError> {
        self.connect(settings, until)?()
    }

    /// The source as spans describe it.
    fn origin(&self, _settings: &Settings) -> Origin {
        Origin::File
    }

    /// The subject of the records' schema in the registry. `None` if records have no schema.
    fn subject(&self) -> Option<String> {
        None
    }

    /// The latest records, for trying a candidate before it is swapped in.
    fn sample(&self, _settings: &Settings) -> BoxFuture<'static, Vec<Vec<Record>>> {
        ready(Vec::new()).boxed()
    }

    /// Reads records without a run: the first `limit` of them, or all. Nothing is committed.
    fn records(&self, settings: &Settings, limit: Option<NonZeroU64>) -> Result<Records, Failure> {
        let started = self.start(settings, Until::End);
        Ok(Records::of(started.map_err(source_failure)?, limit))
    }

    /// The names of all fields that records have. `None` if the records cannot be read a second time.
    fn field_names(&self) -> Option<Vec<String>> {
        None
    }

    /// Compares the source with the plugin's inputs, for `host check`.
    fn check<'a>(
        &'a self,
        _settings: &'a Settings,
        _descriptor: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Vec<Finding>, Failure>> {
        let note = format!("{}: its fields show when it is read", self.place());
        ready(Ok(vec![Finding::Note(note)])).boxed()
    }

    /// Creates what does not exist yet, for `host setup`, and prints a line for each thing. Returns the number of
    /// partitions that the topics of outputs should have, if the source has partitions.
    fn setup<'a>(
        &'a self,
        _settings: &'a Settings,
        out: &'a mut (dyn Write + Send),
    ) -> BoxFuture<'a, Result<Option<u16>, Failure>> {
        let said = say(out, &format!("{}: nothing to create", self.place()));
        ready(said.map(|()| None)).boxed()
    }
}
