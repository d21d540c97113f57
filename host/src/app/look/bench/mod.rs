//! `host bench plugin`: measures what a plugin costs, on one thread and without any server: each stage of a batch,
//! memory, and the time to compile and to instantiate. [`subject`] runs batches, and [`report`] prints the figures.

mod report;
mod subject;

use std::io::Write;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};

use crate::app::failure::Failure;
use crate::app::say::OutputFormat;
use crate::app::wire::Settings;
use crate::app::wire::component;
use crate::plugin::{Plugin, PluginEngine};
use crate::record::Record;
use report::{BenchReport, Memory, Spread, Stages};
use subject::{Subject, Times};

/// The number of rounds. With fewer, the median would be uncertain. With more, each round would be too short to be
/// steady.
const ROUNDS: u32 = 10;

/// So many instances are made to time one. Each takes some ten microseconds, and that of an interpreter a few
/// milliseconds.
const INSTANCES: usize = 50;

/// The options of `host bench plugin`.
pub struct Options {
    pub batch_records: NonZeroU32,
    /// The time for measuring, all rounds together.
    pub seconds: NonZeroU32,
    /// How many records are read, at most.
    pub limit: NonZeroU64,
    pub form: OutputFormat,
}

/// Times the plugin of the settings over the records of their file and prints what was found.
///
/// # Errors
/// The plugin or the file cannot be read, no record decodes, or the plugin breaks on a record, which the error names.
pub async fn run(settings: &Settings, options: &Options, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let (plugin, compile) = compiled(settings)?;
    let plugin = Arc::new(plugin);
    let (records, file) = (read(settings, options.limit).await?, settings.from.place());
    let instantiate = time_instances(&plugin)?;
    let mut subject = Subject::new(Arc::clone(&plugin), format!("plugin {}", settings.plugin.from))?;
    let fresh_bytes = subject.held_bytes();

    let size = options.batch_records.get() as usize;
    let counts = subject.count(&records, size).await?;
    let batches = batches(&records, size);
    let length = Duration::from_secs(u64::from(options.seconds.get())) / ROUNDS;
    round(&mut subject, &batches, length).await?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(round(&mut subject, &batches, length).await?);
    }

    let report = BenchReport {
        plugin: plugin.identity().name.to_string(),
        version: plugin.identity().version.to_string(),
        digest: plugin.identity().digest.to_string(),
        size_bytes: plugin.size_bytes(),
        compile_ms: compile.as_secs_f64() * 1e3,
        instantiate_us: Spread::of(instantiate.iter().map(|took| took.as_secs_f64() * 1e6)),
        memory: Memory {
            fresh_bytes,
            most_bytes: subject.held_bytes(),
            limit_bytes: settings.plugin.limits.memory_bytes,
        },
        file,
        counts: counts.into(),
        batch_records: size,
        rounds: rounds.len(),
        records_per_second: Spread::of(rounds.iter().map(|round| 1e9 / round.whole)),
        ns_per_record: Stages::of(&rounds),
    };
    match options.form {
        OutputFormat::Text => report.show(out),
        OutputFormat::Json => serde_json::to_writer_pretty(&mut *out, &report)
            .map_err(Into::into)
            .and_then(|()| writeln!(out)),
    }
    .context("cannot write")
    .map_err(Failure::Failed)
}

/// Compiles the plugin. The time includes its digest and a first instance, which describes the plugin.
fn compiled(settings: &Settings) -> Result<(Plugin, Duration), Failure> {
    let found = component::find(&settings.plugin)?;
    let engine = PluginEngine::new(settings.plugin.limits).map_err(|error| Failure::Failed(error.into()))?;
    let begun = Instant::now();
    let plugin = component::ready(&engine, &settings.plugin, found.candidate)?;
    Ok((plugin, begun.elapsed()))
}

/// The records of the file, as `host try` gets them.
async fn read(settings: &Settings, limit: NonZeroU64) -> Result<Vec<Record>, Failure> {
    let mut file = settings.from.records(settings, Some(limit))?;
    let mut records = Vec::new();
    while let Some(more) = file.next().await? {
        records.extend(more);
    }
    file.check_whole()?;
    if records.is_empty() {
        return Err(Failure::Usage(anyhow!("{} has no records", settings.from.place())));
    }
    Ok(records)
}

/// Makes full batches that have every record, in order. The last one is filled up with records from the beginning.
fn batches(records: &[Record], size: usize) -> Vec<Vec<Record>> {
    let mut endless = records.iter().cycle().cloned();
    let count = records.len().div_ceil(size);
    (0..count).map(|_| endless.by_ref().take(size).collect()).collect()
}

fn time_instances(plugin: &Plugin) -> Result<Vec<Duration>, Failure> {
    let one = || {
        let begun = Instant::now();
        let made = plugin.instantiate();
        let took = begun.elapsed();
        made.map(|_| took)
    };
    let times: Result<_, _> = (0..INSTANCES).map(|_| one()).collect();
    times.context("cannot instantiate the plugin").map_err(Failure::Usage)
}

/// Runs batch after batch until the time is over, at least one. Returns the average times in nanoseconds a record.
async fn round(subject: &mut Subject, batches: &[Vec<Record>], length: Duration) -> Result<report::Round, Failure> {
    let begun = Instant::now();
    let mut spent = Times::default();
    let mut records = 0;
    let mut took = Duration::ZERO;
    for batch in batches.iter().cycle() {
        spent.add(subject.time(batch).await?);
        records += batch.len();
        took = begun.elapsed();
        if took >= length {
            break;
        }
    }
    let each = |time: Duration| time.as_secs_f64() * 1e9 / records as f64;
    Ok(report::Round {
        decode: each(spent.decode),
        lower: each(spent.lower),
        guest: each(spent.guest),
        lift: each(spent.lift),
        whole: each(took),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::record::position::{Offset, Partition, Position};

    fn record(offset: i64) -> Record {
        let partition = Partition {
            topic: "file".into(),
            number: 0,
        };
        Record {
            position: Position {
                partition: Arc::new(partition),
                offset: Offset(offset),
                line: None,
            },
            timestamp_ms: None,
            key: None,
            value: None,
            headers: Vec::new(),
            redriven: None,
        }
    }

    #[test]
    fn batches_are_full_and_have_every_record() {
        let offsets = |records: i64, size: usize| -> Vec<Vec<i64>> {
            let records: Vec<_> = (0..records).map(record).collect();
            let offset = |record: &Record| record.position.offset.0;
            let batches = batches(&records, size);
            batches.iter().map(|batch| batch.iter().map(offset).collect()).collect()
        };
        assert_eq!(offsets(5, 2), [[0, 1], [2, 3], [4, 0]]);
        assert_eq!(offsets(4, 2), [[0, 1], [2, 3]]);
        assert_eq!(offsets(2, 5), [[0, 1, 0, 1, 0]]);
    }
}
