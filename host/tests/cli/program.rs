//! Runs the program in a folder and an environment of its own, and compares what it says with a file.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// One run to be.
pub struct Program {
    pub directory: TempDir,
    variables: Vec<(&'static str, &'static str)>,
}

impl Program {
    pub fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a folder for the test"),
            variables: Vec::new(),
        }
    }

    pub fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    pub fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.directory.path().join(name), text).expect("a file for the test");
        self
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_host"));
        command
            .args(arguments)
            .env_clear()
            .envs(self.variables.iter().copied())
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    /// Runs, and compares everything that can be seen with `snapshots/NAME.txt`. `UPDATE_SNAPSHOTS=1` rewrites the file.
    pub fn snapshot(&self, name: &str, arguments: &[&str]) {
        compare(&snapshot_path(name), &seen(arguments, &self.run(arguments)));
    }
}

/// What one sees on a terminal, and the exit code.
fn seen(arguments: &[&str], output: &Output) -> String {
    let code = output
        .status
        .code()
        .map_or_else(|| "none".to_owned(), |code| code.to_string());
    let stream = |name: &str, bytes: &[u8]| match String::from_utf8_lossy(bytes).trim_end() {
        "" => String::new(),
        lines => format!("--- {name}\n{lines}\n"),
    };
    format!(
        "$ host {}\nexit code {code}\n{}{}",
        arguments.join(" "),
        stream("stdout", &output.stdout),
        stream("stderr", &output.stderr)
    )
}

fn snapshot_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cli/snapshots")
        .join(format!("{name}.txt"))
}

fn compare(path: &Path, found: &str) {
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, found).expect("the snapshot can be written");
        return;
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        expected == found,
        "{} is different; UPDATE_SNAPSHOTS=1 rewrites it.\n=== expected\n{expected}\n=== found\n{found}",
        path.display()
    );
}
