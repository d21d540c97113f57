//! Work on plugins while records flow: on threads of a lower priority, so that whoever handles records comes first.

use tokio::sync::oneshot;

/// `nice` of what takes long and may wait, as compiling: it has the time that nobody else wants.
pub(super) const LOWEST: i32 = 19;

/// `nice` of what somebody waits for: a tenth of a core that others want too, and all of one that nobody wants.
pub(super) const LOW: i32 = 10;

/// Does the work, which somebody waits for, on a thread of its own, since a priority once lowered cannot be raised
/// again. `Err`: no thread could be had, or the work broke off.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let (done, is_done) = oneshot::channel();
    let thread = std::thread::Builder::new().name("aside".to_owned());
    let spawned = thread.spawn(move || {
        lower_priority(LOW);
        // Whoever waited has gone.
        let _ = done.send(work());
    });
    spawned.map_err(|error| format!("no thread for it: {error}"))?;
    is_done.await.map_err(|_| "it broke off; the log says more".to_owned())
}

/// Of the calling thread, to this `nice`.
pub(super) fn lower_priority(nice: i32) {
    let thread = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(thread), nice) {
        tracing::debug!(%error, "working at the usual priority");
    }
}
