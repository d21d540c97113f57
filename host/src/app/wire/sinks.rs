//! Opens the sinks of a run: the store of `--to` for outputs that go to tables, and topics for outputs that go to
//! topics.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::ends::store::Tables;
use super::lifetimes;
use super::services::topic_failure;
use super::{Settings, topics};
use crate::app::failure::Failure;
use crate::record::causes::chain;
use crate::record::descriptor::Descriptor;
use crate::sink::Sink;
use crate::sink::router::Router;
use crate::sink::topic::{self, TopicSink};
use crate::source::Running;

/// The connected store of `--to`. The sinks of all plugins write over its connections.
pub struct Sinks {
    tables: Arc<dyn Tables>,
}

impl Sinks {
    /// Takes the connected store. [`Sinks::for_another`] opens the sinks.
    pub fn new(tables: Arc<dyn Tables>) -> Self {
        Self { tables }
    }

    /// Opens the sink of the first plugin as well: finds its tables and topics and prepares its statements.
    /// `connecting` is the future of [`connect`], or one that gives its result.
    pub async fn open(
        settings: &Settings,
        connecting: impl Future<Output = Result<Arc<dyn Tables>, Failure>>,
        descriptor: &Descriptor,
    ) -> Result<(Self, Arc<dyn Sink>), Failure> {
        topics::refuse_loops(settings, descriptor).map_err(Failure::Usage)?;
        for remark in lifetimes::remarks(settings, descriptor) {
            tracing::warn!("{remark}");
        }
        let topics = to_topics(settings, descriptor).await.map_err(topic_failure)?;
        let sinks = Self::new(connecting.await?);
        let sink = sinks.tables.open(settings, descriptor).await?;
        Ok((sinks, routed(sink, topics)))
    }

    /// Has the store keep how far everything is settled, if it keeps this with its rows.
    pub fn keeping_progress(&self, running: Running) -> Running {
        Running {
            progress: self.tables.progress().unwrap_or(running.progress),
            ..running
        }
    }

    /// Completes when the rows that are written have no reader any more.
    pub fn closed(&self) -> BoxFuture<'static, ()> {
        self.tables.closed()
    }

    /// Opens the sink of a further plugin, with the same checks.
    pub async fn for_another(&self, settings: &Settings, descriptor: &Descriptor) -> Result<Arc<dyn Sink>, String> {
        topics::refuse_loops(settings, descriptor).map_err(|error| error.to_string())?;
        let topics = to_topics(settings, descriptor).await.map_err(|error| chain(&error))?;
        let sink = self.tables.open(settings, descriptor).await;
        Ok(routed(sink.map_err(|failure| failure.to_string())?, topics))
    }
}

/// Connects to the store that rows go to.
pub async fn connect(settings: &Settings) -> Result<Arc<dyn Tables>, Failure> {
    settings.to.connect(settings).await
}

/// Opens the sink for outputs that go to topics, if there are any.
async fn to_topics(settings: &Settings, descriptor: &Descriptor) -> Result<Option<TopicSink>, topic::OpenError> {
    if topics::are_produced(settings, descriptor) {
        TopicSink::open(&settings.kafka, descriptor).await.map(Some)
    } else {
        Ok(None)
    }
}

fn routed(tables: Arc<dyn Sink>, topics: Option<TopicSink>) -> Arc<dyn Sink> {
    match topics {
        Some(topics) => Arc::new(Router::new(tables, topics)),
        None => tables,
    }
}
