//! A worker in this process that can be ended as by a crash, and its server.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kyc_journey::Sealer;
use kyc_journey_restate::{RestateEngine, RestateWorker};
use tokio::net::TcpListener;
use tokio::runtime::{self, Runtime};

use crate::server::{Address, Server};

/// A worker in a runtime of its own, with which everything that it does ends.
#[derive(Debug)]
pub(crate) struct Running(Option<Runtime>);

impl Running {
    pub(crate) fn start(worker: RestateWorker, address: &Address) -> Self {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = address.listener();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            worker.serve(listener, std::future::pending()).await
        });
        Self(Some(runtime))
    }

    /// Ends it in the middle of whatever it does. It does nothing more when this returns.
    pub(crate) async fn crash(mut self) {
        let runtime = self.0.take().unwrap();
        let ends = move || runtime.shutdown_timeout(Duration::from_secs(10));
        tokio::task::spawn_blocking(ends).await.unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A server, a worker and an engine.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) engine: RestateEngine,
    pub(crate) worker: Running,
    pub(crate) address: Address,
    pub(crate) server: Server,
}

impl Setup {
    pub(crate) async fn start(
        program: &Path,
        sealer: Arc<dyn Sealer>,
        worker: RestateWorker,
    ) -> Self {
        let server = Server::start(program).await;
        Self::of(server, sealer, worker).await
    }

    /// With this server, which has no worker yet.
    pub(crate) async fn of(server: Server, sealer: Arc<dyn Sealer>, worker: RestateWorker) -> Self {
        let address = Address::new();
        let worker = Running::start(worker, &address);
        let engine = server.engine(sealer);
        engine.register(&address.url()).await.unwrap();
        Self {
            engine,
            worker,
            address,
            server,
        }
    }
}
