//! What happens when something fails: [`fault`] says what an error means, [`retry`] tries again, [`outage`] reports
//! what is waited for, and [`budget`] says when there are too many rejects to be the records' fault.

pub mod backoff;
pub mod budget;
pub mod fault;
pub mod outage;
pub mod retry;
