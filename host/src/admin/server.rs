//! Takes connections, with bounds on their number and life, and on the time and size of each request's head.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Connections at one time. A browser opens six, a scraper one, a probe one. Further ones wait in the listener's queue.
const CONNECTIONS: usize = 64;

/// The most time until the last byte of a request's head, and for an unused connection. It is longer than the page's
/// pause between two requests, and short enough that holding all connections is noticed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// The most bytes of a request's head. With a token and a browser's own headers it has some 2 KiB.
const HEAD_BYTES: usize = 16 << 10;

/// After this time a connection takes no further request. A client can open another one.
const LIFE: Duration = Duration::from_mins(5);

/// The last request of a connection may take this much longer, enough to upload and compile a component.
const LAST_ANSWER: Duration = Duration::from_mins(2);

/// Pause after a failed accept, which means that this process lacks file descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// The address of the client, for handlers.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Takes connections for ever.
pub async fn run(listener: TcpListener, router: Router) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // The semaphore is never closed, so a permit always comes.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let router = router.clone();
                tokio::spawn(async move {
                    serve(stream, peer, router).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "cannot take a connection");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, router: Router) {
    let service = TowerToHyperService::new(router.layer(Extension(Peer(peer))));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = sleep(LIFE) => {
            connection.as_mut().graceful_shutdown();
            timeout(LAST_ANSWER, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection to the admin endpoint ended early");
    }
}
