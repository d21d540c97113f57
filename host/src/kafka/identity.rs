//! Whether the topic is still the one that is read, or another one has been made under its name: asked at every assignment,
//! and every so often while it is read (decision 0023).

use std::ffi::{CStr, CString};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::native::{Asked, IdAnswer};
use crate::record::topic_id::TopicId;

/// The brokers are given this long to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// The pause before they are asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// Topics that had the name before; a broker that lags behind may still tell of the latest ones.
const FORMER: usize = 8;

/// A topic's name, and what is known of the topics that have had it.
#[derive(Debug)]
pub struct Identity {
    topic: CString,
    met: Met,
    /// Set once it is logged that the brokers do not give the topic's id.
    is_logged: Once,
}

impl Identity {
    /// The identity of the topic with this name, not asked for yet.
    pub fn of(topic: &str) -> Self {
        Self {
            // No topic's name has a zero byte: the brokers would say that there is no such topic.
            topic: CString::new(topic.replace('\0', "")).unwrap_or_default(),
            met: Met::default(),
            is_logged: Once::new(),
        }
    }

    pub(super) fn topic(&self) -> &CStr {
        &self.topic
    }
}

/// The topics of the name that were met, the present one last.
#[derive(Debug, Default)]
struct Met(Mutex<Vec<TopicId>>);

impl Met {
    /// Whether it is the present one. One that another topic has replaced does not come back: a broker that tells of it lags
    /// behind.
    fn is_present(&self, id: TopicId) -> bool {
        let mut met = self.0.lock();
        if !met.contains(&id) {
            if met.len() == FORMER {
                met.remove(0);
            }
            met.push(id);
        }
        met.last() == Some(&id)
    }
}

/// What was found out about a topic's id.
#[derive(Debug)]
enum FoundId {
    Is(TopicId),
    /// These brokers do not give it, at all or to this login; the reason.
    Unavailable(String),
    /// There is no such topic at the moment.
    Nothing,
    /// To be asked again.
    Later(RDKafkaErrorCode),
}

/// Asks, and waits for the answer.
fn find<C: ConsumerContext>(consumer: &BaseConsumer<C>, topic: &CStr, met: &Met) -> FoundId {
    let answer = Asked::ask(consumer, topic, ANSWER).and_then(|asked| asked.answer(ANSWER));
    answer.map_or(FoundId::Later(RDKafkaErrorCode::OperationTimedOut), |answer| {
        meaning(answer, met)
    })
}

fn meaning(answer: IdAnswer, met: &Met) -> FoundId {
    match answer {
        Ok(Some(id)) if met.is_present(id) => FoundId::Is(id),
        Ok(Some(_)) => FoundId::Later(RDKafkaErrorCode::UnknownTopicId),
        Ok(None) => FoundId::Unavailable("the brokers are older than topic ids".to_owned()),
        Err(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => FoundId::Nothing,
        Err(
            code @ (RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
            | RDKafkaErrorCode::UnsupportedFeature
            | RDKafkaErrorCode::UnsupportedVersion
            | RDKafkaErrorCode::InvalidArgument
            | RDKafkaErrorCode::BadMessage),
        ) => FoundId::Unavailable(KafkaError::AdminOp(code).to_string()),
        Err(code) => FoundId::Later(code),
    }
}

/// The id of the topic that has the name now; asks until there is an answer or nothing is asked any more. `None` where it
/// cannot be known.
pub(super) fn topic_id<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    identity: &Identity,
    is_closing: &AtomicBool,
) -> Option<TopicId> {
    loop {
        match find(consumer, &identity.topic, &identity.met) {
            FoundId::Is(id) => return Some(id),
            FoundId::Nothing => return None,
            FoundId::Unavailable(reason) => {
                identity.is_logged.call_once(|| {
                    tracing::info!(
                        reason,
                        "a topic that is deleted and made anew under this name is not noticed"
                    );
                });
                return None;
            }
            FoundId::Later(code) => tracing::debug!(%code, "the topic's id is not known yet"),
        }
        if is_closing.load(Ordering::Relaxed) {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Asks every so often, and never waits.
pub struct Watch<'a, C: ConsumerContext> {
    consumer: &'a BaseConsumer<C>,
    identity: &'a Identity,
    every: Duration,
    due: Instant,
    asked: Option<Asked<'a, C>>,
}

impl<'a, C: ConsumerContext> Watch<'a, C> {
    pub(super) fn new(consumer: &'a BaseConsumer<C>, identity: &'a Identity, every: Duration) -> Self {
        Self {
            consumer,
            identity,
            every,
            due: Instant::now() + every,
            asked: None,
        }
    }

    /// Something does not look like the topic that was read.
    pub fn doubt(&mut self) {
        self.due = Instant::now();
    }

    /// The topic's id, if an answer has come.
    pub fn look(&mut self) -> Option<TopicId> {
        let now = Instant::now();
        let Some(asked) = &self.asked else {
            if now >= self.due {
                self.asked = Asked::ask(self.consumer, &self.identity.topic, ANSWER);
                self.due = now + self.every;
            }
            return None;
        };
        let answer = asked.answer(Duration::ZERO)?;
        self.asked = None;
        match meaning(answer, &self.identity.met) {
            FoundId::Is(id) => Some(id),
            other => {
                tracing::debug!(answer = ?other, "the topic's id is not known at the moment");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_was_replaced_does_not_come_back() {
        let met = Met::default();
        let (old, new) = (TopicId([1; 16]), TopicId([2; 16]));
        assert!(met.is_present(old) && met.is_present(old) && met.is_present(new));
        assert!(!met.is_present(old), "a broker that lags behind");
        assert!(met.is_present(new));
        for number in 3..40 {
            assert!(met.is_present(TopicId([number; 16])));
        }
    }

    #[test]
    fn an_answer_that_says_nothing_of_the_topic_is_no_answer() {
        let met = Met::default();
        let of = |answer| meaning(answer, &met);
        assert!(matches!(of(Ok(None)), FoundId::Unavailable(_)));
        assert!(matches!(
            of(Err(RDKafkaErrorCode::TopicAuthorizationFailed)),
            FoundId::Unavailable(_)
        ));
        assert!(matches!(
            of(Err(RDKafkaErrorCode::UnknownTopicOrPartition)),
            FoundId::Nothing
        ));
        assert!(matches!(of(Err(RDKafkaErrorCode::AllBrokersDown)), FoundId::Later(_)));
    }
}
