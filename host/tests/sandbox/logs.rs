//! A guest's log lines in the host's log.

use std::io;
use std::sync::{Arc, Mutex};

use host::plugin::limits::Limits;
use tracing_subscriber::fmt::MakeWriter;

use crate::built::{call, plugin};

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Kept {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// The lines that are logged while `behaviours` run, until the plugin is dropped.
fn logged(limits: Limits, behaviours: &[&str]) -> Vec<String> {
    let kept = Kept::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(kept.clone())
        .with_ansi(false)
        .without_time()
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let plugin = plugin(limits);
        for behaviour in behaviours {
            call(&plugin, &[behaviour]).expect("an outcome");
        }
    });
    let text = kept.0.lock().expect("not poisoned").clone();
    let text = String::from_utf8(text).expect("a log is text");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_line_carries_level_and_plugin_and_stays_one_line() {
    let lines = logged(Limits::default(), &["log"]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].trim_start().starts_with("INFO"), "{lines:?}");
    assert!(lines[0].contains("one line\\nand what is no second one"), "{lines:?}");
    assert!(lines[0].contains("plugin=\"misbehaving\""), "{lines:?}");
}

#[test]
fn a_flood_is_bounded_over_all_instances_and_what_was_left_out_is_counted() {
    let limits = Limits {
        log_lines_per_second: 5,
        ..Limits::default()
    };
    let lines = logged(limits, &["log-flood", "log-flood"]);
    let is_report = |line: &&String| line.contains("left out");
    let left_out: usize = lines
        .iter()
        .filter(is_report)
        .map(|line| {
            let count = line.split("lines=").nth(1).expect("a count");
            let digits: String = count.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<usize>().expect("a number")
        })
        .sum();
    let written = lines.len() - lines.iter().filter(is_report).count();
    // Two calls may fall into two seconds or, on a slow machine, some more.
    assert!((5..=50).contains(&written), "{written} lines");
    assert_eq!(written + left_out, 20_000);
}

#[test]
fn a_long_line_is_cut() {
    let limits = Limits {
        log_line_bytes: 100,
        ..Limits::default()
    };
    let lines = logged(limits, &["log-long"]);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].len() < 300, "{} bytes", lines[0].len());
    assert!(
        lines[0].contains("long long…") || lines[0].contains("long …"),
        "{}",
        lines[0]
    );
}
