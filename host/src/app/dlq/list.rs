//! `host dlq list`: counts the letters by kind, with the first and last time of each kind, and shows the last letters.

use std::collections::BTreeMap;
use std::io::Write;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Map, Value};

use super::{Conditions, filter, one_letter, place, written};
use crate::app::failure::Failure;
use crate::app::say::OutputFormat;
use crate::app::wire::Settings;
use crate::app::wire::services::source_failure;
use crate::record::letter::{Found, Letter};
use crate::source::letters::read::{References, read};

/// The property by which letters are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Code,
    Stage,
    Plugin,
    Topic,
    Partition,
}

/// The options of `host dlq list`.
pub struct Options {
    pub conditions: Conditions,
    /// `None` means by code, stage and plugin together.
    pub by: Option<By>,
    /// How many of the last letters are shown one by one.
    pub limit: usize,
    pub form: OutputFormat,
}

/// Reads all letters that the conditions take, and prints their counts and the last ones. As JSON, it prints either the
/// counts or the letters, one object a line.
///
/// # Errors
/// A condition is wrong (exit code 2), or the letters cannot be read.
pub async fn run(settings: &Settings, options: &Options, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let filter = filter(&options.conditions)?;
    let by = options.by.map_or(vec![By::Code, By::Stage, By::Plugin], |by| vec![by]);
    let mut report = LettersReport::new(by, options.limit);
    let mut reading = read(place(settings), None, References::Left);
    while let Some(found) = reading.recv().await {
        let found = found.map_err(source_failure)?;
        if found.letter.as_ref().is_ok_and(|letter| !filter.takes(letter)) {
            report.left_out += 1;
        } else {
            report.add(found);
        }
    }
    let shown = match (options.form, options.by) {
        (OutputFormat::Text, _) => report.write(out),
        (OutputFormat::Json, Some(_)) => report.write_groups(out),
        (OutputFormat::Json, None) => report
            .last()
            .iter()
            .try_for_each(|found| writeln!(out, "{}", Value::Object(one_letter::json(found)))),
    };
    written(shown)
}

struct LettersReport {
    by: Vec<By>,
    groups: BTreeMap<Vec<String>, Group>,
    limit: usize,
    /// The last letters, up to twice the limit, so that they are sorted seldom.
    last: Vec<Found>,
    letters: u64,
    left_out: u64,
    strangers: u64,
}

#[derive(Default)]
struct Group {
    count: u64,
    first_ms: Option<i64>,
    last_ms: Option<i64>,
    last_at: String,
}

impl LettersReport {
    fn new(by: Vec<By>, limit: usize) -> Self {
        Self {
            by,
            groups: BTreeMap::new(),
            limit,
            last: Vec::new(),
            letters: 0,
            left_out: 0,
            strangers: 0,
        }
    }

    fn add(&mut self, found: Found) {
        match &found.letter {
            Ok(letter) => {
                self.letters += 1;
                let key = self.by.iter().map(|by| by.of(letter)).collect();
                self.groups.entry(key).or_default().add(letter, &found);
            }
            Err(_) => self.strangers += 1,
        }
        self.last.push(found);
        if self.last.len() > self.limit.saturating_mul(2) {
            self.trim();
        }
    }

    /// Keeps the last ones by time; letters without one count as old.
    fn trim(&mut self) {
        let time = |found: &Found| found.letter.as_ref().ok().and_then(Letter::time_ms);
        self.last
            .sort_by_key(|found| (time(found), found.at.partition.number, found.at.offset));
        let surplus = self.last.len().saturating_sub(self.limit);
        self.last.drain(..surplus);
    }

    fn last(&mut self) -> &[Found] {
        self.trim();
        &self.last
    }

    fn write(&mut self, out: &mut dyn Write) -> std::io::Result<()> {
        write!(out, "dead letters: {}", self.letters)?;
        if self.left_out > 0 {
            write!(out, "; left out by --where: {}", self.left_out)?;
        }
        if self.strangers > 0 {
            write!(out, "; records that are not dead letters of host: {}", self.strangers)?;
        }
        writeln!(out)?;
        if !self.groups.is_empty() {
            let mut table = Table::new();
            table
                .load_style(presets::NOTHING)
                .set_content_arrangement(ContentArrangement::Disabled);
            let names = self.by.iter().map(|by| by.name());
            table.set_header(names.chain(["count", "first", "last", "last at"]));
            for (key, group) in &self.groups {
                let times = [one_letter::time(group.first_ms), one_letter::time(group.last_ms)];
                let cells = key.iter().cloned().chain([group.count.to_string()]).chain(times);
                table.add_row(cells.chain([group.last_at.clone()]));
            }
            writeln!(out, "\n{}", table.trim_fmt())?;
        }
        let last = self.last();
        if !last.is_empty() {
            writeln!(out, "\nthe last {}", last.len())?;
        }
        last.iter()
            .try_for_each(|found| writeln!(out, "  {}", one_letter::line(found)))
    }

    fn write_groups(&self, out: &mut dyn Write) -> std::io::Result<()> {
        for (key, group) in &self.groups {
            let names = self.by.iter().map(|by| by.name().to_owned());
            let mut object: Map<_, _> = names.zip(key.iter().map(|text| Value::from(text.as_str()))).collect();
            object.insert("count".into(), group.count.into());
            object.insert("first".into(), one_letter::time(group.first_ms).into());
            object.insert("last".into(), one_letter::time(group.last_ms).into());
            object.insert("last_at".into(), group.last_at.as_str().into());
            writeln!(out, "{}", Value::Object(object))?;
        }
        Ok(())
    }
}

impl Group {
    fn add(&mut self, letter: &Letter, found: &Found) {
        self.count += 1;
        let time = letter.time_ms();
        if time >= self.last_ms {
            self.last_at = found.at.to_string();
            self.last_ms = time;
        }
        self.first_ms = match (self.first_ms, time) {
            (Some(first), Some(time)) => Some(first.min(time)),
            (first, time) => first.or(time),
        };
    }
}

impl By {
    fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Stage => "stage",
            Self::Plugin => "plugin",
            Self::Topic => "topic",
            Self::Partition => "partition",
        }
    }

    fn of(self, letter: &Letter) -> String {
        let position = &letter.record.position;
        match self {
            Self::Code => letter.reject.code.to_string(),
            Self::Stage => letter.reject.stage.to_string(),
            Self::Plugin => one_letter::plugin(letter),
            Self::Topic => position.partition.topic.to_string(),
            Self::Partition => position.partition.to_string(),
        }
    }
}
