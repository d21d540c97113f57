//! `host run`: wires source, plugin, sink and dead letters, and runs the pipeline until it is stopped or at the end.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::future::BoxFuture;

use crate::codec::Decoder;
use crate::codec::registry::{Registry, RegistryError};
use crate::config::settings::{DeadLetters as DeadLettersSetting, From, Settings, To};
use crate::connection::RegistryConnection;
use crate::dead_letter::{DeadLetters, file::DeadLetterFile, file::Earlier, topic::DeadLetterTopic};
use crate::pipeline::Parts;
use crate::pipeline::outage::Outages;
use crate::pipeline::supervisor::{self, Ended};
use crate::pipeline::totals::{Counts, Totals};
use crate::plugin::Plugin;
use crate::sink::Sink;
use crate::sink::{cassandra::CassandraSink, print::PrintSink, sqlite::SqliteSink};
use crate::source::{Running, Until, file, kafka};

use super::failure::Failure;
use super::services::{cassandra_failure, registry_failure, source_failure};
use super::{load_plugin, signals};

/// Runs the pipeline; `summary` gets one line at the end, never mixed with rows.
pub async fn run(settings: Settings, until: Until, summary: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let plugin = Arc::new(load_plugin(&settings.plugin)?);
    check_source(&settings).await?;
    check_registry(&settings).await?;
    let (sink, closed) = open_sink(&settings, &plugin).await?;
    let dead_letters = open_dead_letters(&settings).await?;
    // Last, since from here on partitions are ours.
    let running = start_source(&settings, until)?;
    let identity = plugin.identity();
    tracing::info!(plugin = %identity.name, version = %identity.version, digest = %identity.digest, "running");
    let parts = Arc::new(Parts {
        decoder: Arc::new(decoder(&settings, &plugin)?),
        plugin,
        sink,
        dead_letters,
        config: settings.pipeline.clone(),
        outages: Outages::default(),
        totals: Totals::default(),
    });
    let begun = Instant::now();
    let ended = tokio::select! {
        ended = supervisor::run(Arc::clone(&parts), running, until, signals::first_then_abort()) => ended,
        // `host run --to - | head` has all it wants; what was not read is not committed.
        () = closed => return Ok(()),
    };
    let counts = parts.totals.counts();
    say(summary, &counts, begun.elapsed()).map_err(Failure::Failed)?;
    match ended {
        Ok(_) if counts.skipped > 0 => Err(Failure::Failed(anyhow::anyhow!(
            "{} rows of the file could not be read and were skipped",
            counts.skipped
        ))),
        Ok(Ended::Stopped) if !matches!(settings.from, From::Kafka { .. }) => Err(Failure::Failed(anyhow::anyhow!(
            "stopped before the end of the file; a run over it starts at its beginning"
        ))),
        Ok(Ended::AtEnd | Ended::Stopped) => Ok(()),
        Err(error) => Err(Failure::Failed(error.into())),
    }
}

fn decoder(settings: &Settings, plugin: &Plugin) -> Result<Decoder, Failure> {
    let registry = match settings.from {
        From::Kafka { .. } => Some(Registry::new(&settings.registry).map_err(|error| Failure::Usage(error.into()))?),
        From::Csv(_) | From::Ndjson(_) => None,
    };
    Ok(Decoder::new(&plugin.descriptor().inputs, registry))
}

/// The sink that `--to` names, its tables found and its statements prepared; and what completes when nobody reads standard
/// output any more.
async fn open_sink(settings: &Settings, plugin: &Plugin) -> Result<(Arc<dyn Sink>, BoxFuture<'static, ()>), Failure> {
    let descriptor = plugin.descriptor();
    let sink: Arc<dyn Sink> = match &settings.to {
        To::Cassandra { keyspace } => {
            let opened = CassandraSink::open(&settings.cassandra, keyspace, descriptor).await;
            Arc::new(opened.map_err(cassandra_failure)?)
        }
        To::Sqlite(path) => Arc::new(SqliteSink::open(path, descriptor).map_err(|error| Failure::Usage(error.into()))?),
        To::Stdout => {
            let print = Arc::new(PrintSink::new(descriptor));
            let printing = Arc::clone(&print);
            return Ok((print, Box::pin(async move { printing.closed().await })));
        }
    };
    Ok((sink, Box::pin(std::future::pending())))
}

async fn open_dead_letters(settings: &Settings) -> Result<Arc<dyn DeadLetters>, Failure> {
    let usage = |error: crate::dead_letter::DeadLetterError| Failure::Usage(error.into());
    Ok(match &settings.dead_letters {
        DeadLettersSetting::Topic(topic) => {
            check_topic(settings, topic).await?;
            Arc::new(DeadLetterTopic::new(&settings.kafka, topic).map_err(usage)?)
        }
        DeadLettersSetting::File(path) => {
            let earlier = if matches!(settings.from, From::Kafka { .. }) {
                Earlier::Keep
            } else {
                Earlier::Replace
            };
            Arc::new(DeadLetterFile::new(path, earlier).map_err(usage)?)
        }
    })
}

/// That there is something to read, before anything is made for its rows.
async fn check_source(settings: &Settings) -> Result<(), Failure> {
    match &settings.from {
        From::Kafka { topic } => check_topic(settings, topic).await,
        From::Csv(path) => file::check(file::Format::Csv, path).map_err(source_failure),
        From::Ndjson(path) => file::check(file::Format::Ndjson, path).map_err(source_failure),
    }
}

/// That a registry that was named answers. The default's absence is only said: a topic of JSON needs none.
async fn check_registry(settings: &Settings) -> Result<(), Failure> {
    let From::Kafka { topic } = &settings.from else {
        return Ok(());
    };
    let registry = Registry::new(&settings.registry).map_err(registry_failure)?;
    match registry.latest(&format!("{topic}-value")).await {
        Err(error @ RegistryError::Unreachable { .. }) if settings.registry.url == RegistryConnection::DEFAULT_URL => {
            tracing::debug!(%error, "records as Avro would wait");
            Ok(())
        }
        Err(error) => Err(registry_failure(error)),
        Ok(_) => Ok(()),
    }
}

fn start_source(settings: &Settings, until: Until) -> Result<Running, Failure> {
    let started = match &settings.from {
        From::Kafka { topic } => kafka::start(&settings.kafka, topic, &settings.source, until),
        From::Csv(path) => file::start(file::Format::Csv, path, &settings.source),
        From::Ndjson(path) => file::start(file::Format::Ndjson, path, &settings.source),
    };
    started.map_err(source_failure)
}

/// That the brokers answer and have the topic, before anything is started on it.
async fn check_topic(settings: &Settings, topic: &str) -> Result<(), Failure> {
    let (connection, topic) = (settings.kafka.clone(), topic.to_owned());
    let checked = tokio::task::spawn_blocking(move || kafka::client::check_topic(&connection, &topic)).await;
    checked
        .context("asking the brokers failed")
        .map_err(Failure::Failed)?
        .map_err(source_failure)?;
    Ok(())
}

/// `read 1000 records: 980 rows written, 3 filtered, 17 rejected (bad-uuid 12, bad-timestamp 5) in 1.23 s, 813 records/s`
fn say(out: &mut dyn Write, counts: &Counts, took: Duration) -> anyhow::Result<()> {
    let seconds = took.as_secs_f64();
    writeln!(
        out,
        "read {} records: {} rows written, {} filtered, {} in {seconds:.2} s, {:.0} records/s",
        counts.records,
        counts.rows_written,
        counts.filtered,
        counts.rejected_text(),
        counts.records as f64 / seconds.max(1e-3),
    )?;
    Ok(())
}
