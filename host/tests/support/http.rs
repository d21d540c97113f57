//! A client that can say anything: other names, other origins, a length that is none.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Far more than any answer takes.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

/// `Host` is the address unless the headers say one.
pub fn ask(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let length = body.len().to_string();
    let mut all: Vec<(&str, &str)> = headers.to_vec();
    for (name, value) in [("Host", address), ("Content-Length", &length), ("Connection", "close")] {
        if !headers.iter().any(|(said, _)| said.eq_ignore_ascii_case(name)) {
            all.push((name, value));
        }
    }
    let head: String = all.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let head = format!("{method} {path} HTTP/1.1\r\n{head}\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    // It may have been refused by its head, and the connection closed.
    let _ = stream.write_all(body);
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answer {
        status: status.unwrap_or_else(|| panic!("no answer to {method} {path}: {text:?}")),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

impl Answer {
    /// Empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        found.next().map_or("", |(_, value)| value.trim())
    }
}
