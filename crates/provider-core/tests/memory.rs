//! The memory of a download does not grow with its length.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a failed expectation ends the test"
)]

#[allow(dead_code, reason = "shared with the other tests")]
#[path = "it/server.rs"]
mod server;
#[allow(dead_code, reason = "shared with the other tests")]
#[path = "it/toy.rs"]
mod toy;

use std::sync::Arc;

use provider_core::{Client, HyperTransport, ReqwestTransport, Transport};
use server::{Reply, Server};
use tempfile::TempDir;
use toy::{Media, Toy};

#[global_allocator]
static COUNTING: dhat::Alloc = dhat::Alloc;

const LONG: usize = 64 << 20;

/// The peak number of additional bytes in use, the server's included.
async fn peak(transport: Arc<dyn Transport>) -> usize {
    let server = Server::start([Reply::Picture {
        announced: LONG,
        sent: LONG,
    }])
    .await;
    let client = Client::builder(Toy::at(&server.url(""))).transport(transport);
    let client: Client<Toy> = client.build().unwrap();
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("picture.jpg");
    let profiler = dhat::Profiler::builder().testing().build();
    client.call(Media::new()).download(&path).await.unwrap();
    let peak = dhat::HeapStats::get().max_bytes;
    drop(profiler);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), LONG as u64);
    peak
}

#[tokio::test]
async fn a_long_download_takes_little_memory() {
    let hyper = HyperTransport::builder().without_tls().build().unwrap();
    let reqwest = ReqwestTransport::builder().without_tls().build().unwrap();
    let transports: [Arc<dyn Transport>; 2] = [Arc::new(hyper), Arc::new(reqwest)];
    for transport in transports {
        let name = format!("{transport:?}");
        let peak = peak(transport).await;
        assert!(peak < 2 << 20, "{name}: {peak} bytes for {LONG}");
    }
}
