//! The admin endpoint of a running pipeline: live, ready, metrics, status, the page, and the plugin to look at, swap
//! and roll back. `docs/operating.md` lists the requests and their answers.
//!
//! [`server`] takes connections, within bounds. [`gate`] says who may ask, and [`routes`] who answers. [`plugin`]
//! describes the plugin and changes it through [`control`]. [`history`] keeps the last minutes for the [`page`].

mod answers;
pub mod control;
mod gate;
mod history;
mod page;
mod plugin;
mod routes;
mod server;
mod shadow;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::config::settings::{Admin, IfTaken};
use crate::connection::Secret;
use crate::pipeline::flow::parts::Parts;
use answers::Answers;
use control::SlotControl;
use gate::Gate;
use history::History;

/// An endpoint that listens already, and answers from [`Endpoint::serve`] on.
pub struct Endpoint {
    listener: TcpListener,
    address: SocketAddr,
    token: Option<Secret>,
}

/// An endpoint that answers until this is dropped.
pub struct Serving {
    _tasks: JoinSet<()>,
}

/// Why the endpoint cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("{address} is taken, perhaps by another host; --admin names another address, or off")]
    Taken {
        address: SocketAddr,
        #[source]
        cause: io::Error,
    },
    #[error("cannot listen at {address}; --admin names another address, or off")]
    Other {
        address: SocketAddr,
        #[source]
        cause: io::Error,
    },
}

impl Endpoint {
    /// Listens at the address. If it is only the default and is taken, listens at a free port instead.
    pub async fn bind(admin: &Admin) -> Result<Self, BindError> {
        let address = admin.address;
        let bound = match TcpListener::bind(address).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && admin.if_taken == IfTaken::AnotherPort => {
                let bound = TcpListener::bind((address.ip(), 0)).await;
                if let Ok(instead) = bound
                    .as_ref()
                    .map_err(drop)
                    .and_then(|bound| bound.local_addr().map_err(drop))
                {
                    tracing::warn!(%instead, "{address} is taken, perhaps by another host; answering elsewhere");
                }
                bound
            }
            bound => bound,
        };
        let listener = bound.map_err(|cause| match cause.kind() {
            io::ErrorKind::AddrInUse => BindError::Taken { address, cause },
            _ => BindError::Other { address, cause },
        })?;
        let address = listener
            .local_addr()
            .map_err(|cause| BindError::Other { address, cause })?;
        Ok(Self {
            listener,
            address,
            token: admin.token.clone(),
        })
    }

    /// The address that it listens at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to answer. Without a control, the plugin can be looked at but not changed.
    pub fn serve(self, parts: Arc<Parts>, control: Option<Arc<dyn SlotControl>>) -> Serving {
        let history = Arc::new(History::default());
        let answers = Answers {
            gate: Gate::new(self.address.ip(), self.token),
            history: Arc::clone(&history),
            control,
            parts: Arc::clone(&parts),
            upload: tokio::sync::Mutex::new(()),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(server::run(self.listener, routes::router(answers)));
        tasks.spawn(async move { history.follow(&parts).await });
        Serving { _tasks: tasks }
    }
}
