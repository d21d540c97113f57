//! Questions to the cluster from whose answers something is concluded: which tables there are, which nodes. A cluster
//! that is overloaded, is starting or has lost the connection is asked again for a while. Where it still does not
//! answer, that is the result, with its reason: what was not read is never taken for something that is not there.

use std::time::Duration;

use parking_lot::Mutex;
use scylla::client::session::Session;
use scylla::deserialize::row::DeserializeRow;
use scylla::errors::{ExecutionError, SchemaAgreementError};
use scylla::statement::Consistency;
use scylla::statement::unprepared::Statement;
use tokio::time::{Instant, sleep, timeout};

use super::errors::{self, Fault, Whole};
use crate::record::causes::BoxError;

/// How long one question is asked again. A node gets over a pause of its garbage collector, a queue of requests or its
/// own start in less. A service manager that starts this program (systemd: 90 s) has not given up yet. Past it, exit
/// code 3 is the better answer: a cluster that cannot say in a minute which tables it has takes no rows either.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// One attempt, whatever `sink.cassandra.request_timeout_ms` says: a question that is given up early and asked again
/// has to stand at the end of the node's queue once more. A node gives up one that has waited for 12 s by itself.
const ATTEMPT: Duration = Duration::from_secs(20);

/// Between two attempts: doubled each time, so that a short hiccup costs little and an overloaded node is left alone.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Whatever number of questions wait, that is said once, and again when it goes on for so long.
const REMINDER: Duration = Duration::from_mins(1);

static SAID: Mutex<Option<Instant>> = Mutex::new(None);

type BoxedCause = Whole<BoxError>;

/// A question has no answer, so nothing can be concluded.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    #[error("Cassandra did not say {question}, asked for {} s", .asked.as_secs())]
    Late {
        question: String,
        asked: Duration,
        #[source]
        cause: BoxedCause,
    },
    #[error("Cassandra does not let this user see {question}: GRANT SELECT ON {resource} TO the user")]
    Forbidden {
        question: String,
        resource: String,
        #[source]
        cause: BoxedCause,
    },
    #[error("Cassandra refuses to say {question}")]
    Refused {
        question: String,
        #[source]
        cause: BoxedCause,
    },
    #[error("the nodes of Cassandra do not agree on which tables there are (`nodetool describecluster` shows them)")]
    Disagreeing(#[source] BoxedCause),
}

/// A question to the cluster.
pub struct Question {
    /// As the end of a sentence: `which keyspaces there are`.
    pub about: String,
    /// The resource that the user must be allowed to read, as `GRANT SELECT ON` names it.
    pub resource: String,
    pub cql: String,
}

/// Asks questions over one session.
pub struct Asking<'a> {
    session: &'a Session,
    patience: Duration,
}

impl Unanswered {
    /// Whether another try may succeed (exit code 3), or something has to be changed first (2).
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Late { .. } | Self::Disagreeing(_))
    }

    /// The driver's text about it.
    pub fn cause(&self) -> &(dyn std::error::Error + Send + Sync) {
        match self {
            Self::Late { cause, .. }
            | Self::Forbidden { cause, .. }
            | Self::Refused { cause, .. }
            | Self::Disagreeing(cause) => &*cause.0,
        }
    }

    fn of(question: &Question, error: ExecutionError, asked: Duration) -> Self {
        let about = question.about.clone();
        let fault = errors::fault(&error);
        let cause: BoxedCause = Whole(Box::new(error));
        match fault {
            Fault::Forbidden => Self::Forbidden {
                question: about,
                resource: question.resource.clone(),
                cause,
            },
            Fault::Refused | Fault::Gone => Self::Refused { question: about, cause },
            Fault::Unavailable
            | Fault::Late
            | Fault::Silent
            | Fault::Overloaded
            | Fault::Unreached
            | Fault::Failed
            | Fault::Unknown => Self::Late {
                question: about,
                asked,
                cause,
            },
        }
    }
}

impl<'a> Asking<'a> {
    /// Asks on this session, each question for at most `PATIENCE`.
    pub fn of(session: &'a Session) -> Self {
        Self::within(session, PATIENCE)
    }

    /// The same, asking each question for so long at most.
    pub fn within(session: &'a Session, patience: Duration) -> Self {
        Self { session, patience }
    }

    /// The session that the questions are sent on.
    pub fn session(&self) -> &'a Session {
        self.session
    }

    /// The rows of the answer.
    pub async fn rows<R>(&self, question: &Question) -> Result<Vec<R>, Unanswered>
    where
        R: for<'frame, 'metadata> DeserializeRow<'frame, 'metadata>,
    {
        let ask = || async {
            // Tables of the system are each node's own.
            let mut statement = Statement::new(question.cql.as_str());
            statement.set_consistency(Consistency::One);
            statement.set_is_idempotent(true);
            statement.set_request_timeout(Some(ATTEMPT));
            self.session.query_unpaged(statement, ()).await
        };
        let answer = self.answer(question, ask).await?;
        // An answer that is not rows of these types is one of a server that this program does not know.
        let refused = |error: Box<dyn std::error::Error + Send + Sync>| Unanswered::Refused {
            question: question.about.clone(),
            cause: Whole(error),
        };
        let rows = answer.into_rows_result().map_err(|error| refused(error.into()))?;
        let rows = rows.rows::<R>().map_err(|error| refused(error.into()))?;
        rows.collect::<Result<_, _>>().map_err(|error| refused(error.into()))
    }

    /// The answer to the question, however it is asked.
    pub async fn answer<T, F>(&self, question: &Question, attempt: impl Fn() -> F) -> Result<T, Unanswered>
    where
        F: Future<Output = Result<T, ExecutionError>>,
    {
        let begun = Instant::now();
        let answer = self.again(&question.about, attempt).await;
        answer.map_err(|error| Unanswered::of(question, error, begun.elapsed()))
    }

    /// The answer of an attempt that succeeds, or the error of the last one: the first that no outage explains, or that
    /// of the attempt after which there is no time for another.
    pub async fn again<T, F>(&self, about: &str, attempt: impl Fn() -> F) -> Result<T, ExecutionError>
    where
        F: Future<Output = Result<T, ExecutionError>>,
    {
        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            // On the heap: a request of the driver's is large.
            let answer = timeout(ATTEMPT, Box::pin(attempt())).await;
            let error = match answer.unwrap_or(Err(ExecutionError::RequestTimeout(ATTEMPT))) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if !errors::fault(&error).is_outage() || begun.elapsed() + pause >= self.patience {
                return Err(error);
            }
            self.say(about, &error);
            sleep(pause).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// Waits until all nodes that can be reached know the same tables. Before that, one of them may not know a table
    /// yet that another one has created.
    pub async fn agreement(&self) -> Result<(), Unanswered> {
        let disagreeing = |error: SchemaAgreementError| Unanswered::Disagreeing(Whole(Box::new(error)));
        match self.session.check_schema_agreement().await {
            Ok(Some(_)) => return Ok(()),
            Ok(None) if is_time_to_say() => {
                tracing::warn!("the nodes of Cassandra do not agree on which tables there are, waiting until they do");
            }
            Ok(None) => {}
            Err(error) => self.say("whether its nodes agree on their tables", &error),
        }
        let agreed = self.session.await_schema_agreement().await;
        agreed.map(drop).map_err(disagreeing)
    }

    fn say(&self, about: &str, error: &dyn std::error::Error) {
        if is_time_to_say() {
            let seconds = self.patience.as_secs();
            tracing::warn!(%error, "Cassandra does not say {about}, asking again for up to {seconds} s");
        }
    }
}

fn is_time_to_say() -> bool {
    let mut said = SAID.lock();
    let is_time = said.is_none_or(|said| said.elapsed() >= REMINDER);
    if is_time {
        *said = Some(Instant::now());
    }
    is_time
}

#[cfg(test)]
mod tests {
    use scylla::errors::{DbError, RequestAttemptError};

    use super::*;

    fn question() -> Question {
        Question {
            about: "which keyspaces there are".into(),
            resource: "KEYSPACE system_schema".into(),
            cql: String::new(),
        }
    }

    fn unanswered(error: DbError, words: &str) -> Unanswered {
        let error = ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, words.into()));
        Unanswered::of(&question(), error, Duration::from_mins(1))
    }

    fn chain(error: &dyn std::error::Error) -> String {
        let cause = error.source().map(|cause| format!(": {}", chain(cause)));
        format!("{error}{}", cause.unwrap_or_default())
    }

    #[test]
    fn what_an_outage_leaves_unanswered_is_unreachable_and_says_why() {
        let late = unanswered(DbError::Overloaded, "too many requests in flight");
        assert!(late.is_unreachable());
        let said = chain(&late);
        assert!(
            said.starts_with("Cassandra did not say which keyspaces there are, asked for 60 s: "),
            "{said}"
        );
        assert!(said.contains("too many requests in flight"), "{said}");
    }

    #[test]
    fn a_right_that_is_missing_is_named_and_is_no_outage() {
        let forbidden = unanswered(DbError::Unauthorized, "User app has no SELECT permission");
        assert!(!forbidden.is_unreachable());
        assert_eq!(
            forbidden.to_string(),
            "Cassandra does not let this user see which keyspaces there are: GRANT SELECT ON KEYSPACE system_schema TO \
             the user"
        );
        assert!(matches!(
            unanswered(DbError::SyntaxError, ""),
            Unanswered::Refused { .. }
        ));
    }
}
