//! Runs `host` in an empty folder and an environment of its own; never waits for ever.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Servers, plugin, unique};

/// Far more than any step takes, far less than a job may.
const PATIENCE: Duration = Duration::from_mins(3);

/// A topic, a keyspace and a group of one test.
pub struct Job {
    pub directory: TempDir,
    pub servers: Servers,
    pub topic: String,
    pub keyspace: String,
    pub group: String,
    pub variables: Vec<(String, String)>,
    /// More of `host.toml`.
    pub more_settings: String,
}

/// What a run printed, and its exit code.
#[derive(Debug)]
pub struct Seen {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A run that goes on.
pub struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    said: Vec<String>,
    readers: Vec<JoinHandle<()>>,
}

impl Job {
    /// A job of its own on the servers, set up: keyspace, table, topic, dead-letter topic, schema.
    pub fn set_up(name: &str) -> Self {
        let job = Self::new(name);
        job.host(&["setup"]).succeeded();
        job
    }

    pub fn new(name: &str) -> Self {
        Self::on(name, Servers::from_environment())
    }

    fn on(name: &str, servers: Servers) -> Self {
        let name = unique(name);
        Self {
            directory: tempfile::tempdir().unwrap(),
            servers,
            topic: name.replace('_', "-"),
            keyspace: name.clone(),
            group: name,
            variables: Vec::new(),
            more_settings: String::new(),
        }
    }

    /// For tests that need no server; a request to one gets no answer.
    pub fn without_servers(name: &str) -> Self {
        let nobody = "127.0.0.1:1".to_owned();
        let servers = Servers {
            kafka: nobody.clone(),
            cassandra: nobody.clone(),
            registry: format!("http://{nobody}"),
        };
        Self::on(name, servers)
    }

    pub fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.directory.path().join(name), text).unwrap();
        self.path(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.path().join(name)).unwrap()
    }

    /// Runs a verb with this job's topic and keyspace.
    pub fn host(&self, arguments: &[&str]) -> Seen {
        self.start(arguments).finish()
    }

    pub fn run(&self, arguments: &[&str]) -> Seen {
        let plugin = plugin();
        let all: Vec<_> = ["run", "--plugin", &plugin]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        self.host(&all)
    }

    pub fn start_run(&self, arguments: &[&str]) -> Running {
        let plugin = plugin();
        let all: Vec<_> = ["run", "--plugin", &plugin]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        self.start(&all)
    }

    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_host"));
        command
            .args(arguments)
            .env_clear()
            .env("KAFKA_BOOTSTRAP_SERVERS", &self.servers.kafka)
            .env("CASSANDRA_CONTACT_POINTS", &self.servers.cassandra)
            .env("SCHEMA_REGISTRY_URL", &self.servers.registry)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        // Whole at any moment: another process of this job may be reading it.
        let (new, file) = (self.write("host.toml.new", &self.settings()), self.path("host.toml"));
        std::fs::rename(new, file).unwrap();
        Running::start(command)
    }

    fn settings(&self) -> String {
        format!(
            "[source]\ntopic = \"{}\"\ngroup = \"{}\"\n[sink.cassandra]\nkeyspace = \"{}\"\n{}",
            self.topic, self.group, self.keyspace, self.more_settings
        )
    }
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let streams: [(&str, Box<dyn Read + Send>); 2] = [
            ("1", Box::new(child.stdout.take().unwrap())),
            ("2", Box::new(child.stderr.take().unwrap())),
        ];
        let readers = streams.map(|(name, stream)| {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let lines = std::io::BufRead::lines(std::io::BufReader::new(stream));
                for line in lines.map_while(Result::ok) {
                    let _ = sender.send(format!("{name}{line}"));
                }
            })
        });
        Self {
            child,
            lines,
            said: Vec::new(),
            readers: readers.into(),
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line with these words in it, and gives it.
    pub fn until(&mut self, words: &str) -> String {
        let end = Instant::now() + PATIENCE;
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            let found = line.contains(words).then(|| line.clone());
            self.said.push(line);
            if let Some(line) = found {
                return line;
            }
        }
        let _ = self.child.kill();
        panic!("{words:?} was never said; instead:\n{}", self.said.join("\n"));
    }

    /// Waits for an end that was asked for by a kill.
    pub fn ended(&mut self) {
        self.child.wait().unwrap();
    }

    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Seen {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > end {
                let _ = self.child.kill();
                self.said.extend(self.lines.try_iter());
                panic!("did not end:\n{}", self.said.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        self.said.extend(self.lines.try_iter());
        let of = |name: char| {
            let lines = self
                .said
                .iter()
                .filter(|line| line.starts_with(name))
                .map(|line| format!("{}\n", &line[1..]));
            lines.collect::<String>()
        };
        Seen {
            code: status.code(),
            stdout: of('1'),
            stderr: of('2'),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Seen {
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// The exit code, and one line on standard error that has all these words.
    pub fn failed(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        let errors: Vec<_> = self.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "one line says it:\n{}", self.stderr);
        for word in words {
            assert!(errors[0].contains(word), "{word:?} in {:?}", errors[0]);
        }
    }

    pub fn says(&self, words: &str) {
        assert!(
            self.stdout.contains(words) || self.stderr.contains(words),
            "{words:?} in:\n{}\n{}",
            self.stdout,
            self.stderr
        );
    }
}

/// Whether a file is there; for tests that say what must not be.
pub fn is_there(path: &str) -> bool {
    Path::new(path).exists()
}
