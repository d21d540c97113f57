//! What an error means for a record: the one table.

use super::budget::Spent;
use crate::codec::CodecError;
use crate::dead_letter::DeadLetterError;
use crate::plugin::isolate::GuestError;
use crate::record::causes::chain;
use crate::record::reject::Reject;
use crate::record::stage::Stage;
use crate::sink::SinkError;

/// An error of any stage on a record's way.
#[derive(Debug, Clone, Copy)]
pub enum Fault<'a> {
    Codec(&'a CodecError),
    /// No outcome whatever the records.
    Guest(&'a GuestError),
    Budget(&'a Spent),
    Sink(&'a SinkError),
    DeadLetter(&'a DeadLetterError),
}

/// What follows from an error.
#[derive(Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The record is at fault: it becomes a dead letter, the others go on.
    Reject(Reject),
    /// A server is at fault: try for ever with backoff, commit nothing meanwhile.
    Retry,
    /// The set-up is at fault: say what and how to mend it, try again slowly.
    Halt,
}

/// The table. Every arm says what happened, hence what follows.
#[expect(
    clippy::match_same_arms,
    reason = "each arm has its own reason, and the reasons are the point"
)]
pub fn disposition(fault: Fault<'_>) -> Disposition {
    use Disposition::{Halt, Reject as RejectIt, Retry};
    let write = |code: &'static str, error: &SinkError| RejectIt(Reject::new(Stage::Write, code, chain(error)));
    match fault {
        Fault::Codec(error) => match error {
            // The registry does not answer as one: schemas cannot be had, but the records are well. What it answers
            // about one schema is no error of the batch: it made that schema's records rejects of the decoder.
            CodecError::RegistryUnreachable(_) => Retry,
            // The registry refuses our login: every record would fail the same way.
            CodecError::RegistryLogin(_) => Halt,
        },
        // Nobody wants the outcome of this plugin any more: another one makes it.
        Fault::Guest(GuestError::Stopped) => Retry,
        // A bad deploy, not a bad record.
        Fault::Guest(GuestError::Start(_) | GuestError::Broken { .. }) => Halt,
        // Nearly everything is refused: plugin or topic is the wrong one.
        Fault::Budget(_) => Halt,
        Fault::Sink(error) => match error {
            // The value does not fit the column: it never will.
            SinkError::Value { .. } => write("bad-value", error),
            // There is no row without its primary key.
            SinkError::NullKey { .. } => write("null-key", error),
            // The server read the row and calls it invalid (too large, wrong value): it never will take it.
            SinkError::Refused(_) => write("refused", error),
            // Too few replicas: they come back.
            SinkError::Unavailable(_)
            // Unknown outcome: writing again is harmless, since the write timestamp is the same.
            | SinkError::Timeout(_)
            // The server asks for patience.
            | SinkError::Overloaded(_)
            // The server is away or restarts.
            | SinkError::Connection(_)
            // The disk is full or the file locked: it may pass.
            | SinkError::File(_)
            // The brokers are away, or slow. What they have after all is there twice, with one place of its record.
            | SinkError::Topic { .. } => Retry,
            // Somebody dropped the table or a column: not the record's fault.
            SinkError::TableGone(_)
            // Somebody took the rights away: not the record's fault.
            | SinkError::Unauthorized(_)
            // No try of ours brings the topic back.
            | SinkError::TopicGone { .. }
            // Nor sets a clock.
            | SinkError::TopicTime { .. }
            // Nor gives the right to write to it.
            | SinkError::TopicUnauthorized { .. } => Halt,
        },
        Fault::DeadLetter(error) => match error {
            // Without an acknowledged dead letter the record would be lost.
            DeadLetterError::Topic { .. } | DeadLetterError::File { .. } => Retry,
            // No try of ours makes the record smaller or gives it a key, sets a clock, brings the topic back or gives the
            // right to write to it.
            DeadLetterError::TooLarge { .. }
            | DeadLetterError::Compacted { .. }
            | DeadLetterError::Refused { .. }
            | DeadLetterError::Time { .. }
            | DeadLetterError::TopicGone { .. }
            | DeadLetterError::Unauthorized { .. } => Halt,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_does_not_fit_rejects_its_record_with_column_and_reason() {
        let error = SinkError::Value {
            column: "orderhour".into(),
            reason: "300 is not a tinyint".into(),
        };
        let Disposition::Reject(reject) = disposition(Fault::Sink(&error)) else {
            panic!("not a reject")
        };
        assert_eq!((reject.stage, &*reject.code), (Stage::Write, "bad-value"));
        assert_eq!(reject.message, "column orderhour: 300 is not a tinyint");
    }

    #[test]
    fn an_unknown_outcome_is_tried_again_and_a_missing_table_halts() {
        assert_eq!(
            disposition(Fault::Sink(&SinkError::Timeout("slow".into()))),
            Disposition::Retry
        );
        assert_eq!(
            disposition(Fault::Sink(&SinkError::TableGone("gone".into()))),
            Disposition::Halt
        );
    }

    #[test]
    fn a_letter_that_no_further_try_publishes_halts() {
        let (topic, cause) = (|| "orders-dlq".to_owned(), || std::sync::Arc::new(std::fmt::Error));
        let brokers = "b:9092".to_owned();
        let errors = [
            DeadLetterError::TooLarge {
                topic: topic(),
                brokers: brokers.clone(),
                bytes: 5,
                cause: cause(),
            },
            DeadLetterError::Compacted {
                topic: topic(),
                brokers,
                cause: cause(),
            },
            DeadLetterError::Refused {
                topic: topic(),
                cause: cause(),
            },
            DeadLetterError::Time {
                topic: topic(),
                cause: cause(),
            },
        ];
        for error in errors {
            assert_eq!(disposition(Fault::DeadLetter(&error)), Disposition::Halt, "{error}");
        }
        let slow = DeadLetterError::Topic {
            topic: topic(),
            cause: cause(),
        };
        assert_eq!(disposition(Fault::DeadLetter(&slow)), Disposition::Retry);
    }

    #[test]
    fn a_topic_that_is_slow_is_waited_for_and_one_that_is_gone_halts() {
        let (topic, cause) = (|| "alarms".to_owned(), || "as the brokers say".into());
        let slow = SinkError::Topic {
            topic: topic(),
            cause: cause(),
        };
        let gone = SinkError::TopicGone {
            topic: topic(),
            cause: cause(),
        };
        let forbidden = SinkError::TopicUnauthorized {
            topic: topic(),
            cause: cause(),
        };
        let means = [slow, gone, forbidden].map(|error| disposition(Fault::Sink(&error)));
        assert_eq!(means, [Disposition::Retry, Disposition::Halt, Disposition::Halt]);
    }
}
