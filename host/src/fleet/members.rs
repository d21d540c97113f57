//! Which member runs what: each member's latest report, a record of its own key in the topic of the members.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::published::{each, name};
use super::{Fleet, FleetError};
use crate::kafka::producer::publisher::{Publication, Publisher};

/// A report that the brokers do not take in this time is not worth waiting for: the next one says more.
const DELIVERY: Duration = Duration::from_secs(4);

/// What a member says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberReport {
    /// `orders-3/host-a-4711`: its consumer group, and which of its members.
    pub member: String,
    /// The name that it follows.
    pub follows: String,
    /// `running`, `waiting`, `halted`, `draining`.
    pub state: String,
    pub plugin: String,
    pub version: String,
    pub digest: String,
    pub on_probation: bool,
    /// What the last swap came to: `swapped`, `refused`, `rolled_back` with the reason; empty where there was none.
    pub last_swap: String,
    /// By `TOPIC/PARTITION`.
    pub partitions: BTreeMap<String, PartitionReport>,
    /// When the brokers got it, in milliseconds.
    #[serde(default)]
    pub at_ms: i64,
}

/// Where a member is in a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionReport {
    pub committed: Option<i64>,
    /// The digest that takes its records now, and its first offset.
    pub digest: Option<String>,
    pub from: Option<i64>,
}

/// Reports for one member.
pub struct Reporter {
    publisher: Publisher,
    topic: String,
    member: String,
    fleet: Fleet,
}

impl Reporter {
    /// Makes the producer of reports for this member, `HOST:PROCESS` or the name it was given. Fails if the settings of
    /// Kafka are wrong.
    pub fn new(fleet: &Fleet, member: &str) -> Result<Self, FleetError> {
        Ok(Self {
            publisher: fleet.publisher(DELIVERY)?,
            topic: fleet.members_topic(),
            member: member.to_owned(),
            fleet: fleet.clone(),
        })
    }

    /// Publishes the report in place of this member's last one, and returns once the brokers have acknowledged it.
    pub async fn report(&self, report: &MemberReport) -> Result<(), FleetError> {
        // Strings, numbers and maps with string keys: it always has a JSON form.
        let text = serde_json::to_string(report).unwrap_or_default();
        self.send(Some(&text)).await
    }

    /// Takes the report back: this member has ended.
    pub async fn leave(&self) -> Result<(), FleetError> {
        self.send(None).await
    }

    async fn send(&self, text: Option<&str>) -> Result<(), FleetError> {
        let publication = Publication {
            topic: &self.topic,
            key: &self.member,
            value: text.map(str::as_bytes),
            headers: &[],
        };
        let sent = self.publisher.publish(&publication, DELIVERY).await;
        sent.map(drop)
            .map_err(|error| self.fleet.write_error(&self.topic, text.map_or(0, str::len), error))
    }
}

/// The latest report of each member that has not ended, by its name. Reads the whole topic; blocks.
pub fn read(fleet: &Fleet) -> Result<Vec<MemberReport>, FleetError> {
    let mut found = BTreeMap::new();
    each(fleet, &fleet.members_topic(), |record| {
        let Some(member) = name(record) else { return };
        let report = record
            .value
            .as_ref()
            .and_then(|value| serde_json::from_slice::<MemberReport>(value).ok());
        match report {
            Some(report) => {
                let at_ms = record.timestamp_ms.unwrap_or_default();
                found.insert(member, MemberReport { at_ms, ..report })
            }
            None => found.remove(&member),
        };
    })?;
    Ok(found.into_values().collect())
}
