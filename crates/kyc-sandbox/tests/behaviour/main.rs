//! Each operation through the in-process transport, with every documented body compared literally.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod aggregator;
mod browser;
mod console;
mod control;
mod decision;
mod deepvue;
mod digilocker;
mod finpass;
mod finpro;
mod general;
mod refresh_data;
mod routes;
mod sessions;
#[cfg(feature = "state-file")]
mod state_file;
mod triggers;
mod veriff;
mod veriff_pages;
mod verifications;

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use kyc_sandbox::Sandbox;
use provider_core::{Body, ExchangeLimits, Transport};
use serde_json::Value;
use sha2::Sha256;

/// A reply.
struct Reply {
    status: u16,
    headers: http::HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Asserts the status and the exact body.
    fn is(&self, status: u16, text: &str) {
        assert_eq!((self.status, self.text.as_str()), (status, text));
    }
}

async fn send(
    sandbox: &Sandbox,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
) -> Reply {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://localhost{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.into())).unwrap();
    let reply = sandbox
        .transport()
        .send(
            request,
            ExchangeLimits::new(Duration::from_secs(60), usize::MAX),
        )
        .await
        .unwrap();
    Reply {
        status: reply.status().as_u16(),
        headers: reply.headers().clone(),
        text: String::from_utf8(reply.body().to_vec()).unwrap(),
    }
}

/// `headers` without the named one.
fn without<'a>(headers: &[(&'a str, &'a str)], name: &str) -> Vec<(&'a str, &'a str)> {
    headers
        .iter()
        .filter(|(other, _)| *other != name)
        .copied()
        .collect()
}

/// `headers` with the named one changed.
fn with<'a>(
    headers: &[(&'a str, &'a str)],
    name: &'a str,
    value: &'a str,
) -> Vec<(&'a str, &'a str)> {
    let mut changed = without(headers, name);
    changed.push((name, value));
    changed
}

/// Veriff's signature of a message.
fn sign(secret: &str, message: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    hex::encode(mac.chain_update(message).finalize().into_bytes())
}

/// Bodies that no operation accepts.
fn hostile_bodies() -> Vec<Vec<u8>> {
    let deep_lists = [vec![b'['; 30_000], vec![b']'; 30_000]].concat();
    let deep_objects = br#"{"a":"#.repeat(10_000);
    vec![
        b"".to_vec(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\"text\"".to_vec(),
        b"1e999999".to_vec(),
        b"{}".to_vec(),
        b"{\"a\":1}trailing".to_vec(),
        vec![0xff, 0xfe, 0x00, 0x80],
        b"{\"mobile_number\":\"\xff\xff\",\"type\":\"\xc3\x28\"}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        "{\"mobile_number\":\"\\ud800\"}".as_bytes().to_vec(),
        deep_lists,
        deep_objects,
    ]
}
