//! `kyc journey serve`: a server that is killed goes on, one that is stopped says goodbye, and none starts open.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::journey::Files;
use crate::kyc::kyc;

const TOKEN: &str = "made-up-token-of-the-tests-0123456789";

/// A server with its sandbox, killed on drop.
struct Server {
    child: Child,
    url: String,
    sandbox: Vec<(String, String)>,
    comments: Vec<String>,
}

impl Server {
    fn start(files: &Files) -> Self {
        let db = files.path("journeys.db");
        let mut child = Command::new(env!("CARGO_BIN_EXE_kyc"))
            .args(["journey", "serve", "--sandbox", "--db", &db])
            .args(["--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"])
            .env_clear()
            .env("KYC_JOURNEY_TOKEN", TOKEN)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut comments = Vec::new();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.map(Result::unwrap) {
            let is_last = line.contains("-d '");
            comments.push(line);
            if is_last {
                break;
            }
        }
        let after = |start: &str| {
            let found = comments.iter().find_map(|line| line.strip_prefix(start));
            found
                .unwrap_or_else(|| panic!("{start}: {comments:?}"))
                .to_owned()
        };
        let url = after("# Operator's page: ")
            .trim_end_matches('/')
            .to_owned();
        let console = after("# The sandbox's console: ");
        let (at, token) = console.split_once("/?token=").unwrap();
        let sandbox = [("KYC_SANDBOX_URL", at), ("KYC_SANDBOX_TOKEN", token)];
        let sandbox = sandbox.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            child,
            url,
            sandbox: sandbox.into(),
            comments,
        }
    }

    /// Runs the first request as it was printed.
    fn first_request(&self) -> Value {
        let lines = self.comments.iter();
        let shell = lines.filter_map(|line| line.strip_prefix("#   "));
        let shell: Vec<_> = shell.map(str::trim_start).collect();
        let shell = shell.join("\n");
        let ran = Command::new("sh")
            .args(["-c", &format!("{shell} --silent --show-error")])
            .env("KYC_JOURNEY_TOKEN", TOKEN)
            .output()
            .unwrap();
        let text = String::from_utf8(ran.stdout).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {shell}: {text}"))
    }

    /// Asks for this, and gives what is answered, line by line.
    fn get(&self, path: &str) -> impl Iterator<Item = String> + use<> {
        let host = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        BufReader::new(stream).lines().map_while(Result::ok)
    }

    fn pass(&self, length: &str) {
        let moved = kyc(&["clock", "advance", length], &self.sandbox);
        assert_eq!(moved.code, 0, "{moved:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_journey_goes_on_after_its_server_was_killed_and_its_end_is_streamed() {
    let files = Files::new();
    let server = Server::start(&files);
    let begun = server.first_request();
    let id = begun["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{begun}"))
        .to_owned();
    assert_eq!(begun["status"], "running");
    let events = format!("/v1/journeys/{id}/events");
    let mut told = server.get(&events);
    assert!(told.any(|line| line.contains(r#""kind":"link""#)));
    drop((told, server));

    let server = Server::start(&files);
    // The same request is the same journey.
    assert_eq!(server.first_request()["id"], id.as_str());
    server.pass("1h");
    let told = server.get(&events).collect::<Vec<_>>().join("\n");
    let last = told.split_once("event: end");
    let (_, last) = last.unwrap_or_else(|| panic!("{told}"));
    assert!(last.contains(r#""status":"completed""#), "{told}");
    assert!(!told.contains("9001000000"));
}

#[test]
#[cfg(unix)]
fn a_server_that_is_stopped_ends_its_streams_and_itself() {
    let files = Files::new();
    let mut server = Server::start(&files);
    let id = server.first_request()["id"].as_str().unwrap().to_owned();
    let pid = server.child.id().to_string();
    let mut told = server.get(&format!("/v1/journeys/{id}/events"));
    assert!(told.any(|line| line.starts_with("id: ")));
    let killed = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(killed.unwrap().success());
    let told = told.collect::<Vec<_>>().join("\n");
    assert!(!told.contains("event: end"), "{told}");
    let code = server.child.wait().unwrap().code();
    let mut stderr = String::new();
    let pipe = server.child.stderr.take();
    pipe.unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(
        stderr.contains("what is left waits in the file"),
        "{stderr}"
    );
    assert!(files.run(&["list"]).stdout.contains(&id));
}

#[test]
fn none_starts_open_or_without_providers() {
    let files = Files::new();
    let db = files.path("journeys.db");
    let token = |text: &str| vec![("KYC_JOURNEY_TOKEN".to_owned(), text.to_owned())];
    for (arguments, environment, field) in [
        (&[][..], vec![], "KYC_JOURNEY_TOKEN"),
        (&["--sandbox"], token("short"), "KYC_JOURNEY_TOKEN"),
        (&[], token(TOKEN), "environment"),
        (
            &["--sandbox", "--listen", "0.0.0.0:0"],
            token(TOKEN),
            "--listen",
        ),
        (
            &["--sandbox", "--sandbox-listen", "0.0.0.0:0"],
            token(TOKEN),
            "--sandbox-listen",
        ),
        (
            &["--sandbox", "--public-url", "ftp://x"],
            token(TOKEN),
            "--public-url",
        ),
    ] {
        let mut all = vec!["journey", "serve", "--json", "--db", &db];
        all.extend(arguments);
        let run = kyc(&all, &environment);
        assert_eq!(run.code, 2, "{arguments:?}: {run:?}");
        assert_eq!(run.error()["field"], field, "{run:?}");
        assert!(!run.stderr.contains("short"), "{run:?}");
    }
}
