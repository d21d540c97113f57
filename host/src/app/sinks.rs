//! The sinks of a run: where `--to` says, for the outputs that go to tables, and the topics of those that go to topics.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::failure::Failure;
use super::services::{cassandra_failure, connect_failure, topic_failure};
use super::{lifetimes, topics};
use crate::config::settings::{Settings, To};
use crate::record::causes::chain;
use crate::record::descriptor::Descriptor;
use crate::sink::Sink;
use crate::sink::router::Router;
use crate::sink::topic::{self, TopicSink};
use crate::sink::{cassandra::CassandraSink, cassandra::Cluster, print::PrintSink, sqlite::SqliteSink};

/// The sink that `--to` names, over whose connections those of further plugins write.
pub enum Sinks {
    Cassandra(Arc<CassandraSink>),
    Sqlite,
    Stdout(Arc<PrintSink>),
}

impl Sinks {
    /// With the sink of the first plugin: its tables and topics found and its statements prepared. `connecting` is
    /// [`connect`], or what became of it.
    pub async fn open(
        settings: &Settings,
        connecting: impl Future<Output = Result<Option<Cluster>, Failure>>,
        descriptor: &Descriptor,
    ) -> Result<(Self, Arc<dyn Sink>), Failure> {
        topics::refuse_loops(settings, descriptor).map_err(Failure::Usage)?;
        for remark in lifetimes::remarks(settings, descriptor) {
            tracing::warn!("{remark}");
        }
        let topics = to_topics(settings, descriptor).await.map_err(topic_failure)?;
        let (sinks, tables): (_, Arc<dyn Sink>) = match &settings.to {
            To::Cassandra { keyspace } => {
                let Some(cluster) = connecting.await? else {
                    unreachable!("rows go to a cluster")
                };
                let opened = CassandraSink::open_on(cluster, &settings.cassandra, keyspace, descriptor).await;
                let sink = Arc::new(opened.map_err(cassandra_failure)?);
                (Self::Cassandra(Arc::clone(&sink)), sink)
            }
            To::Sqlite(path) => {
                let opened = SqliteSink::open(path, descriptor);
                let sink = opened.map_err(|error| Failure::Usage(error.into()))?;
                (Self::Sqlite, Arc::new(sink))
            }
            To::Stdout => {
                let sink = Arc::new(PrintSink::new(descriptor));
                (Self::Stdout(Arc::clone(&sink)), sink)
            }
        };
        Ok((sinks, routed(tables, topics)))
    }

    /// Completes when standard output has no reader any more.
    pub fn closed(&self) -> BoxFuture<'static, ()> {
        match self {
            Self::Stdout(sink) => {
                let sink = Arc::clone(sink);
                Box::pin(async move { sink.closed().await })
            }
            Self::Cassandra(_) | Self::Sqlite => Box::pin(std::future::pending()),
        }
    }

    /// The sink of a further plugin, by the same checks.
    pub async fn for_another(&self, settings: &Settings, descriptor: &Descriptor) -> Result<Arc<dyn Sink>, String> {
        topics::refuse_loops(settings, descriptor).map_err(|error| error.to_string())?;
        let topics = to_topics(settings, descriptor).await.map_err(|error| chain(&error))?;
        let tables: Arc<dyn Sink> = match (self, &settings.to) {
            (Self::Cassandra(sink), To::Cassandra { keyspace }) => {
                let opened = sink.open_beside(&settings.cassandra, keyspace, descriptor).await;
                Arc::new(opened.map_err(|error| chain(&error))?)
            }
            (Self::Sqlite, To::Sqlite(path)) => {
                Arc::new(SqliteSink::open(path, descriptor).map_err(|error| chain(&error))?)
            }
            (Self::Stdout(sink), _) => Arc::new(sink.beside(descriptor)),
            _ => unreachable!("the sink was opened with these settings"),
        };
        Ok(routed(tables, topics))
    }
}

/// The cluster that rows go to, where `--to` names one.
pub async fn connect(settings: &Settings) -> Result<Option<Cluster>, Failure> {
    match &settings.to {
        To::Cassandra { keyspace } => {
            let connected = Cluster::connect(&settings.cassandra, keyspace).await;
            connected.map(Some).map_err(connect_failure)
        }
        To::Sqlite(_) | To::Stdout => Ok(None),
    }
}

/// The sink of the outputs that go to topics, where there are any.
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
