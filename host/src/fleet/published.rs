//! What was published: a record a publication, its key the name, its value the component, its headers what belongs to it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;

use super::{Fleet, FleetError};
use crate::kafka::latest::{self, Wanted};
use crate::kafka::producer::publisher::Publication;
use crate::record::Record;
use crate::record::descriptor::PluginIdentity;

const SIGNATURE: &str = "host-signature";
const PLUGIN: &str = "host-plugin";
const VERSION: &str = "host-version";
const DIGEST: &str = "host-digest";

/// A publication that the brokers do not take in this time has failed.
const DELIVERY: Duration = Duration::from_secs(30);

/// A publication. Name, version and digest are what its publisher said. They are checked when the component is loaded.
#[derive(Debug, Clone)]
pub struct Published {
    pub component: Bytes,
    pub signature: Option<String>,
    pub plugin: String,
    pub version: String,
    pub digest: String,
    /// Where it stands in the topic: a later one wins.
    pub offset: i64,
    /// When it was published, in milliseconds.
    pub at_ms: Option<i64>,
}

impl Published {
    /// `None` where the name was taken out.
    pub(super) fn of(record: &Record) -> Option<Self> {
        let header = |name: &str| {
            let found = record.headers.iter().rev().find(|header| header.key == name)?;
            String::from_utf8(found.value.as_ref()?.to_vec()).ok()
        };
        Some(Self {
            component: record.value.clone()?,
            signature: header(SIGNATURE),
            plugin: header(PLUGIN).unwrap_or_default(),
            version: header(VERSION).unwrap_or_default(),
            digest: header(DIGEST).unwrap_or_default(),
            offset: record.position.offset.0,
            at_ms: record.timestamp_ms,
        })
    }
}

/// What was published last, by name. Reads the whole topic; blocks.
pub fn all(fleet: &Fleet) -> Result<BTreeMap<String, Published>, FleetError> {
    let mut found = BTreeMap::new();
    each(fleet, &fleet.topic, |record| {
        let Some(name) = name(record) else { return };
        match Published::of(record) {
            Some(published) => found.insert(name, published),
            None => found.remove(&name),
        };
    })?;
    Ok(found)
}

/// What was published last under this name. Reads the whole topic; blocks.
pub fn newest(fleet: &Fleet, name: &str) -> Result<Published, FleetError> {
    let mut all = all(fleet)?;
    all.remove(name).ok_or_else(|| FleetError::NotPublished {
        topic: fleet.topic.clone(),
        name: name.to_owned(),
        published: all.into_keys().collect(),
    })
}

/// Publishes the component under this name; its offset once the brokers have it.
pub async fn publish(
    fleet: &Fleet,
    name: &str,
    component: &[u8],
    signature: Option<&str>,
    identity: &PluginIdentity,
) -> Result<i64, FleetError> {
    let publisher = fleet.publisher(DELIVERY)?;
    let digest = identity.digest.to_string();
    let of_identity = [
        (PLUGIN, &*identity.name),
        (VERSION, &*identity.version),
        (DIGEST, digest.as_str()),
    ];
    let headers: Vec<_> = of_identity
        .into_iter()
        .chain(signature.map(|text| (SIGNATURE, text)))
        .collect();
    let publication = Publication {
        topic: &fleet.topic,
        key: name,
        value: Some(component),
        headers: &headers,
    };
    let written = publisher.publish(&publication, DELIVERY).await;
    written.map_err(|error| fleet.write_error(&fleet.topic, component.len(), error))
}

/// Every record of one of the fleet's topics that is there now.
pub(super) fn each(fleet: &Fleet, topic: &str, mut look: impl FnMut(&Record)) -> Result<(), FleetError> {
    let wanted = Wanted {
        topic: topic.to_owned(),
        per_partition: u64::MAX,
        // A record may be a whole component.
        batch_records: 1,
        group: "host-fleet".to_owned(),
    };
    let read = latest::read(&fleet.kafka, &wanted, |records| {
        records.iter().for_each(&mut look);
        ControlFlow::Continue(())
    });
    read.map_err(|error| fleet.client_error(error))
}

/// The name of the plugin or host that the record is about.
pub(super) fn name(record: &Record) -> Option<String> {
    String::from_utf8(record.key.as_ref()?.to_vec()).ok()
}
