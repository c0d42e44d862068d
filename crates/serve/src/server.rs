//! Listening, connections, and draining.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::responses::jobs;
use crate::router::router;
use crate::state::AppState;

/// How long requests in flight may take to end after the server was told to stop.
const DRAIN: Duration = Duration::from_secs(30);
/// How long they may take to hand over what they have after that.
const GRACE: Duration = Duration::from_secs(5);

/// Why a server can't run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address can't be used.
    #[error("can't listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// A public address without keys would let everybody in.
    #[error(
        "{0} can be reached from other machines: make an API key first (`strawberry serve key add NAME`), or leave out --host"
    )]
    NoKey(SocketAddr),
    /// The state can't be read.
    #[error("{0}")]
    State(String),
}

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    state: AppState,
}

impl Server {
    /// Listens on `address`. Port 0 takes any that is free.
    ///
    /// # Errors
    /// The address is taken, or it is public and there is no API key.
    pub async fn bind(address: SocketAddr, state: AppState) -> Result<Server, ServerError> {
        if !address.ip().is_loopback() {
            let keys = state.store.list_api_keys().await;
            if keys.map_err(|e| ServerError::State(e.to_string()))?.is_empty() {
                return Err(ServerError::NoKey(address));
            }
        }
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| ServerError::Listen { address, error })?;
        Ok(Server { listener, state })
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// The system can't say.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is ready, then drains: no new connections and requests, those in flight may end;
    /// after half a minute they are told to stop with what they have.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Server { listener, state } = self;
        let service = TowerToHyperService::new(router(state.clone()));
        let mut builder = Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(state.settings.limits.read_timeout)
            .max_buf_size(64 << 10);
        let graceful = GracefulShutdown::new();
        let (stop_jobs, stopped) = oneshot::channel::<()>();
        let jobs = tokio::spawn(jobs::work(state.clone(), async {
            let _ = stopped.await;
        }));
        let mut stop = std::pin::pin!(stop);
        loop {
            let stream = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        // Out of file descriptors, mostly: others will be closed soon.
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                },
                () = &mut stop => break,
            };
            // Tokens are small and shall not wait for one another.
            let _ = stream.set_nodelay(true);
            let connection = builder.serve_connection(TokioIo::new(stream), service.clone());
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection ended early");
                }
            });
        }
        drop(listener);
        state.drain();
        // A dropped sender says the same as a sent message.
        drop(stop_jobs);
        let _ = jobs.await;
        let mut drained = std::pin::pin!(graceful.shutdown());
        if tokio::time::timeout(DRAIN, &mut drained).await.is_err() {
            state.in_flight.stop_all();
            let _ = tokio::time::timeout(GRACE, drained).await;
        }
    }
}
