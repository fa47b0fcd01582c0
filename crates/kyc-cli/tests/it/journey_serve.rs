//! `kyc journey serve`: a server that is killed goes on, one that is stopped says goodbye, and none starts open.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::journey::Files;
use crate::kyc::{SandboxProcess, kyc};

pub(crate) const TOKEN: &str = "made-up-token-of-the-tests-0123456789";

/// A server with its sandbox, killed on drop.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    sandbox: Vec<(String, String)>,
    comments: Vec<String>,
}

impl Server {
    fn start(files: &Files) -> Self {
        Self::start_with(files, &[])
    }

    fn start_with(files: &Files, environment: &[(&str, &str)]) -> Self {
        let sandbox = ["--sandbox", "--sandbox-listen", "127.0.0.1:0"];
        Self::of(files, &sandbox, environment, "#     -d '")
    }

    /// `last` begins what it says last.
    pub(crate) fn of(
        files: &Files,
        arguments: &[&str],
        environment: &[(&str, &str)],
        last: &str,
    ) -> Self {
        let db = files.path("journeys.db");
        Self::at(&["--db", &db], arguments, environment, last)
    }

    /// The same, whose journeys are at this place.
    pub(crate) fn at(
        place: &[&str],
        arguments: &[&str],
        environment: &[(&str, &str)],
        last: &str,
    ) -> Self {
        let listen = match arguments.contains(&"--listen") {
            true => &[][..],
            false => &["--listen", "127.0.0.1:0"],
        };
        let mut child = Command::new(env!("CARGO_BIN_EXE_kyc"))
            .args(["journey", "serve"])
            .args(place)
            .args(listen)
            .args(arguments)
            .env_clear()
            .env("KYC_JOURNEY_TOKEN", TOKEN)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut comments = Vec::new();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.map(Result::unwrap) {
            let is_last = line.starts_with(last);
            comments.push(line);
            if is_last {
                break;
            }
        }
        let after = |start: &str| {
            let found = comments.iter().find_map(|line| line.strip_prefix(start));
            found.map(str::to_owned)
        };
        let url = after("# Operator's page: ").unwrap_or_else(|| panic!("{comments:?}"));
        let console = after("# The sandbox's console: ").unwrap_or_default();
        let sandbox = console.split_once("/?token=").map(|(at, token)| {
            let sandbox = [("KYC_SANDBOX_URL", at), ("KYC_SANDBOX_TOKEN", token)];
            sandbox.map(|(name, value)| (name.to_owned(), value.to_owned()))
        });
        Self {
            child,
            url: url.trim_end_matches('/').to_owned(),
            sandbox: sandbox.into_iter().flatten().collect(),
            comments,
        }
    }

    /// Waits until it says this on stderr, ends it, and gives all that it said there.
    pub(crate) fn stopped_after(&mut self, words: &str) -> String {
        let mut stderr = BufReader::new(self.child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains(words) {
            assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        said
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
    pub(crate) fn get(&self, path: &str) -> impl Iterator<Item = String> + use<> {
        self.ask("GET", path, "")
    }

    /// Does this, and gives the answer's last line: its body.
    fn post(&self, path: &str, body: &str) -> Value {
        let answer = self.ask("POST", path, body).last().unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> impl Iterator<Item = String> + use<> {
        self.ask_as(self.host(), method, path, "ORDER-17", body)
    }

    fn host(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// Asks it under this name.
    fn ask_as(
        &self,
        name: &str,
        method: &str,
        path: &str,
        key: &str,
        body: &str,
    ) -> impl Iterator<Item = String> + use<> {
        let mut stream = TcpStream::connect(self.host()).unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {name}\r\nauthorization: Bearer {TOKEN}\r\nidempotency-key: {key}\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        BufReader::new(stream).lines().map_while(Result::ok)
    }

    /// Asks for a journey, and does not wait for the answer.
    pub(crate) fn send(&self, key: &str, body: &str) -> impl Iterator<Item = String> + use<> {
        self.ask_as(self.host(), "POST", "/v1/journeys", key, body)
    }

    /// Starts the journey of this key.
    pub(crate) fn start_journey(&self, key: &str, body: &str) -> Value {
        let answer = self.send(key, body).last().unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }

    /// Returns once a journey has a link for its person.
    pub(crate) fn has_link(&self, id: &str) {
        let mut told = self.get(&format!("/v1/journeys/{id}/events"));
        assert!(told.any(|line| line.contains(r#""kind":"link""#)));
    }

    /// Where the person of a journey of documents goes on, once there is a link.
    fn link(&self, id: &str) -> String {
        self.has_link(id);
        let links = self
            .get(&format!("/v1/journeys/{id}/links"))
            .last()
            .unwrap();
        let links: Value = serde_json::from_str(&links).unwrap();
        links["links"][0]["url"].as_str().unwrap().to_owned()
    }

    /// Where a journey stands.
    pub(crate) fn journey(&self, id: &str) -> Value {
        let answer = self.get(&format!("/v1/journeys/{id}")).last().unwrap();
        serde_json::from_str(&answer).unwrap()
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
    assert!(stderr.contains("what is left waits"), "{stderr}");
    assert!(files.run(&["list"]).stdout.contains(&id));
}

impl Files {
    /// `kyc consent` beside a server that runs.
    fn consent(&self, arguments: &[&str]) -> Value {
        let db = self.path("journeys.db");
        let mut all = vec!["consent"];
        all.extend(arguments);
        all.extend(["--json", "--db", &db]);
        let run = kyc(&all, &[]);
        assert_eq!(run.code, 0, "{run:?}");
        run.answer()
    }

    /// The operations of the calls under a consent, and those after its withdrawal.
    fn used(&self) -> (Vec<String>, Vec<String>) {
        let show = self.consent(&["show", "--mobile-number", MOBILE]);
        let entries = show["entries"].as_array().unwrap();
        let is_withdrawn = |entry: &Value| entry["kind"] == "withdrawn";
        let end = entries.iter().position(is_withdrawn);
        let (before, after) = entries.split_at(end.unwrap_or(entries.len()));
        let used = |entries: &[Value]| {
            let used = entries.iter().filter(|entry| entry["kind"] == "used");
            let name = |entry: &Value| {
                entry["says"]["used"]["operation"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            };
            used.map(name).collect::<Vec<_>>()
        };
        (used(before), used(after))
    }

    /// The operations of all calls that reached the sandbox, which has ended.
    fn called(&self) -> Vec<String> {
        let sandbox = rusqlite::Connection::open(self.path("journeys.db.sandbox")).unwrap();
        let rows = "SELECT body FROM entry WHERE room = 'happenings' ORDER BY rowid";
        let mut rows = sandbox.prepare(rows).unwrap();
        let bodies = rows.query_map((), |row| row.get::<_, String>(0)).unwrap();
        let call = |body: Result<String, _>| {
            let body: Value = serde_json::from_str(&body.unwrap()).unwrap();
            body["what"]["Call"]["operation"]
                .as_str()
                .map(str::to_owned)
        };
        bodies.filter_map(call).collect()
    }
}

/// As the README has it.
pub(crate) const TERMS: &str = include_str!("../terms.toml");

/// The number of the first request.
const MOBILE: &str = "9001000000";

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words
}

#[test]
fn a_served_journey_has_its_consent_and_each_call_in_the_ledger() {
    let files = Files::new();
    let server = Server::start(&files);
    let begun = server.first_request();
    let id = begun["id"].as_str().unwrap();
    let show = files.consent(&["show", "--mobile-number", MOBILE]);
    assert_eq!(show["journeys"][0], id);
    assert_eq!(show["receipts"][0]["standing"], "live");
    assert_eq!(show["receipts"][0]["receipt"], begun["receipt"]);
    // What the ledger says nobody else does.
    let own = r#"{"answer":"renewed","consent":{"receipt":"receipt-1"}}"#;
    let refused = server.post(&format!("/v1/journeys/{id}/consent"), own);
    assert_eq!(refused["field"], "consent.receipt", "{refused}");
    let renewed = server.post(
        &format!("/v1/journeys/{id}/consent"),
        r#"{"answer":"renewed"}"#,
    );
    assert_ne!(renewed["receipt"], begun["receipt"], "{renewed}");
    let again = server.post(
        &format!("/v1/journeys/{id}/consent"),
        r#"{"answer":"renewed"}"#,
    );
    assert_eq!(again["receipt"], renewed["receipt"], "{again}");
    let events = format!("/v1/journeys/{id}/events");
    server.has_link(id);
    server.pass("1h");
    let told = server.get(&events).collect::<Vec<_>>().join("\n");
    assert!(told.contains(r#""status":"completed""#), "{told}");
    let show = files.consent(&["show", "--mobile-number", MOBILE]);
    assert_eq!(show["receipts"][0]["standing"], "renewed");
    assert_eq!(show["receipts"][1]["receipt"], renewed["receipt"]);
    assert_eq!(show["receipts"].as_array().unwrap().len(), 2);
    assert_eq!(files.consent(&["verify"])["whole"], true);
    drop(server);
    let (used, after) = files.used();
    assert!(used.contains(&"create-session".to_owned()), "{used:?}");
    assert_eq!(sorted(used), sorted(files.called()));
    assert_eq!(after, [""; 0]);
}

#[test]
fn a_withdrawal_by_another_process_ends_a_served_journey_and_what_it_opened() {
    let files = Files::new();
    let server = Server::start(&files);
    let id = server.first_request()["id"].as_str().unwrap().to_owned();
    let events = format!("/v1/journeys/{id}/events");
    server.has_link(&id);
    let withdrawn = files.consent(&["withdraw", "--mobile-number", MOBILE]);
    // The server has the file, and tells it.
    assert_eq!(withdrawn["journeys_told"], Value::Null, "{withdrawn}");
    let told = server.get(&events).collect::<Vec<_>>().join("\n");
    assert!(told.contains(r#""status":"withdrawn""#), "{told}");
    assert_eq!(server.journey(&id)["receipt"], Value::Null);
    the_session_is_deleted_and_nothing_else_is_done(&files, server, &id);
}

#[test]
fn a_withdrawal_by_the_api_is_in_the_ledger_first() {
    let files = Files::new();
    let server = Server::start(&files);
    let id = server.first_request()["id"].as_str().unwrap().to_owned();
    server.has_link(&id);
    let withdrawn = server.post(&format!("/v1/journeys/{id}/withdraw"), "");
    assert_eq!(withdrawn["status"], "withdrawn", "{withdrawn}");
    let show = files.consent(&["show", "--mobile-number", MOBILE]);
    assert_eq!(show["receipts"][0]["standing"], "withdrawn");
    the_session_is_deleted_and_nothing_else_is_done(&files, server, &id);
}

/// After a withdrawal.
fn the_session_is_deleted_and_nothing_else_is_done(files: &Files, server: Server, id: &str) {
    let is_deleted = |line: &String| line.contains("answered") && line.contains("delete-session");
    let events = format!("/v1/journeys/{id}/events");
    // The journey has ended, and its clean-up goes on: its stream may be read again.
    while !server.get(&events).any(|line| is_deleted(&line)) {}
    server.pass("1h");
    assert_eq!(files.consent(&["show"])["untold"], 0);
    assert_eq!(files.consent(&["verify"])["whole"], true);
    drop(server);
    let (before, after) = files.used();
    assert_eq!(after, ["delete-session"]);
    assert_eq!(sorted([before, after].concat()), sorted(files.called()));
}

/// The process dies before its first call, the person withdraws, and the journey cannot be told: the next start tells it first.
#[cfg(unix)]
#[test]
fn a_journey_that_was_not_told_of_its_withdrawal_is_told_before_its_first_call() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    let files = Files::new();
    let mut server = Server::start_with(&files, &[("KYC_JOURNEY_KILL_AT", "before a mark#1")]);
    let first = r#"{"applicant":{"mobile":"9001000000"},"plan":{"verification":{}},"consent":{}}"#;
    let _answer = server.ask("POST", "/v1/journeys", first).count();
    assert_eq!(server.child.wait().unwrap().code(), None);
    drop(server);
    let key = files.path("journeys.db.key");
    set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    files.consent(&["withdraw", "--mobile-number", MOBILE]);
    assert_eq!(files.consent(&["show"])["untold"], 1);
    set_permissions(&key, Permissions::from_mode(0o600)).unwrap();

    let server = Server::start(&files);
    let again = server.post("/v1/journeys", first);
    assert_eq!(again["status"], "withdrawn", "{again}");
    server.pass("1h");
    assert_eq!(files.consent(&["show"])["untold"], 0);
    drop(server);
    assert_eq!(files.called(), [""; 0]);
}

#[test]
fn without_a_consent_no_call_is_made() {
    let files = Files::new();
    let server = Server::start(&files);
    let waits = r#"{"applicant":{"mobile":"9001000000"},"plan":{"verification":{}}}"#;
    let begun = server.post("/v1/journeys", waits);
    assert_eq!(begun["status"], "await_consent", "{begun}");
    let id = begun["id"].as_str().unwrap();
    server.pass("1h");
    let refused = server.post(
        &format!("/v1/journeys/{id}/consent"),
        r#"{"answer":"refused"}"#,
    );
    assert_eq!(refused["status"], "refused", "{refused}");
    drop(server);
    assert_eq!(files.called(), [""; 0]);
}

/// Its consent would be written under the person after all was erased.
#[test]
fn nobody_is_erased_whose_journey_waits_for_a_consent() {
    let files = Files::new();
    let server = Server::start(&files);
    let waits = r#"{"applicant":{"mobile":"9001000000"},"plan":{"verification":{}}}"#;
    let begun = server.post("/v1/journeys", waits);
    assert_eq!(begun["status"], "await_consent", "{begun}");
    let id = begun["id"].as_str().unwrap();
    let db = files.path("journeys.db");
    let erase_with = |more: &[&str]| {
        let erase = ["erase", "--mobile-number", MOBILE, "--db", &db];
        kyc(&[&erase[..], more].concat(), &[])
    };
    let erase = || erase_with(&[]);
    // The same while the server has the file; and what would be done is said of the journeys, too.
    let held = [erase(), erase_with(&["--dry-run"])];
    drop(server);
    for refused in held
        .into_iter()
        .chain([erase(), erase_with(&["--dry-run"])])
    {
        assert_eq!(refused.code, 2, "{refused:?}");
        let withdraw = format!("`kyc journey withdraw {id} --db {db}`");
        for words in [id, &withdraw, "--mobile-number: has"] {
            assert!(refused.stderr.contains(words), "{words} in {refused:?}");
        }
    }
    let show = files.consent(&["show", "--mobile-number", MOBILE]);
    // Once it has ended, the person is erased, also while a server has the file.
    let server = Server::start(&files);
    let withdrawn = server.post(&format!("/v1/journeys/{id}/withdraw"), "");
    assert_eq!(withdrawn["status"], "withdrawn", "{withdrawn}");
    for erased in [erase_with(&["--dry-run"]), erase()] {
        assert_eq!(erased.code, 0, "{erased:?}");
    }
    let path = format!("/v1/journeys/{id}/consent");
    let late = server.post(&path, r#"{"answer":"given","consent":{}}"#);
    assert_ne!(late["status"], "running", "{late}");
    drop(server);
    let subject = show["subject"].as_str().unwrap();
    let show = files.consent(&["show", subject]);
    assert_eq!(show["receipts"].as_array().unwrap().len(), 0, "{show}");
}

/// As in production: providers by their settings, and terms from a file.
pub(crate) fn in_production(files: &Files, sandbox: &SandboxProcess) -> Server {
    let of =
        |(name, _): &&(String, String)| name.starts_with("VERIFF") || name.starts_with("FINPRO");
    let environment = sandbox.environment.iter().filter(of);
    let environment: Vec<_> = environment
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let path = files.write("terms.toml", TERMS);
    let arguments = ["--terms", &path, "--product-id", "LOAN-1"];
    Server::of(files, &arguments, &environment, "# Providers: ")
}

#[test]
fn terms_of_a_file_are_what_the_ledger_says() {
    let sandbox = SandboxProcess::start();
    let files = Files::new();
    let server = in_production(&files, &sandbox);
    let begun = server.post(
        "/v1/journeys",
        r#"{"applicant":{"mobile":"9001000000"},"plan":{"verification":{}},"consent":{},
            "notice_text":"I agree that my identity is verified and my accounts are read."}"#,
    );
    assert_eq!(begun["status"], "running", "{begun}");
    let timers = begun["timers"].to_string();
    assert!(timers.contains("renewal"), "{timers}");
    let show = files.consent(&["show", "--mobile-number", MOBILE]);
    let providers = &show["receipts"][0]["providers"];
    assert_eq!(*providers, serde_json::json!(["finpro", "veriff"]));
    let given = &show["entries"][0]["says"].to_string();
    assert!(given.contains("onboarding"), "{given}");
    let id = begun["id"].as_str().unwrap();
    server.has_link(id);
}

const DOCUMENTS: &str =
    r#"{"applicant":{"mobile":"9001000000"},"plan":{"documents":{"wanted":["pan"]}},"consent":{}}"#;

/// Where a browser is sent that opens a link of the sandbox, as a program that follows redirects sees it.
fn sent_back(link: &str) -> String {
    let rest = link.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut path = format!("/{path}");
    loop {
        let mut stream = TcpStream::connect(host).unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let lines = BufReader::new(stream).lines().map_while(Result::ok);
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        let next = head.iter().find_map(|line| line.strip_prefix("location: "));
        let next = next.unwrap_or_else(|| panic!("{head:?}")).to_owned();
        match next.starts_with('/') {
            true => path = next,
            false => return next,
        }
    }
}

/// Who has a script needs no browser at DigiLocker either: whoever follows the link gets back.
#[test]
fn documents_are_shared_without_a_browser() {
    let files = Files::new();
    let server = Server::start(&files);
    let begun = server.start_journey("ORDER-18", DOCUMENTS);
    let id = begun["id"].as_str().unwrap_or_else(|| panic!("{begun}"));
    let back = sent_back(&server.link(id));
    let path = back
        .strip_prefix(&server.url)
        .unwrap_or_else(|| panic!("{back}"));
    assert!(path.starts_with("/return/"), "{path}");
    let answer: Vec<String> = server.get(path).collect();
    assert!(answer[0].contains(" 200 "), "{answer:?}");
    let events = format!("/v1/journeys/{id}/events");
    let told = server.get(&events).collect::<Vec<_>>().join("\n");
    assert!(told.contains(r#""status":"completed""#), "{told}");
}

#[test]
fn persons_come_back_to_the_public_address() {
    let files = Files::new();
    let arguments = [
        "--sandbox",
        "--sandbox-listen",
        "127.0.0.1:0",
        "--listen",
        "0.0.0.0:0",
        "--allow-other-machines",
        "--public-url",
        "https://KYC.lender.example:443/",
    ];
    let server = Server::of(&files, &arguments, &[], "#     -d '");
    let told = "# Persons and webhooks come to https://kyc.lender.example".to_owned();
    assert!(server.comments.contains(&told), "{:?}", server.comments);
    // The address at which it listens cannot be connected to.
    assert!(
        server.url.starts_with("http://127.0.0.1:"),
        "{}",
        server.url
    );
    let begun = server.start_journey("ORDER-18", DOCUMENTS);
    let back = sent_back(&server.link(begun["id"].as_str().unwrap()));
    let place = "https://kyc.lender.example/return/";
    assert!(back.starts_with(place), "{back}");
    for (name, status) in [
        ("kyc.lender.example", " 200 "),
        ("kyc.lender.example:443", " 200 "),
        ("kyc.lender.example:8443", " 421 "),
        ("lender.example", " 421 "),
    ] {
        let answer = server.ask_as(name, "GET", "/v1/journeys", "-", "").next();
        assert!(
            answer.as_ref().unwrap().contains(status),
            "{name}: {answer:?}"
        );
    }
}

/// A setting that is wrong is found before a port is taken, and a port that is taken before anything is written.
#[test]
fn what_is_wrong_is_found_before_anything_is_taken_or_written() {
    let files = Files::new();
    let db = files.path("journeys.db");
    let terms = files.write("terms.toml", TERMS);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let veriff = ("VERIFF_API_KEY".to_owned(), "made-up".to_owned());
    let token = ("KYC_JOURNEY_TOKEN".to_owned(), TOKEN.to_owned());
    for (arguments, environment, field) in [
        (&["--sandbox", "--listen", &taken][..], &[][..], "--listen"),
        (
            &[
                "--sandbox",
                "--listen",
                "127.0.0.1:0",
                "--sandbox-listen",
                &taken,
            ],
            &[],
            "--sandbox-listen",
        ),
        (
            &["--sandbox", "--listen", &taken, "--aggregator", ""],
            &[],
            "--aggregator",
        ),
        (
            &["--sandbox", "--listen", &taken, "--product-id", "LOAN-2"],
            &[],
            "--product-id",
        ),
        (
            &["--listen", &taken, "--terms", &terms],
            std::slice::from_ref(&veriff),
            "VERIFF_BASE_URL, VERIFF_SHARED_SECRET",
        ),
    ] {
        let mut all = vec!["journey", "serve", "--json", "--db", &db];
        all.extend(arguments);
        let environment = [environment, std::slice::from_ref(&token)].concat();
        let run = kyc(&all, &environment);
        assert_eq!(run.code, 2, "{arguments:?}: {run:?}");
        assert_eq!(run.error()["field"], field, "{run:?}");
        let made = std::fs::read_dir(files.directory()).unwrap();
        let made: Vec<_> = made.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(made, ["terms.toml"], "{arguments:?}");
    }
}

#[test]
fn none_starts_open_or_without_providers() {
    let files = Files::new();
    let db = files.path("journeys.db");
    let token = |text: &str| vec![("KYC_JOURNEY_TOKEN".to_owned(), text.to_owned())];
    let terms = files.write("terms.toml", TERMS);
    let veriff = || vec![("VERIFF_API_KEY".to_owned(), "made-up".to_owned())];
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
            &["--sandbox", "--public-url", "http://lender.example"],
            token(TOKEN),
            "--public-url",
        ),
        (
            &["--sandbox", "--public-url", "ftp://x"],
            token(TOKEN),
            "--public-url",
        ),
        (
            &["--sandbox", "--public-url", "https://lender.example/kyc"],
            token(TOKEN),
            "--public-url",
        ),
        (
            &["--sandbox", "--public-url", "https://lender.example?a=b"],
            token(TOKEN),
            "--public-url",
        ),
        (
            &["--sandbox", "--public-url", "https://lender.example/#a"],
            token(TOKEN),
            "--public-url",
        ),
        // Links to it lead nowhere.
        (
            &[
                "--sandbox",
                "--listen",
                "0.0.0.0:0",
                "--allow-other-machines",
            ],
            token(TOKEN),
            "--public-url",
        ),
        (&[], [token(TOKEN), veriff()].concat(), "--terms"),
        (
            &["--sandbox", "--terms", "no-such-file.toml"],
            token(TOKEN),
            "--terms",
        ),
        // Deepvue is called, and receives nothing by these terms.
        (&["--sandbox", "--terms", &terms], token(TOKEN), "--terms"),
    ] {
        let mut all = vec!["journey", "serve", "--json", "--db", &db];
        all.extend(arguments);
        let run = kyc(&all, &environment);
        assert_eq!(run.code, 2, "{arguments:?}: {run:?}");
        assert_eq!(run.error()["field"], field, "{run:?}");
        assert!(!run.stderr.contains("short"), "{run:?}");
        // Terms are read before anything is made.
        let is_made = std::fs::remove_file(&db).is_ok();
        assert!(!(is_made && field == "--terms"), "{arguments:?}");
    }
}

#[test]
fn what_is_left_to_a_person_is_shown_and_listed() {
    let files = Files::new();
    let server = Server::start(&files);
    let id = server.first_request()["id"].as_str().unwrap().to_owned();
    let events = format!("/v1/journeys/{id}/events");
    server.has_link(&id);
    let fault = [
        "faults",
        "on",
        "veriff=500",
        "--operation",
        "delete-session",
    ];
    assert_eq!(kyc(&fault, &server.sandbox).code, 0);
    server.post(&format!("/v1/journeys/{id}/withdraw"), "");
    while !server
        .get(&events)
        .any(|line| line.contains("operator: delete_by_hand"))
    {}
    drop(server);
    for (command, said) in [
        (&["show", &id][..], "to do: delete by hand"),
        (&["list"], "delete by hand"),
    ] {
        let shown = files.run(command);
        assert!(shown.stdout.contains("to do"), "{shown:?}");
        assert!(shown.stdout.contains(said), "{shown:?}");
        let command = [command, &["--json"]].concat();
        let shown = files.run(&command).stdout;
        assert!(shown.contains("delete_by_hand"), "{shown}");
    }

    // Until somebody says that it was done.
    let refused = files.run(&["resolve", &id, "--leg", "accounts"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    let says = "--leg: accounts has nothing left to a person";
    assert!(refused.stderr.contains(says), "{refused:?}");
    let done = files.run(&["resolve", &id, "--json"]);
    assert_eq!(done.code, 0, "{done:?}");
    let again = files.run(&["resolve", &id, "--leg", "verification", "--json"]);
    assert_eq!((again.code, again.answer()), (0, done.answer()));
    let shown = done.answer();
    assert_eq!(shown["legs"][0]["by_hand"], serde_json::json!([]));
    let last = shown["timeline"].as_array().unwrap().last().unwrap();
    let said = [&last["event"], &last["about"], &last["verdict"]];
    assert_eq!(said, ["resolved", "delete_by_hand", "applied"]);
    let list = files.run(&["list", "--json"]).answer();
    assert_eq!(list[0]["by_hand"], serde_json::json!([]));
    let other = files.start("9001000000", &[]);
    let nothing = files.run(&["resolve", &crate::journey::id(&other)]);
    assert_eq!(nothing.code, 2, "{nothing:?}");
    assert!(
        nothing.stderr.contains("ID: has nothing left"),
        "{nothing:?}"
    );
}

/// A call that gives something back is not lost because the credentials were wrong once: whoever mended them has it made again.
#[test]
fn what_waits_for_the_credentials_after_the_end_is_listed_and_resumed() {
    let files = Files::new();
    let server = Server::start(&files);
    let id = server.first_request()["id"].as_str().unwrap().to_owned();
    let journey = format!("/v1/journeys/{id}");
    server.has_link(&id);
    let fault = [
        "faults",
        "on",
        "veriff=401:2",
        "--operation",
        "delete-session",
    ];
    assert_eq!(kyc(&fault, &server.sandbox).code, 0);
    server.post(&format!("{journey}/withdraw"), "");
    let is_refused = |times: usize| {
        let count = || {
            let told = server.get(&format!("{journey}/events"));
            told.filter(|line| line.contains("operator: credentials"))
                .count()
        };
        while count() < times {}
    };
    is_refused(1);
    let held = serde_json::json!(["delete-session"]);
    let list = server.get("/v1/journeys").last().unwrap();
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["journeys"][0]["held"], held);
    // The credentials are still wrong.
    let resumed = server.post(&format!("{journey}/resume"), "");
    assert_eq!(resumed["status"], "withdrawn", "{resumed}");
    is_refused(2);
    drop(server);
    let shown = files.run(&["show", &id]);
    assert!(
        shown
            .stdout
            .contains("held for an operator: delete-session"),
        "{shown:?}"
    );
    let resumes = format!("journey resume {id} --sandbox");
    assert!(shown.stderr.contains(&resumes), "{shown:?}");
    assert!(shown.stderr.contains("the credentials"), "{shown:?}");
    let list = files.run(&["list"]);
    assert!(
        list.stdout.contains("waiting, to give something back"),
        "{list:?}"
    );
    let resumed = files.run(&["resume", &id, "--sandbox", "--json"]);
    assert_eq!(resumed.code, 5, "{resumed:?}");
    let answer = resumed.answer();
    assert_eq!(answer["waiting_calls"], 0, "{answer}");
    assert_eq!(answer["legs"][0]["held"], serde_json::json!([]));
    let nothing = files.run(&["resume", &id, "--sandbox"]);
    assert_eq!(nothing.code, 2, "{nothing:?}");
}

/// Whether a request made a consent is looked up again once that can be, also after a cancellation.
#[test]
fn consent_request_of_unknown_outcome_is_looked_up_after_a_resumption_and_a_cancellation() {
    let files = Files::new();
    let server = Server::start(&files);
    server.first_request();
    let faults = |arguments: &[&str]| {
        let run = kyc(&[&["faults"], arguments].concat(), &server.sandbox);
        assert_eq!(run.code, 0, "{run:?}");
    };
    let begins = r#"{"applicant":{"mobile":"9001060000"},"plan":{"accounts":{"provider":"finpro"}},"consent":{},
                     "notice_text":"I agree that my identity is verified and my accounts are read."}"#;
    let begun = |key: &str| {
        faults(&[
            "on",
            "finpro=503:1",
            "--operation",
            "request-consent-v3",
            "--after-effect",
        ]);
        faults(&["on", "finpro=401:9", "--operation", "list-consents-v3"]);
        let begun = server.start_journey(key, begins);
        let journey = format!("/v1/journeys/{}", begun["id"].as_str().unwrap());
        let events = format!("{journey}/events");
        let is_told = |line: String| line.contains("operator: credentials");
        assert!(server.get(&events).any(is_told));
        faults(&["off", "all"]);
        journey
    };
    let resumed = begun("ORDER-18");
    let resume = server.post(&format!("{resumed}/resume"), "");
    assert_eq!(resume["status"], "running", "{resume}");
    let events = format!("{resumed}/events");
    assert!(
        server
            .get(&events)
            .any(|line| line.contains(r#""kind":"link""#))
    );
    let cancelled = begun("ORDER-19");
    let cancel = server.post(&format!("{cancelled}/cancel"), "");
    assert_eq!(cancel["legs"][0]["by_hand"], serde_json::json!([]));
    assert_eq!(kyc(&["clock", "advance", "5m"], &server.sandbox).code, 0);
    let events = format!("{cancelled}/events");
    let is_found = |line: String| line.contains("find-requested-consent");
    while !server.get(&events).any(is_found) {}
    // After a withdrawal no call names the person: by what the request carried a person finds it.
    let once = begun("ORDER-20");
    let withdrawn = server.post(&format!("{once}/withdraw"), "");
    let leg = &withdrawn["legs"][0];
    assert_eq!(leg["by_hand"], serde_json::json!(["revoke_by_hand"]));
    let request = &leg["unknown_requests"][0];
    assert_eq!(request["attempt"], 1, "{leg}");
    let carried = request["carried"].as_str().unwrap().to_owned();
    assert!(carried.ends_with("…-accounts-1"), "{carried}");
    assert_eq!(carried.chars().count(), 8 + "…-accounts-1".chars().count());
    drop(server);
    let shown = files.run(&["show", once.rsplit('/').next().unwrap(), "--json"]);
    assert_eq!(
        shown.answer()["legs"][0]["unknown_requests"][0]["carried"],
        *carried
    );
}
