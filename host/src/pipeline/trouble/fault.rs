//! What an error means for a record: the one table.

use super::budget::Spent;
use crate::codec::CodecError;
use crate::dead_letter::{DeadLetterError, LetterFault};
use crate::plugin::isolate::GuestError;
use crate::record::causes::chain;
use crate::record::reject::Reject;
use crate::record::stage::Stage;
use crate::sink::{SinkError, SinkFault};

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
        Fault::Sink(error) => match error.fault {
            // The value does not fit the column: it never will.
            SinkFault::Value => write("bad-value", error),
            // There is no row without its primary key.
            SinkFault::NullKey => write("null-key", error),
            // The server read the row and calls it invalid (too large, wrong value): it never will take it.
            SinkFault::Refused => write("refused", error),
            // The server asks for patience, or its answer is late. Whether the row is written may be unknown: writing it
            // again is harmless, since the write timestamp is the same, or the same place of its record.
            SinkFault::Busy
            // Too few servers, or none, or a disk that is full: they come back, and it may pass.
            | SinkFault::Away => Retry,
            // Somebody dropped the table, a column or the topic. It is not the record's fault, and no try brings it back.
            SinkFault::Gone
            // Somebody took the rights away: not the record's fault.
            | SinkFault::Forbidden
            // No try of ours sets a clock.
            | SinkFault::Clock => Halt,
        },
        Fault::DeadLetter(error) => match error.fault {
            // Without an acknowledged dead letter the record would be lost.
            LetterFault::Away => Retry,
            // No try of ours makes the record smaller or gives it a key.
            LetterFault::Refused
            // Nor does one bring the topic back.
            | LetterFault::Gone
            // Nor give the right to write to it.
            | LetterFault::Forbidden
            // Nor set a clock.
            | LetterFault::Clock => Halt,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Misfit;

    const RETRY: Option<&str> = Some("retry");
    const HALT: Option<&str> = Some("halt");

    /// `None`: the record is rejected.
    fn waits(disposition: &Disposition) -> Option<&'static str> {
        match disposition {
            Disposition::Reject(_) => None,
            Disposition::Retry => RETRY,
            Disposition::Halt => HALT,
        }
    }

    #[test]
    fn a_value_that_does_not_fit_rejects_its_record_with_column_and_reason() {
        let error = SinkError::from(Misfit {
            column: "orderhour".into(),
            reason: "300 is not a tinyint".into(),
        });
        let Disposition::Reject(reject) = disposition(Fault::Sink(&error)) else {
            panic!("not a reject")
        };
        assert_eq!((reject.stage, &*reject.code), (Stage::Write, "bad-value"));
        assert_eq!(reject.message, "column orderhour: 300 is not a tinyint");
    }

    #[test]
    fn every_fault_of_a_sink_rejects_with_its_code_or_waits() {
        for (fault, code, expected) in [
            (SinkFault::Value, "bad-value", None),
            (SinkFault::NullKey, "null-key", None),
            (SinkFault::Refused, "refused", None),
            (SinkFault::Busy, "", RETRY),
            (SinkFault::Away, "", RETRY),
            (SinkFault::Gone, "", HALT),
            (SinkFault::Forbidden, "", HALT),
            (SinkFault::Clock, "", HALT),
        ] {
            let error = SinkError::new(fault, "what the sink says", "what the server said");
            let found = disposition(Fault::Sink(&error));
            assert_eq!(waits(&found), expected, "{fault:?}");
            if let Disposition::Reject(reject) = found {
                assert_eq!((reject.stage, &*reject.code), (Stage::Write, code));
                assert_eq!(reject.message, "what the sink says: what the server said");
            }
        }
    }

    #[test]
    fn a_letter_is_tried_for_ever_where_a_further_try_may_publish_it_and_halts_else() {
        for (fault, expected) in [
            (LetterFault::Away, RETRY),
            (LetterFault::Refused, HALT),
            (LetterFault::Gone, HALT),
            (LetterFault::Forbidden, HALT),
            (LetterFault::Clock, HALT),
        ] {
            let error = DeadLetterError::new(fault, "orders-dlq", "not published".into(), std::fmt::Error);
            assert_eq!(waits(&disposition(Fault::DeadLetter(&error))), expected, "{fault:?}");
        }
    }
}
