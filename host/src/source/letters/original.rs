//! Reads what a letter holds by reference from where its record stands.

use crate::connection::KafkaConnection;
use crate::kafka::error::ClientError;
use crate::kafka::fetch::{FetchError, Wanted, fetch};
use crate::record::letter::Letter;

/// Completes the letter from its record, or notes in it why that is impossible: the record was deleted, or another one
/// has its offset. Blocks.
///
/// # Errors
/// The brokers do not answer, or refuse: another try may succeed.
pub fn restore(connection: &KafkaConnection, group: &str, letter: &mut Letter) -> Result<(), ClientError> {
    if letter.reference().is_none() {
        return Ok(());
    }
    let position = &letter.record.position;
    let wanted = Wanted {
        topic: position.partition.topic.to_string(),
        partition: position.partition.number,
        offset: position.offset.0,
        behind: 0,
        group: group.to_owned(),
    };
    match fetch(connection, &wanted) {
        Ok(fetched) => {
            if let Err(another) = letter.restore(fetched.record) {
                letter.give_up(another.to_string());
            }
        }
        Err(FetchError::Client(error @ ClientError::TopicMissing { .. })) => letter.give_up(error.to_string()),
        Err(FetchError::Client(error)) => return Err(error),
        Err(
            gone @ (FetchError::NoPartition { .. }
            | FetchError::Deleted { .. }
            | FetchError::NotYet { .. }
            | FetchError::Gap { .. }),
        ) => letter.give_up(gone.to_string()),
    }
    Ok(())
}
