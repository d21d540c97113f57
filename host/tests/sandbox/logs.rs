//! A guest's log lines in the host's log.

use std::io;
use std::sync::Arc;

use host::plugin::Plugin;
use host::plugin::limits::Limits;
use parking_lot::Mutex;
use tracing_subscriber::fmt::MakeWriter;

use crate::built::{call, chain, plugin};

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
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
    logged_by(limits, |plugin| {
        for behaviour in behaviours {
            call(plugin, &[behaviour]).expect("an outcome");
        }
    })
}

/// The same while something else is done with the plugin.
fn logged_by(limits: Limits, act: impl FnOnce(&Plugin)) -> Vec<String> {
    let kept = Kept::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(kept.clone())
        .with_ansi(false)
        .without_time()
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        let plugin = plugin(limits);
        act(&plugin);
    });
    let text = kept.0.lock().clone();
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

/// It says why in the error, and there alone: a batch is split again and again to find the record that is to blame.
#[test]
fn what_a_guest_says_before_it_panics_is_the_error_and_not_a_line_each_time() {
    let said = Mutex::new(Vec::new());
    let lines = logged_by(Limits::default(), |plugin| {
        for behaviour in ["panic", "long-panic", "error-then-stack", "trap", "error"] {
            let called = call(plugin, &[behaviour]).map(drop);
            said.lock().push(called.map_err(|error| (error.code(), chain(&error))));
        }
    });
    let said = said.into_inner();
    let panicked = "the plugin trapped: panicked at src/record.rs:91:14: index out of bounds\\u{1b}[31m";
    assert_eq!(said[0], Err(("trap", panicked.to_owned())));
    let Err((_, long)) = &said[1] else { panic!("{said:?}") };
    assert!(long.len() < 1100 && long.ends_with('…'), "{} bytes", long.len());
    for (said, kind) in [(&said[2], "stack"), (&said[3], "unreachable")] {
        let Err(("trap", message)) = said else {
            panic!("{said:?}")
        };
        assert!(message.contains(kind), "{message}");
    }
    assert_eq!(said[4], Ok(()));
    let lines: Vec<_> = lines.iter().map(|line| line.trim_start()).collect();
    let expected = [
        ("ERROR", "said before"),
        ("ERROR", "an error"),
        ("INFO", "and a line after it"),
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, (level, words)) in lines.iter().zip(expected) {
        assert!(line.starts_with(level) && line.contains(words), "{line}");
    }
}
