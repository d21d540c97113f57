//! SIGINT and SIGTERM: the first signal asks for a drain, and a second one ends the program at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Completes at the first signal that comes after the call, even if the future is polled later. From then on a second
/// one ends the process with exit code 1: what is not settled is not committed, so a restart reads it again.
pub fn first_then_abort() -> impl Future<Output = ()> {
    let listening = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        let (Ok(interrupt), Ok(terminate)) = listening else {
            tracing::warn!("cannot listen for signals, so stopping will not drain");
            return std::future::pending().await;
        };
        listen(interrupt, terminate).await;
    }
}

async fn listen(mut interrupt: Signal, mut terminate: Signal) {
    let name = next(&mut interrupt, &mut terminate).await;
    tracing::info!("{name}: draining; a second signal stops at once");
    tokio::spawn(async move {
        let name = next(&mut interrupt, &mut terminate).await;
        tracing::error!("{name} again: stopped without draining; what is not settled is read again after a restart");
        std::process::exit(1);
    });
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) -> &'static str {
    tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    }
}
