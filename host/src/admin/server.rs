//! Takes connections: so many at one time, each for so long, each head within its time and size.

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

/// A browser opens six, a scraper one, a probe one. More than these wait in the listener's queue.
const CONNECTIONS: usize = 64;

/// From the first wait to the last byte of a request's head; also how long an unused connection is kept. Longer than
/// the page's pause between two questions, far shorter than anybody could hold all connections unnoticed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// A head is a line and some headers; a token and a browser's own add up to some 2 KiB.
const HEAD_BYTES: usize = 16 << 10;

/// After so long a connection takes no further request; whoever wants more opens another one.
const LIFE: Duration = Duration::from_mins(5);

/// And what it is at may last so much longer: a component is uploaded and compiled within it.
const LAST_ANSWER: Duration = Duration::from_mins(2);

/// After a failed accept, which is this process's want of file descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// Who asks, as handlers see it.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

pub async fn run(listener: TcpListener, router: Router) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Never closed, so there is always a permit to come.
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
