//! A FinPro with persistent connections and a response time, which counts the requests for each person.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// Answers every request after `delay`; those about `failing` with 503.
#[derive(Clone, Default)]
pub(crate) struct ProfileServer {
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    asked: BTreeMap<String, usize>,
    failing: Vec<String>,
    connections: usize,
}

impl ProfileServer {
    pub(crate) fn start(delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            state: Arc::default(),
        };
        let answering = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (answering, stream) = (answering.clone(), stream.unwrap());
                let mut state = answering.state.lock().unwrap();
                state.connections = state.connections.saturating_add(1);
                drop(state);
                std::thread::spawn(move || answering.serve(stream, delay));
            }
        });
        server
    }

    /// The number of requests about each person.
    pub(crate) fn asked(&self) -> BTreeMap<String, usize> {
        self.state.lock().unwrap().asked.clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    pub(crate) fn requests(&self) -> usize {
        self.asked().values().sum()
    }

    /// Refuses requests about these people temporarily.
    pub(crate) fn fail(&self, mobiles: &[&str]) {
        self.state.lock().unwrap().failing = mobiles.iter().map(ToString::to_string).collect();
    }

    /// The variables that point FinPro's client here.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        [
            ("FINPRO_BASE_URL", self.address.as_str()),
            ("FINPRO_CLIENT_ID", "CANARY-id"),
            ("FINPRO_CLIENT_SECRET", "CANARY-secret"),
            ("FINPRO_ORGANISATION_ID", "CANARY-organisation"),
            ("FINPRO_APP_IDENTIFIER", "CANARY-app"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn serve(&self, stream: TcpStream, delay: Duration) -> Option<()> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut writer = stream;
        loop {
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return None;
                }
                if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = text.trim().parse().ok()?;
                }
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let body: Value = serde_json::from_slice(&body).ok()?;
            let mobile = body["mobileNumber"].as_str()?.to_owned();
            let fails = {
                let mut state = self.state.lock().unwrap();
                let asked = state.asked.entry(mobile.clone()).or_default();
                *asked = asked.saturating_add(1);
                state.failing.contains(&mobile)
            };
            std::thread::sleep(delay);
            let (status, reply) = match fails {
                true => ("503 Service Unavailable", "{}".to_owned()),
                false => ("200 OK", reply(&mobile)),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                reply.len()
            );
            writer.write_all((head + &reply).as_bytes()).ok()?;
        }
    }
}

/// An aggregator that fails, with the number in its text, and one that has it everywhere else.
fn reply(mobile: &str) -> String {
    format!(
        r#"{{"ver":"1.0.0","txnid":"txn-{mobile}","data":[{{"aaId":"onemoney","registrationStatus":true,"hasLinkedAccounts":true,"status":"success"}},{{"aaId":"finvu","registrationStatus":null,"hasLinkedAccounts":null,"status":"failed","errorMessage":"{mobile} is unknown"}},{{"aaId":"aa{mobile}","registrationStatus":null,"hasLinkedAccounts":null,"status":"unknown_{mobile}"}}]}}"#
    )
}
