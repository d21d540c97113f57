//! Works on plugins while records flow, on threads of a lower priority, so that the handling of records comes first.

use tokio::sync::oneshot;

/// `nice` of long work that may wait, such as compiling. It only gets time that is otherwise idle.
pub(super) const LOWEST: i32 = 19;

/// `nice` of work that something waits for. It gets a tenth of a busy core, and all of an idle one.
pub(super) const LOW: i32 = 10;

/// Does the work at the priority `LOW`. It gets a thread of its own, since a priority that was lowered cannot be
/// raised again. Fails if the system gives no thread, or if the work panics.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let (done, is_done) = oneshot::channel();
    let thread = std::thread::Builder::new().name("aside".to_owned());
    let spawned = thread.spawn(move || {
        lower_priority(LOW);
        // This fails if the caller has stopped waiting.
        let _ = done.send(work());
    });
    spawned.map_err(|error| format!("the system gives no thread for it: {error}"))?;
    is_done.await.map_err(|_| "it broke off; the log says more".to_owned())
}

/// Sets the calling thread to this `nice`.
pub(super) fn lower_priority(nice: i32) {
    let thread = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(thread), nice) {
        tracing::debug!(%error, "working at the usual priority");
    }
}
