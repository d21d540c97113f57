//! The thread that one partition's guest is called on. It may be kept busy: whoever waits for I/O waits elsewhere.
//!
//! A call that takes long goes on at a lower priority, so that a guest that never ends takes from the broker, the
//! database and the other partitions of a busy machine only what they leave. Deadlines are of processor time, hence a
//! call that has to stand back is not cut off for it.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{self, Receiver, SendError, Sender};
use std::thread;

use tokio::sync::oneshot;

use super::aside;

type Call = Box<dyn FnOnce() -> Answer + Send>;
type Answer = Box<dyn FnOnce()>;

/// Of the calling thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Priority {
    /// Not to be changed: others may use the thread later.
    Fixed,
    Usual,
    Lowered,
}

thread_local! {
    static PRIORITY: Cell<Priority> = const { Cell::new(Priority::Fixed) };
}

/// Starts its thread with the first call, and a new one after a call that took long: a priority once lowered cannot be
/// raised again. The thread ends when this is dropped, once its call has ended.
#[derive(Default)]
pub struct GuestThread {
    calls: Option<Sender<Call>>,
}

impl GuestThread {
    /// Does the work there; a panic of it is the caller's.
    ///
    /// # Errors
    /// The system gives no thread.
    pub async fn run<T: Send + 'static>(&mut self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let (done, is_done) = oneshot::channel();
        self.send(Box::new(move || {
            let result = catch_unwind(AssertUnwindSafe(work));
            // Whoever waited may have gone.
            Box::new(move || drop(done.send(result)))
        }))?;
        match is_done.await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(io::Error::other("the guest's thread has gone")),
        }
    }

    fn send(&mut self, call: Call) -> io::Result<()> {
        let call = match &self.calls {
            Some(calls) => match calls.send(call) {
                Ok(()) => return Ok(()),
                Err(SendError(call)) => call,
            },
            None => call,
        };
        let (calls, waiting) = mpsc::channel();
        // Its other end is here.
        let _ = calls.send(call);
        thread::Builder::new()
            .name("guest".to_owned())
            .spawn(move || serve(waiting))?;
        self.calls = Some(calls);
        Ok(())
    }
}

fn serve(calls: Receiver<Call>) {
    PRIORITY.set(Priority::Usual);
    while let Ok(call) = calls.recv() {
        let answer = call();
        if PRIORITY.get() == Priority::Lowered {
            // Before the answer, so that the next call finds nobody here and gets a thread of its own.
            drop(calls);
            return answer();
        }
        answer();
    }
}

/// The call on this thread takes long: the rest of it is done at a lower priority. Nothing happens on other threads.
pub fn give_way() {
    if PRIORITY.get() == Priority::Usual {
        PRIORITY.set(Priority::Lowered);
        aside::lower_priority(aside::LOW);
    }
}

#[cfg(test)]
mod tests {
    use std::thread::{ThreadId, current};

    use super::*;

    fn nice() -> i32 {
        rustix::process::getpriority_process(Some(rustix::thread::gettid())).expect("its own priority")
    }

    #[tokio::test]
    async fn calls_share_a_thread_until_one_of_them_takes_long() {
        let mut thread = GuestThread::default();
        let mut call = async |is_long: bool| -> (ThreadId, i32) {
            let work = move || {
                if is_long {
                    give_way();
                }
                (current().id(), nice())
            };
            thread.run(work).await.expect("a thread")
        };
        let usual = nice();
        let first = call(false).await;
        assert_eq!(first.1, usual);
        assert_eq!(call(false).await, first);
        assert_eq!(call(true).await, (first.0, aside::LOW.max(usual)));
        let second = call(false).await;
        assert_ne!(second.0, first.0);
        assert_eq!(second.1, usual);
    }

    #[tokio::test]
    async fn a_thread_of_others_keeps_its_priority() {
        let usual = nice();
        give_way();
        assert_eq!(nice(), usual);
    }

    #[tokio::test]
    async fn a_panic_is_the_callers_and_the_next_call_goes_on() {
        let mut thread = GuestThread::default();
        let panicked = tokio::spawn(async move {
            let _ = thread.run(|| panic!("on purpose")).await;
        });
        assert!(panicked.await.expect_err("a panic").is_panic());
        assert_eq!(GuestThread::default().run(|| 1).await.expect("a thread"), 1);
    }
}
