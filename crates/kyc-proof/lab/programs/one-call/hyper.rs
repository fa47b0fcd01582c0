//! The same on hyper-util's pool, which is what the default transport stands on.

mod made_up;
mod measure;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use made_up::{INITIALIZE, Initialized, PATH};
use measure::Measure;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(measure::base_url()?))
}

async fn run(base_url: String) -> Result<(), Box<dyn std::error::Error>> {
    let mut measure = Measure::start();
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    measure.step();
    for _ in 0..2 {
        let request = hyper::Request::post(format!("{base_url}{PATH}"))
            .header("content-type", "application/json")
            .header("x-api-key", "made-up-key-0001")
            .header("x-api-secret", "made-up-secret-0001")
            .body(Full::from(serde_json::to_vec(&INITIALIZE)?))?;
        let body = client.request(request).await?.into_body().collect().await?;
        let reply: Initialized = serde_json::from_slice(&body.to_bytes())?;
        assert!(reply.data.client_id.starts_with("aa_"));
        measure.step();
    }
    measure.print();
    Ok(())
}
