//! `host produce`: writes a CSV file into a Kafka topic. All in-sync replicas acknowledge each record.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use indicatif::{ProgressBar, ProgressStyle};

use super::failure::Failure;
use super::wire::Settings;
use super::wire::services::{registry_failure, source_failure};
use crate::codec::registry::Registry;
use crate::csv_file::{CsvReader, InputError, json};
use crate::kafka::topic::check_topic;
use crate::produce::avro::AvroEncoder;
use crate::produce::key::KeyTemplate;
use crate::produce::rate::{Pace, Rate};
use crate::produce::send::{DeliveryReport, SendError, Sender};

/// Schemas that the project brings: subject and text.
const SCHEMAS: [(&str, &str); 1] = [(
    "ecommerce-orders-value",
    include_str!("../../../schemas/ecommerce-orders-value.avsc"),
)];

/// Rows with errors that are shown one by one; more are counted.
const SHOWN_ROWS: u64 = 20;

/// If the pause before the next record is at least this long, the records that wait are sent first.
const LONG_PAUSE: Duration = Duration::from_millis(20);

/// The options of `host produce`.
#[derive(Debug, Clone)]
pub struct Options {
    pub file: PathBuf,
    pub format: Format,
    /// A template over columns, for the keys of records.
    pub key: String,
    pub rate: Option<Rate>,
    pub limit: Option<u64>,
}

/// How the value of a record is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Avro,
    Json,
}

/// Encodes a row as the value of a record.
enum Encoder {
    Avro(Box<AvroEncoder>),
    Json,
}

/// Counts of the rows that were read.
#[derive(Default)]
struct Rows {
    sent: u64,
    /// Rows with an error of their own: field count, encoding, a cell that does not fit the schema.
    bad: u64,
    /// Why reading ended before the end of the file. Records that were sent by then are still waited for.
    stopped: Option<anyhow::Error>,
}

/// Sends the rows. The exit code is 1 if a row was bad or not delivered.
pub async fn run(settings: &Settings, options: Options, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let mut reader = CsvReader::open(&options.file).map_err(|error| Failure::Usage(error.into()))?;
    let header = reader.header().to_vec();
    let key = KeyTemplate::parse(&options.key, &header).map_err(|error| Failure::Usage(error.into()))?;
    if !key.missing_columns().is_empty() {
        tracing::warn!(
            columns = key.missing_columns().join(", "),
            "the file does not have these columns of the default key, which is made without them; --key gives another key"
        );
    }
    check(settings).await?;
    let encoder = encoder(settings, options.format, &header).await?;
    let runtime = tokio::runtime::Handle::current();
    let sender = Sender::new(&settings.kafka, &settings.topic, runtime);
    let mut sender = sender.map_err(|error| Failure::Usage(error.into()))?;
    let begun = Instant::now();
    let file = options.file.clone();
    let sending = tokio::task::spawn_blocking(move || {
        let rows = send_all(&options, &mut reader, &header, &key, &encoder, &mut sender);
        (rows, reader.counts().blank, sender.report().clone())
    });
    let (rows, blank, report) = sending.await.context("sending failed").map_err(Failure::Failed)?;
    for failed in &report.failures {
        let place = format!("{}:{}", file.display(), failed.line);
        let line = format!("not delivered: {place}: key {}: {}", failed.key, failed.error);
        writeln!(out, "{line}")
            .context("cannot write")
            .map_err(Failure::Failed)?;
    }
    summarize(out, &settings.topic, &rows, blank, &report, begun).map_err(Failure::Failed)?;
    if let Some(error) = rows.stopped {
        return Err(Failure::Failed(error.context("stopped before the end of the file")));
    }
    if rows.bad > 0 || report.failed > 0 || report.delivered_total() < rows.sent {
        return Err(Failure::Failed(anyhow!(
            "{} rows skipped as bad, {} records not delivered",
            rows.bad,
            rows.sent - report.delivered_total().min(rows.sent)
        )));
    }
    Ok(())
}

/// Checks that the brokers answer and have the topic.
async fn check(settings: &Settings) -> Result<(), Failure> {
    let (kafka, topic) = (settings.kafka.clone(), settings.topic.clone());
    let checked = tokio::task::spawn_blocking(move || check_topic(&kafka, &topic)).await;
    checked
        .context("asking the brokers failed")
        .map_err(Failure::Failed)?
        .map_err(source_failure)?;
    Ok(())
}

async fn encoder(settings: &Settings, format: Format, header: &[String]) -> Result<Encoder, Failure> {
    if format == Format::Json {
        return Ok(Encoder::Json);
    }
    let subject = format!("{}-value", settings.topic);
    let registry = Registry::new(&settings.registry).map_err(registry_failure)?;
    let registered = if let Some(registered) = registry.latest(&subject).await.map_err(registry_failure)? {
        registered
    } else {
        let Some((_, schema)) = SCHEMAS.iter().find(|(known, _)| *known == subject) else {
            let hint = "register one, or send JSON with --format json";
            return Err(Failure::Usage(anyhow!(
                "the registry has no schema for subject {subject}; {hint}"
            )));
        };
        registry.register(&subject, schema).await.map_err(registry_failure)?
    };
    let schema = registry.read(&registered).await.map_err(registry_failure)?;
    let encoder = AvroEncoder::new(&schema, registered.id, header)
        .with_context(|| format!("schema {} of subject {subject}", registered.id))
        .map_err(Failure::Usage)?;
    if !encoder.ignored_columns.is_empty() {
        tracing::warn!(
            columns = encoder.ignored_columns.join(", "),
            "the schema has no field for these, they are left out"
        );
    }
    Ok(Encoder::Avro(Box::new(encoder)))
}

fn send_all(
    options: &Options,
    reader: &mut CsvReader,
    header: &[String],
    key: &KeyTemplate,
    encoder: &Encoder,
    sender: &mut Sender,
) -> Rows {
    let progress = progress();
    let mut pace = options.rate.map(Pace::new);
    let mut rows = Rows::default();
    while options.limit.is_none_or(|limit| rows.sent < limit) {
        let row = match reader.next() {
            None => break,
            Some(Ok(row)) => row,
            Some(Err(error @ InputError::BadRow { .. })) => {
                rows.skip(&progress, &error.to_string());
                continue;
            }
            Some(Err(error)) => {
                rows.stopped = Some(error.into());
                break;
            }
        };
        let value = match encoder {
            Encoder::Json => json::object(header, &row.fields),
            Encoder::Avro(avro) => match avro.encode(&row.fields) {
                Ok(value) => value,
                Err(error) => {
                    let error = anyhow!(error);
                    rows.skip(
                        &progress,
                        &format!("{}:{}: {error:#}", options.file.display(), row.line),
                    );
                    continue;
                }
            },
        };
        let sent = pause(pace.as_mut(), sender).and_then(|()| {
            rows.sent += 1;
            sender.send(row.line, key.render(&row.fields).0, value)
        });
        if let Err(error) = sent {
            rows.stop(options, row.line, error);
            break;
        }
        progress.inc(1);
    }
    // The report has the reason among its failures.
    if let Err(error) = sender.flush() {
        tracing::debug!(error = &error as &dyn std::error::Error, "the last records failed");
    }
    progress.finish_and_clear();
    rows
}

/// Waits for the record's turn. Records that wait to be sent are sent before a long pause.
fn pause(pace: Option<&mut Pace>, sender: &mut Sender) -> Result<(), SendError> {
    let wait = pace.map(Pace::next_wait).unwrap_or_default();
    if wait >= LONG_PAUSE {
        sender.flush()?;
    }
    std::thread::sleep(wait);
    Ok(())
}

impl Rows {
    fn stop(&mut self, options: &Options, line: u64, error: SendError) {
        let place = format!("{}:{line}", options.file.display());
        self.stopped = Some(anyhow!(error).context(place));
    }

    fn skip(&mut self, progress: &ProgressBar, why: &str) {
        self.bad += 1;
        progress.suspend(|| match self.bad {
            n if n <= SHOWN_ROWS => tracing::warn!("skipped: {why}"),
            n if n == SHOWN_ROWS + 1 => tracing::warn!("further rows that are skipped are only counted"),
            _ => {}
        });
    }
}

/// The progress bar on standard error. It draws nothing if that is not a terminal.
fn progress() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    let template = "{spinner} {human_pos} records, {per_sec}, {elapsed}";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// `sent 1000 records to ecommerce-orders (partition 0: 334, 1: 330, 2: 336) in 0.42 s; 12 blank lines, 0 bad rows`
fn summarize(
    out: &mut dyn Write,
    topic: &str,
    rows: &Rows,
    blank: u64,
    report: &DeliveryReport,
    begun: Instant,
) -> anyhow::Result<()> {
    let partitions: Vec<_> = report
        .delivered
        .iter()
        .map(|(number, count)| format!("{number}: {count}"))
        .collect();
    let by_partition = if partitions.is_empty() {
        String::new()
    } else {
        format!(" (partition {})", partitions.join(", "))
    };
    writeln!(
        out,
        "sent {} records to {topic}{by_partition} in {:.2} s; {} not delivered, {blank} blank lines and {} bad rows skipped",
        report.delivered_total(),
        begun.elapsed().as_secs_f64(),
        rows.sent - report.delivered_total().min(rows.sent),
        rows.bad,
    )?;
    Ok(())
}
