//! A collector on loopback: takes spans by OTLP over HTTP, as protobuf, and keeps them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1 as proto;
use parking_lot::Mutex;
use prost::Message;

/// Far more than any span takes to arrive.
const PATIENCE: Duration = Duration::from_mins(1);

pub struct Collector {
    /// `http://127.0.0.1:4711`
    pub address: String,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    requests: Vec<Request>,
    spans: Vec<Span>,
}

/// One that was answered.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    /// By names in lower case.
    pub headers: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
pub struct Span {
    pub proto: proto::Span,
    /// Of who sent it.
    pub resource: BTreeMap<String, String>,
    pub attributes: BTreeMap<String, String>,
}

impl Collector {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::default());
        let shared = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let heard = Arc::clone(&shared);
                std::thread::spawn(move || while answer(&stream, &heard).is_some() {});
            }
        });
        Self { address, heard }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.heard.lock().requests.clone()
    }

    /// All that have come so far.
    pub fn spans(&self) -> Vec<Span> {
        self.heard.lock().spans.clone()
    }

    /// Waits until there are so many of this name, and gives them in the order in which they began.
    pub fn until(&self, name: &str, count: usize) -> Vec<Span> {
        let end = Instant::now() + PATIENCE;
        loop {
            let mut found = self.spans();
            found.retain(|span| span.proto.name == name);
            if found.len() >= count {
                found.sort_by_key(|span| span.proto.start_time_unix_nano);
                return found;
            }
            assert!(Instant::now() < end, "{} of {count} spans `{name}`", found.len());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The names of the spans below this one in the order in which they began, each within its time.
    pub fn below(&self, span: &Span) -> Vec<String> {
        let mut below = self.spans();
        below.retain(|other| other.proto.parent_span_id == span.proto.span_id);
        below.sort_by_key(|span| span.proto.start_time_unix_nano);
        for part in &below {
            assert_eq!(part.proto.trace_id, span.proto.trace_id);
            let (part, span) = (&part.proto, &span.proto);
            assert!(
                span.start_time_unix_nano <= part.start_time_unix_nano
                    && part.start_time_unix_nano <= part.end_time_unix_nano
                    && part.end_time_unix_nano <= span.end_time_unix_nano,
                "{part:?} is within {span:?}"
            );
        }
        below.into_iter().map(|span| span.proto.name).collect()
    }
}

impl Span {
    pub fn is_error(&self) -> bool {
        let status = self.proto.status.as_ref();
        status.is_some_and(|status| status.code() == proto::status::StatusCode::Error)
    }

    /// Empty where it has none.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// Takes one request; `None` at the end of the connection.
fn answer(stream: &TcpStream, heard: &Mutex<Heard>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" if lines.is_empty() => return None,
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers = lines[1..].iter().filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<_, _> = headers
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let request = ExportTraceServiceRequest::decode(&body[..]).unwrap();
    let mut heard = heard.lock();
    heard.spans.extend(spans(request));
    heard.requests.push(Request {
        path: lines[0].split(' ').nth(1)?.to_owned(),
        headers,
    });
    drop(heard);
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
    (&*stream).write_all(answer.as_bytes()).ok()
}

fn spans(request: ExportTraceServiceRequest) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let resource = texts(&of_resource.resource.unwrap_or_default().attributes);
        let protos = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.extend(protos.map(|proto| Span {
            attributes: texts(&proto.attributes),
            resource: resource.clone(),
            proto,
        }));
    }
    spans
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    };
    let named = attributes.iter();
    named
        .filter_map(|attribute| Some((attribute.key.clone(), text(attribute)?)))
        .collect()
}
