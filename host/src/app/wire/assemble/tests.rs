//! When the registry is asked whether a candidate fits the topic's schema, and when what it said before will do.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::*;
use crate::app::wire::ENDS;
use crate::app::wire::sinks;
use crate::config::build;
use crate::config::given::{Flags, Surroundings};
use crate::record::columns::DataType;
use crate::record::descriptor::{Field, Input, Origin};

/// A registry whose only schema has the fields that the test says at the moment. It counts the questions.
#[derive(Clone, Default)]
struct Fields {
    fields: Arc<Mutex<Vec<&'static str>>>,
    questions: Arc<Mutex<usize>>,
}

impl Fields {
    fn of(fields: &[&'static str]) -> Self {
        let this = Self::default();
        this.set(fields);
        this
    }

    fn set(&self, fields: &[&'static str]) {
        *self.fields.lock() = fields.to_vec();
    }

    fn questions(&self) -> usize {
        *self.questions.lock()
    }

    fn answer(&self) -> String {
        *self.questions.lock() += 1;
        let fields = self.fields.lock().clone();
        let fields = fields
            .iter()
            .map(|name| format!(r#"{{"name": "{name}", "type": "string"}}"#));
        let fields: Vec<String> = fields.collect();
        let schema = format!(
            r#"{{"type": "record", "name": "Order", "fields": [{}]}}"#,
            fields.join(", ")
        );
        format!(r#"{{"subject": "orders-value", "version": 1, "id": 1, "schema": {schema:?}}}"#)
    }

    /// Answers from now on, until the test's process ends.
    fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let this = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 8192]).unwrap();
                let body = this.answer();
                let length = body.len();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                stream.write_all((head + &body).as_bytes()).unwrap();
            }
        });
        format!("http://{address}")
    }
}

async fn assembler(url: &str) -> Assembler {
    let directory = tempfile::tempdir().unwrap();
    let surroundings = Surroundings {
        variables: vec![
            ("SCHEMA_REGISTRY_URL".into(), url.into()),
            ("HOST_TO".into(), "-".into()),
        ],
        directory: directory.path().into(),
        ..Surroundings::default()
    };
    let settings = build::load(&Flags::default(), &surroundings, &ENDS).unwrap().settings;
    let engine = PluginEngine::new(settings.plugin.limits).unwrap();
    let registry = registry(&settings).unwrap_or_else(|_| panic!("{url} is an address"));
    let connected = sinks::connect(&settings).await;
    let sinks = Sinks::new(connected.unwrap_or_else(|_| panic!("standard output is there")));
    Assembler::new(engine, settings, registry, sinks)
}

/// A candidate that takes these fields.
fn taking(fields: &[&str]) -> Descriptor {
    let inputs = fields.iter().map(|name| Input {
        field: Field {
            name: (*name).to_owned(),
            data_type: DataType::Text,
            nullable: false,
        },
        origin: Origin::Value((*name).to_owned()),
    });
    Descriptor {
        name: "candidate".into(),
        version: "1.0.0".into(),
        inputs: inputs.collect(),
        lookups: Vec::new(),
        outputs: Vec::new(),
    }
}

#[tokio::test]
async fn who_fits_what_the_registry_said_lately_costs_no_question() {
    let orders = Fields::of(&["id", "status"]);
    let assembler = assembler(&orders.serve()).await;
    for candidate in [taking(&["id"]), taking(&["id", "status"]), taking(&["id"])] {
        assert!(assembler.schema_misfits(&candidate).await.is_empty());
        assert_eq!(orders.questions(), 1);
    }
    // Not for ever: what it said is as old now as it may be.
    assembler.seen().as_mut().unwrap().at -= FRESH;
    assert!(assembler.schema_misfits(&taking(&["id"])).await.is_empty());
    assert_eq!(orders.questions(), 2);
}

#[tokio::test]
async fn nobody_is_refused_by_what_the_registry_said_before() {
    let orders = Fields::of(&["id"]);
    let assembler = assembler(&orders.serve()).await;
    let (narrow, wide) = (taking(&["id"]), taking(&["id", "status"]));
    assert!(assembler.schema_misfits(&narrow).await.is_empty());
    for questions in 2..5 {
        let misfits = assembler.schema_misfits(&wide).await;
        assert!(
            misfits.len() == 1 && misfits[0].contains("no field status"),
            "{misfits:?}"
        );
        assert_eq!(orders.questions(), questions, "asked every time");
    }
    // The field is registered, and the next try finds it.
    orders.set(&["id", "status"]);
    assert!(assembler.schema_misfits(&wide).await.is_empty());
    assert_eq!(orders.questions(), 5);
    // What is known now will do for both.
    assert!(assembler.schema_misfits(&narrow).await.is_empty());
    assert!(assembler.schema_misfits(&wide).await.is_empty());
    assert_eq!(orders.questions(), 5);
}
