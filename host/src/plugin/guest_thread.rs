//! The thread on which one partition's guest is called. A call may keep it busy, since all I/O is elsewhere.
//!
//! A long call goes on at a lower priority, so that a guest that never ends does not slow down the broker, the database
//! and the other partitions of a busy machine. Deadlines count processor time, so the lower priority does not make a
//! call miss its deadline.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{self, Receiver, SendError, Sender};
use std::thread;

use tokio::sync::oneshot;

use super::aside;

type Call = Box<dyn FnOnce() -> Reply + Send>;
type Reply = Box<dyn FnOnce()>;

/// The priority of a thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Priority {
    /// It must not be changed, since other work may use the thread later.
    Fixed,
    Usual,
    Lowered,
}

thread_local! {
    static PRIORITY: Cell<Priority> = const { Cell::new(Priority::Fixed) };
}

/// Starts its thread with the first call, and a new one after a long call, since a priority that was lowered cannot be
/// raised again. When this is dropped, the thread ends after its call.
#[derive(Default)]
pub struct GuestThread {
    calls: Option<Sender<Call>>,
}

impl GuestThread {
    /// Does the work on the thread. A panic in it goes on in the caller.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub async fn run<T: Send + 'static>(&mut self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let (done, is_done) = oneshot::channel();
        self.send(Box::new(move || {
            let result = catch_unwind(AssertUnwindSafe(work));
            // This fails if the caller has stopped waiting.
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
        // This cannot fail, since the other end is here.
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
            // The channel closes before the answer goes out, so that the next call gets a new thread.
            drop(calls);
            return answer();
        }
        answer();
    }
}

/// Lowers the priority for the rest of this long call. Does nothing on threads other than a guest's.
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
