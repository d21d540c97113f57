//! Work on plugins while records flow: on threads of the lowest priority, so that whoever handles records comes first.

use tokio::sync::oneshot;

/// `nice` of such a thread.
pub(super) const LOWEST: i32 = 19;

/// Does the work on a thread of its own, since a priority once lowered cannot be raised again. `Err`: no thread could be
/// had, or the work broke off.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let (done, is_done) = oneshot::channel();
    let thread = std::thread::Builder::new().name("aside".to_owned());
    let spawned = thread.spawn(move || {
        lower_priority(LOWEST);
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
