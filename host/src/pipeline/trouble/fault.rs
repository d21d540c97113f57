//! What an error means for a record, in one table.

use super::budget::Spent;
use crate::codec::CodecError;
use crate::dead_letter::{DeadLetterError, LetterFault};
use crate::plugin::isolate::GuestError;
use crate::progress::error::{ProgressError, ProgressFault};
use crate::record::causes::chain;
use crate::record::reject::Reject;
use crate::record::stage::Stage;
use crate::sink::{SinkError, SinkFault};

/// An error of any stage on a record's way.
#[derive(Debug, Clone, Copy)]
pub enum Fault<'a> {
    Codec(&'a CodecError),
    /// The guest gave no outcome, whatever the records hold.
    Guest(&'a GuestError),
    Budget(&'a Spent),
    Sink(&'a SinkError),
    DeadLetter(&'a DeadLetterError),
    Progress(&'a ProgressError),
}

/// What follows from an error.
#[derive(Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The record is at fault: it becomes a dead letter, the others go on.
    Reject(Reject),
    /// A server is at fault: retry forever with backoff, and commit nothing meanwhile.
    Retry,
    /// The set-up is at fault: say what and how to repair it, and try again slowly.
    Halt,
}

/// The table. Every arm says what happened and hence what follows.
#[expect(
    clippy::match_same_arms,
    reason = "each arm has its own reason, and the reasons are the point"
)]
pub fn disposition(fault: Fault<'_>) -> Disposition {
    use Disposition::{Halt, Reject as RejectIt, Retry};
    let write = |code: &'static str, error: &SinkError| RejectIt(Reject::new(Stage::Write, code, chain(error)));
    match fault {
        Fault::Codec(error) => match error {
            // The registry does not answer as a registry. Schemas cannot be fetched, but the records are well. What
            // it answers about one schema is not an error of the batch: the decoder rejects that schema's records.
            CodecError::RegistryUnreachable(_) => Retry,
            // The registry refuses our login: every record would fail the same way.
            CodecError::RegistryLogin(_) => Halt,
        },
        // This plugin's outcome is not wanted any more: another plugin makes it.
        Fault::Guest(GuestError::Stopped) => Retry,
        // The plugin is bad, not the record.
        Fault::Guest(GuestError::Start(_) | GuestError::Broken { .. }) => Halt,
        // Nearly everything is rejected, so the plugin or the topic is the wrong one.
        Fault::Budget(_) => Halt,
        Fault::Sink(error) => match error.fault {
            // The value does not fit the column, and never will.
            SinkFault::Value => write("bad-value", error),
            // A row needs its primary key.
            SinkFault::NullKey => write("null-key", error),
            // The server read the row and calls it invalid (too large, wrong value). It will never accept it.
            SinkFault::Refused => write("refused", error),
            // The server is overloaded, or its answer is late. The row may have been written. Writing it again is
            // harmless, since it has the same write timestamp or the same place in its record.
            SinkFault::Busy
            // There are too few servers or none, or a disk is full. That may pass.
            | SinkFault::Away => Retry,
            // The table, a column or the topic was dropped. The record is not at fault, and no retry brings it back.
            SinkFault::Gone
            // The rights were taken away. The record is not at fault.
            | SinkFault::Forbidden
            // No retry sets a clock.
            | SinkFault::Clock => Halt,
        },
        Fault::DeadLetter(error) => match error.fault {
            // Without an acknowledged dead letter the record would be lost.
            LetterFault::Away => Retry,
            // No retry makes the record smaller or gives it a key.
            LetterFault::Refused
            // No retry brings the topic back.
            | LetterFault::Gone
            // No retry gives the right to write to it.
            | LetterFault::Forbidden
            // No retry sets a clock.
            | LetterFault::Clock => Halt,
        },
        Fault::Progress(error) => match error.fault {
            // What is not kept is read again, which changes nothing. It is kept once that is possible.
            ProgressFault::Away => Retry,
            // Without it the pipeline does not know where to go on, and no retry gives the right.
            ProgressFault::Forbidden => Halt,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::Misfit;

    const RETRY: Option<&str> = Some("retry");
    const HALT: Option<&str> = Some("halt");

    /// What a record waits for; `None` if it is rejected.
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
