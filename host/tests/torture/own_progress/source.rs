//! Records that are counted off: partition by partition, each with its number as its value. Every so often a partition is
//! given away and comes back, or is lost and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, ready};
use host::progress::Nowhere;
use host::record::Record;
use host::record::position::{Offset, Partition, Position};
use host::source::gauge::Gauge;
use host::source::{Assignment, Control, Event, Running};
use tokio::sync::{mpsc, oneshot};

pub const PARTITIONS: i32 = 3;

/// Of each partition.
pub const RECORDS: i64 = 8000;

const CHUNK: i64 = 25;

/// After so many chunks a partition goes and comes back.
const TURNS: usize = 40;

pub fn start() -> std::io::Result<Running> {
    let (events_in, events) = mpsc::unbounded_channel();
    let is_quiet = Arc::new(AtomicBool::new(false));
    let mut source = Source {
        events: events_in,
        is_quiet: Arc::clone(&is_quiet),
        readings: (0..PARTITIONS).map(Reading::of).collect(),
    };
    std::thread::Builder::new()
        .name("counting".to_owned())
        .spawn(move || source.run())?;
    Ok(Running {
        events,
        control: Arc::new(Quiet(is_quiet)),
        progress: Arc::new(Nowhere),
    })
}

struct Source {
    events: mpsc::UnboundedSender<Event>,
    is_quiet: Arc<AtomicBool>,
    readings: Vec<Reading>,
}

struct Reading {
    partition: Arc<Partition>,
    gauge: Arc<Gauge>,
    next: i64,
    has_ended: bool,
}

impl Reading {
    fn of(number: i32) -> Self {
        Self {
            partition: Arc::new(Partition {
                topic: "counted".into(),
                number,
            }),
            gauge: gauge(),
            next: 0,
            has_ended: false,
        }
    }

    fn record(&self, offset: i64) -> Record {
        let value = format!(r#"{{"behaviour":"good","number":{offset}}}"#);
        Record {
            position: Position {
                partition: Arc::clone(&self.partition),
                offset: Offset(offset),
                line: None,
            },
            timestamp_ms: Some(1_700_000_000_000 + offset),
            key: None,
            value: Some(value.into()),
            headers: Vec::new(),
            redriven: None,
        }
    }
}

fn gauge() -> Arc<Gauge> {
    Arc::new(Gauge::new(400, 1 << 20))
}

impl Source {
    /// Ends at the last record, or when the pipeline has gone.
    fn run(&mut self) -> Option<()> {
        for place in 0..self.readings.len() {
            self.assign(place)?;
        }
        let mut turn = 0;
        while !self.is_quiet.load(Ordering::Relaxed) && self.readings.iter().any(|reading| !reading.has_ended) {
            turn += 1;
            let place = turn % self.readings.len();
            if self.readings[place].has_ended {
                continue;
            }
            if turn % TURNS == 0 {
                self.give_away(place, turn)?;
                self.assign(place)?;
            }
            self.hand_out(place)?;
        }
        Some(())
    }

    fn assign(&mut self, place: usize) -> Option<()> {
        let reading = &mut self.readings[place];
        reading.gauge = gauge();
        let (answer, starts) = oneshot::channel();
        let assignment = Assignment {
            partition: Arc::clone(&reading.partition),
            topic: None,
            gauge: Arc::clone(&reading.gauge),
        };
        let assigned = Event::Assigned {
            assignments: vec![assignment],
            starts: answer,
        };
        self.events.send(assigned).ok()?;
        let start = starts.blocking_recv().ok()?.first()?.point;
        reading.next = start.map_or(0, |start| start.0);
        Some(())
    }

    /// One time of two it is lost: then nothing is kept, and what was staged has to be forgotten.
    fn give_away(&self, place: usize, turn: usize) -> Option<()> {
        let partitions = vec![Arc::clone(&self.readings[place].partition)];
        if turn % (2 * TURNS) == 0 {
            return self.events.send(Event::Lost { partitions }).ok();
        }
        let (answer, drained) = oneshot::channel();
        self.events.send(Event::Revoked { partitions, answer }).ok()?;
        drained.blocking_recv().ok()
    }

    fn hand_out(&mut self, place: usize) -> Option<()> {
        let reading = &mut self.readings[place];
        if reading.gauge.is_full() {
            std::thread::sleep(Duration::from_micros(200));
            return Some(());
        }
        let end = (reading.next + CHUNK).min(RECORDS);
        let records: Vec<_> = (reading.next..end).map(|offset| reading.record(offset)).collect();
        reading.next = end;
        reading.gauge.add(records.len(), records.iter().map(Record::size).sum());
        let partition = Arc::clone(&reading.partition);
        self.events.send(Event::Records { partition, records }).ok()?;
        if end == RECORDS {
            reading.has_ended = true;
            let partition = Arc::clone(&reading.partition);
            self.events.send(Event::End { partition }).ok()?;
        }
        Some(())
    }
}

struct Quiet(Arc<AtomicBool>);

impl Control for Quiet {
    fn quiet(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn close(&self) -> BoxFuture<'static, ()> {
        Box::pin(ready(()))
    }
}
