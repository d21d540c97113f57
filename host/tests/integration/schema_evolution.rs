//! Records written with an older and a newer schema than the one that the plugin was made for.

use apache_avro::Schema;
use apache_avro::types::Record;
use apache_avro::writer::datum::GenericDatumWriter;
use host::codec::registry::Registry;
use host::connection::RegistryConnection;

use crate::support::cassandra;
use crate::support::kafka::{self, Sent};
use crate::support::program::Job;

const OLDER: &str = r#"{"type":"record","namespace":"com.mycorp.order","name":"OrderDeliveryTracking","fields":[
    {"name":"order_id","type":["null","string"],"default":null},
    {"name":"customer_id","type":["null","string"],"default":null},
    {"name":"order_purchase_timestamp","type":["null","string"],"default":null}]}"#;

const NEWER: &str = r#"{"type":"record","namespace":"com.mycorp.order","name":"OrderDeliveryTracking","fields":[
    {"name":"channel","type":["null",{"type":"enum","name":"Channel","symbols":["web","shop"]}],"default":null},
    {"name":"order_purchase_timestamp","type":["null","string"],"default":null},
    {"name":"order_id","type":["null","string"],"default":null},
    {"name":"order_status","type":["null","string"],"default":null},
    {"name":"customer_id","type":["null","string"],"default":null},
    {"name":"weights","type":{"type":"array","items":"double"},"default":[]}]}"#;

async fn framed(registry: &Registry, subject: &str, schema: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let id = registry.register(subject, schema).await.expect("registered").id;
    let schema = Schema::parse_str(schema).expect("a schema");
    let mut record = Record::new(&schema).expect("a record");
    if schema.canonical_form().contains("weights") {
        record.put("weights", apache_avro::types::Value::Array(vec![1.5.into()]));
    }
    for (name, value) in fields {
        record.put(name, Some((*value).to_owned()));
    }
    let mut bytes = vec![0];
    bytes.extend(id.to_be_bytes());
    let writer = GenericDatumWriter::builder(&schema).build().expect("a writer");
    writer.write_value(&mut bytes, record).expect("fits");
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_found_by_name_whatever_the_schema_they_were_written_with() {
    let job = Job::set_up("evolution");
    let registry = Registry::new(&RegistryConnection {
        url: job.servers.registry.clone(),
        auth: None,
    })
    .expect("a client");
    // Subjects of their own: what is compatible is the registry's to say, what is readable is ours.
    let (older, newer) = (format!("{}-older", job.topic), format!("{}-newer", job.topic));
    let ids = ["00000000000000000000000000000001", "00000000000000000000000000000002"];
    let first = framed(
        &registry,
        &older,
        OLDER,
        &[
            ("order_id", ids[0]),
            ("customer_id", ids[0]),
            ("order_purchase_timestamp", "2017-10-02 10:56:33"),
        ],
    )
    .await;
    let second = framed(
        &registry,
        &newer,
        NEWER,
        &[
            ("order_id", ids[1]),
            ("customer_id", ids[1]),
            ("order_purchase_timestamp", "2018-07-24 20:41:37"),
            ("order_status", "shipped"),
        ],
    )
    .await;
    let values = [first, second];
    let sent = values.each_ref().map(|value| Sent {
        key: None,
        value: Some(value),
        timestamp_ms: 1_500_000_000_000,
        headers: &[],
    });
    kafka::produce(&job.servers.kafka, &job.topic, &sent);
    job.run(&["--exit-at-end"])
        .succeeded()
        .says("2 rows written, 0 filtered, 0 rejected");
    let session = cassandra::session(&job.servers.cassandra).await;
    let orders = cassandra::orders(&session, &job.keyspace).await;
    let status = |id: &str| orders[id].cells[2].clone();
    assert_eq!(status("00000000-0000-0000-0000-000000000001"), None);
    assert_eq!(
        status("00000000-0000-0000-0000-000000000002").as_deref(),
        Some("shipped")
    );
    assert_eq!(
        orders["00000000-0000-0000-0000-000000000002"].cells[9].as_deref(),
        Some("Tuesday")
    );
}
