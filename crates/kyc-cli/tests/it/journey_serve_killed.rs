//! `kyc journey serve`, killed again and again while a client starts and follows journeys: none is lost, and what may not be repeated was
//! done once by the providers, which outlive it.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::journey::Files;
use crate::journey_serve::{Server, TERMS};
use crate::kyc::{SandboxProcess, kyc};

/// How often it is killed, and how many journeys are begun, each of another person who approves in time.
const KILLS: u32 = 10;

struct Providers {
    sandbox: SandboxProcess,
    files: Files,
    terms: String,
    state: String,
}

impl Providers {
    fn start() -> Self {
        let files = Files::new();
        let state = files.path("providers.state");
        let arguments = ["--listen", "127.0.0.1:0", "--state", &state];
        Self {
            sandbox: SandboxProcess::start_with(&arguments),
            terms: files.write("terms.toml", TERMS),
            files,
            state,
        }
    }

    /// A server of the same file, at which the providers' webhooks come in.
    fn serve(&self) -> Server {
        let veriff = |(name, _): &&(String, String)| name.starts_with("VERIFF");
        let environment = self.sandbox.environment.iter().filter(veriff);
        let environment: Vec<_> = environment
            .map(|(name, value)| (&**name, &**value))
            .collect();
        let arguments = ["--terms", &self.terms];
        let server = Server::of(&self.files, &arguments, &environment, "# Providers: ");
        let hooks = format!("{}/hooks/veriff", server.url);
        self.steer(&["webhooks", "to", &hooks, "--provider", "veriff"]);
        server
    }

    fn steer(&self, arguments: &[&str]) {
        let run = kyc(arguments, &self.sandbox.environment);
        assert_eq!(run.code, 0, "{arguments:?}: {run:?}");
    }

    /// How many sessions each person has at Veriff, once the providers have ended.
    fn sessions(self) -> BTreeMap<String, u32> {
        let Self {
            sandbox,
            files: _files,
            state,
            ..
        } = self;
        drop(sandbox);
        let state = Connection::open(state).unwrap();
        let rows = "SELECT body FROM entry WHERE room = 'happenings'";
        let mut rows = state.prepare(rows).unwrap();
        let bodies = rows.query_map((), |row| row.get::<_, String>(0)).unwrap();
        let mut sessions = BTreeMap::new();
        for body in bodies {
            let body: Value = serde_json::from_str(&body.unwrap()).unwrap();
            let call = &body["what"]["Call"];
            if call["operation"] == "create-session" && call["had_effect"] == true {
                let person = body["journey"].to_string();
                let times: &mut u32 = sessions.entry(person).or_default();
                *times = times.saturating_add(1);
            }
        }
        sessions
    }
}

/// The start of the journey with this number.
fn start(number: u32) -> (String, String) {
    let mobile = format!("90010000{number:02}");
    let body = json!({
        "applicant": { "mobile": mobile },
        "plan": { "verification": { "records_consent": false } },
        "consent": {},
    });
    (format!("ORDER-{number}"), body.to_string())
}

#[test]
fn a_server_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing() {
    let providers = Providers::start();
    let mut acknowledged = BTreeMap::new();
    for number in 0..KILLS {
        let server = providers.serve();
        let (key, body) = start(number);
        match number.checked_rem(3).unwrap() {
            // The client is still waiting for the answer.
            0 => drop(server.send(&key, &body)),
            // The client has the answer, and follows: the kill comes a line later each time.
            rest => {
                let begun = server.start_journey(&key, &body);
                let id = begun["id"].as_str().unwrap().to_owned();
                let told = server.get(&format!("/v1/journeys/{id}/events"));
                let lines = number.checked_mul(rest).unwrap().min(9);
                assert_eq!(told.take(lines as usize).count(), lines as usize);
                acknowledged.insert(key, id);
            }
        }
        // As `kill -9` does.
        drop(server);
    }

    let server = providers.serve();
    let mut ids = BTreeSet::new();
    for number in 0..KILLS {
        let (key, body) = start(number);
        // Whoever does not know what became of it asks again.
        let id = server.start_journey(&key, &body)["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let known = acknowledged.get(&key);
        assert!(known.is_none_or(|known| *known == id), "{key}");
        ids.insert(id);
    }
    assert_eq!(ids.len(), KILLS as usize, "each key is one journey");
    // Each has its link, or knows that nobody knows whether it has.
    let events = |id: &String| server.get(&format!("/v1/journeys/{id}/events"));
    for id in &ids {
        let is_known = |line: String| {
            line.contains(r#""kind":"link""#) || line.contains(r#""event":"interrupted""#)
        };
        assert!(events(id).any(is_known), "{id}");
    }
    // The persons act, and what was told to a server that was dead is told again.
    providers.steer(&["clock", "advance", "1h"]);
    providers.steer(&["webhooks", "resend", "--failed"]);
    let mut completed = 0;
    for id in &ids {
        let journey = server.journey(id);
        let unsettled = !journey["legs"][0]["unsettled"].is_null();
        match journey["status"].as_str().unwrap() {
            // The call was begun, and no provider has heard of it.
            "running" | "needs_person" if unsettled => {}
            _ => {
                let told = events(id).collect::<Vec<_>>().join("\n");
                assert!(
                    told.contains(r#""status":"completed""#),
                    "{journey}: {told}"
                );
                completed += 1;
            }
        }
    }
    drop(server);
    let sessions = providers.sessions();
    assert!(sessions.values().all(|times| *times == 1), "{sessions:?}");
    // Whoever has a session went on with it.
    assert_eq!(sessions.len(), completed, "{sessions:?}");
}
