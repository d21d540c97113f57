//! A run from a file with an endpoint, which waits and goes on as a test likes.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::http::{self, Answer};
use crate::support::plugin;
use crate::support::program::{Job, Running, Seen};

pub const TOKEN: &str = "correct-horse-battery-staple";

/// Far more than any answer takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// Enough that the run still writes when the test locks its output, a tenth of a second after the first rows: some seconds'
/// work. Each test writes them all.
const ROWS: &str = "75000";

/// The plugin under another digest: a component may have sections that mean nothing.
pub fn variant(name: &str) -> Vec<u8> {
    let mut component = std::fs::read(plugin()).expect("the plugin");
    let length = |length: usize| u8::try_from(length).expect("short");
    component.extend([0, length(name.len() + 1), length(name.len())]);
    component.extend(name.as_bytes());
    component
}

/// Where a run that has just been started answers.
pub fn endpoint(running: &mut Running) -> String {
    let line = running.until("page, metrics and status at http://");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
    address.expect("an address").to_owned()
}

pub struct Stage {
    pub job: Job,
    running: Option<Running>,
    pub address: String,
    lock: Option<rusqlite::Connection>,
}

impl Stage {
    /// Reads orders, dirty ones among them, into `orders.db`.
    pub fn started(name: &str, variables: &[(&str, &str)]) -> Self {
        Self::started_with(name, variables, ToOwned::to_owned)
    }

    /// The same with other orders.
    pub fn started_with(name: &str, variables: &[(&str, &str)], change: impl Fn(&str) -> String) -> Self {
        let mut job = Job::without_servers(name);
        let owned = variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        job.variables.extend(owned);
        let generate = [
            "generate",
            "orders",
            "--rows",
            ROWS,
            "--seed",
            "7",
            "--dirty",
            "5%",
            "--out",
            "orders.csv",
        ];
        job.host(&generate).succeeded();
        job.write("orders.csv", &change(&job.read("orders.csv")));
        let mut running = job.start_run(&["--from", "orders.csv", "--to", "orders.db", "--admin", "127.0.0.1:0"]);
        let address = endpoint(&mut running);
        Self {
            job,
            running: Some(running),
            address,
            lock: None,
        }
    }

    /// From here on the run waits for its sink; some thousand records are settled before.
    pub fn lock(&mut self) {
        self.until("/metrics", |answer| {
            let settled = answer
                .body
                .lines()
                .find_map(|line| line.strip_prefix("host_records_settled_total "));
            settled.is_some_and(|settled| settled.parse::<u64>().is_ok_and(|settled| settled > 1000))
        });
        let file = rusqlite::Connection::open(self.job.path("orders.db")).expect("a database");
        file.busy_timeout(PATIENCE).expect("a timeout");
        file.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
        self.lock = Some(file);
        self.until("/ready", |answer| answer.body.starts_with("waiting for the sink"));
    }

    pub fn unlock(&mut self) {
        self.lock = None;
    }

    pub fn goes_to_its_end(&mut self) -> Seen {
        let running = self.running.take().expect("ends once");
        running.finish().succeeded()
    }

    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).expect("a connection")
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    pub fn json(&self, path: &str) -> serde_json::Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// Asks again and again, with the token where there is one, until the answer is as wanted.
    pub fn until(&self, path: &str, is_wanted: impl Fn(&Answer) -> bool) -> Answer {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.ask("GET", path, &[("Authorization", &format!("Bearer {TOKEN}"))], b"");
            if is_wanted(&answer) {
                return answer;
            }
            assert!(Instant::now() < end, "{path} never became as wanted: {answer:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// `Host` is the endpoint's own unless the headers say one.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        http::ask(&self.address, method, path, headers, body)
    }
}
