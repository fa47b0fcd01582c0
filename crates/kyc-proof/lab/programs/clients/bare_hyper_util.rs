//! The calls by hand on hyper-util's pooled client: what somebody writes who wants less than reqwest.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::Result;
use crate::exchange;
use crate::exchange::by_hand::{INITIALIZE, Initialized};

/// A shared client and the address.
pub(crate) struct Client {
    http: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
    finpass: String,
}

impl Client {
    pub(crate) fn new(port: u16) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        let finpass = format!("http://127.0.0.1:{port}{}", exchange::FINPASS_PATH);
        Self { http, finpass }
    }

    pub(crate) async fn initialize(&self) -> Result<Initialized> {
        decode(self.http.request(initialize(&self.finpass)?).await?).await
    }
}

/// The request of *Initialize*, to a URL or a path.
pub(super) fn initialize(to: &str) -> Result<Request<Full<Bytes>>> {
    Ok(Request::post(to)
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .header("user-agent", exchange::USER_AGENT)
        .header("x-request-id", exchange::REQUEST_ID)
        .header("x-api-key", exchange::FINPASS_KEY)
        .header("x-api-secret", exchange::FINPASS_SECRET)
        .body(Full::new(serde_json::to_vec(&INITIALIZE)?.into()))?)
}

/// The reply of *Initialize*.
pub(super) async fn decode(response: Response<Incoming>) -> Result<Initialized> {
    if !response.status().is_success() {
        return Err(response.status().to_string().into());
    }
    let body = response.into_body().collect().await?.to_bytes();
    Ok(serde_json::from_slice(&body)?)
}
