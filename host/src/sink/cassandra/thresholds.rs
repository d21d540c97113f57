//! Up to what the server takes a CQL batch without a warning in its log.

use std::collections::HashMap;

use super::config::CqlBatches;
use super::cql_batch::Bounds;
use crate::cassandra::asking::{Asking, Question, Unanswered};

/// Cassandra's own defaults, where it does not say what it has.
const PARTITIONS: usize = 10;
const BYTES: usize = 5 << 10;

/// A virtual table that there is since 4.0; the second name of a size is that of 4.0.
const SETTINGS: &str = "SELECT name, value FROM system_views.settings WHERE name IN \
     ('batch_size_warn_threshold', 'batch_size_warn_threshold_in_kb', 'batch_size_fail_threshold', \
     'batch_size_fail_threshold_in_kb', 'unlogged_batch_across_partitions_warn_threshold')";

/// What the settings say, and the server where they say nothing. A CQL batch that the server would refuse is never made:
/// all its rows would be sent twice.
pub async fn bounds(asking: &Asking<'_>, wanted: CqlBatches) -> Result<Bounds, Unanswered> {
    let said = settings(asking).await?;
    let (bounds, at_most) = (chosen(wanted, &said), said_size(&said, "batch_size_fail_threshold"));
    Ok(match at_most {
        Some(at_most) if at_most < bounds.bytes => {
            tracing::warn!(
                wanted_kib = bounds.bytes >> 10,
                server_kib = at_most >> 10,
                "the server refuses CQL batches as large as sink.cassandra.batch_kib says, they are kept smaller \
                 (its batch_size_fail_threshold)"
            );
            Bounds {
                bytes: at_most,
                ..bounds
            }
        }
        _ => bounds,
    })
}

fn chosen(wanted: CqlBatches, said: &HashMap<String, String>) -> Bounds {
    let CqlBatches { partitions, bytes } = wanted;
    let said_partitions = said
        .get("unlogged_batch_across_partitions_warn_threshold")
        .and_then(|text| text.parse().ok());
    let said_bytes = said_size(said, "batch_size_warn_threshold");
    Bounds {
        partitions: partitions.or(said_partitions).unwrap_or(PARTITIONS),
        bytes: bytes.or(said_bytes).unwrap_or(BYTES),
    }
}

fn said_size(said: &HashMap<String, String>, name: &str) -> Option<usize> {
    let text = said.get(name).or_else(|| said.get(&format!("{name}_in_kb")))?;
    size(text)
}

/// Not everybody may read them, and not every server has them.
async fn settings(asking: &Asking<'_>) -> Result<HashMap<String, String>, Unanswered> {
    let question = Question {
        about: "how large a CQL batch may be".into(),
        resource: "KEYSPACE system_views".into(),
        cql: SETTINGS.into(),
    };
    match asking.rows::<(String, Option<String>)>(&question).await {
        Ok(rows) => Ok(rows
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()),
        Err(late) if late.is_unreachable() => Err(late),
        Err(error) => {
            tracing::debug!(%error, "the server does not say its thresholds, taking the usual ones");
            Ok(HashMap::new())
        }
    }
}

/// `5KiB`, or KiB without a unit.
fn size(text: &str) -> Option<usize> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let number: usize = text[..digits].parse().ok()?;
    match &text[digits..] {
        "B" => Some(number),
        "" | "KiB" => number.checked_mul(1 << 10),
        "MiB" => number.checked_mul(1 << 20),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_cassandra_writes_them() {
        assert_eq!(size("5KiB"), Some(5120));
        assert_eq!(size("5"), Some(5120));
        assert_eq!(size("1MiB"), Some(1 << 20));
        assert_eq!(size("900B"), Some(900));
        assert_eq!(size("null"), None);
        assert_eq!(size("5 parsecs"), None);
    }
}
