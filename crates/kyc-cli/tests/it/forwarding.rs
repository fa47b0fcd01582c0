//! `kyc listen`: each genuine event is forwarded once, senders are answered in time, and a sandbox is left as it was.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};

use crate::kyc::{FixedServer, SandboxProcess, kyc, send, started};
use crate::listen::Listener;

/// A webhook as it was sent: the same bytes with the same signature can be sent again.
struct Signed {
    head: String,
    body: String,
}

impl Signed {
    fn made(sandbox: &SandboxProcess, event: &str) -> Self {
        let made = kyc(&["trigger", "--json", event], &sandbox.environment).answer();
        let show = [
            "webhooks",
            "show",
            made["webhook"].as_str().unwrap(),
            "--json",
        ];
        let shown = kyc(&show, &sandbox.environment).answer();
        let headers = shown["headers"].as_object().unwrap().iter();
        let headers = headers
            .filter(|(name, _)| !["host", "content-length"].contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {}\r\n", value.as_str().unwrap()));
        Self {
            head: headers.collect(),
            body: shown["body"].as_str().unwrap().to_owned(),
        }
    }

    /// Sends it, and returns the connection on which the answer comes.
    fn send(&self, listener: &str, provider: &str) -> TcpStream {
        post(listener, provider, &self.head, &self.body)
    }
}

fn post(listener: &str, provider: &str, head: &str, body: &str) -> TcpStream {
    let address = listener.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST /{provider} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n{head}\r\n{body}"
    )
    .unwrap();
    stream
}

/// The status that comes; none if the sender is cut off.
fn status(mut stream: TcpStream) -> Option<u16> {
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer.split(' ').nth(1)?.parse().ok()
}

/// A receiver that answers when a test does.
struct SlowReceiver {
    listener: TcpListener,
    address: String,
}

impl SlowReceiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/hooks", listener.local_addr().unwrap());
        Self { listener, address }
    }

    /// The next request's head, and its connection.
    fn request(&self) -> (String, TcpStream) {
        let (mut stream, _) = self.listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        (String::from_utf8(head).unwrap(), stream)
    }

    fn accept(mut stream: &TcpStream) {
        let accepted = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.write_all(accepted).unwrap();
    }

    fn has_another(&self) -> bool {
        self.listener.set_nonblocking(true).unwrap();
        self.listener.accept().is_ok()
    }
}

fn forwarding(sandbox: &SandboxProcess, to: &str) -> (Listener, String) {
    let arguments = ["--alone", "--forward-to", to];
    let listener = Listener::start(&arguments, &sandbox.environment);
    let address = listener.ready["ready"].as_str().unwrap().to_owned();
    (listener, address)
}

#[test]
fn a_repeat_is_answered_and_not_forwarded() {
    let sandbox = SandboxProcess::start();
    for (event, provider) in [
        ("veriff.decision.approved", "veriff"),
        ("finpro.CONSENT_APPROVED", "finpro"),
    ] {
        let webhook = Signed::made(&sandbox, event);
        let receiver = FixedServer::answering("201 Created", "");
        let (mut listener, address) = forwarding(&sandbox, &receiver.address);
        assert_eq!(status(webhook.send(&address, provider)), Some(201));
        let first = listener.next();
        assert_eq!(
            (&first["verdict"], &first["repeat"]),
            (&"verified".into(), &false.into())
        );
        for _ in 0..2 {
            assert_eq!(status(webhook.send(&address, provider)), Some(200));
            let repeat = listener.next();
            assert_eq!(
                (
                    &repeat["event"],
                    &repeat["verdict"],
                    &repeat["repeat"],
                    &repeat["forwarded"]
                ),
                (
                    &event.into(),
                    &"verified, a repeat".into(),
                    &true.into(),
                    &false.into()
                )
            );
        }
        assert_eq!(receiver.connections(), 1, "{event}");
        send("-INT", &listener.child);
        assert_eq!(listener.code(), 0);
    }
}

#[test]
fn of_64_senders_at_once_one_is_forwarded() {
    let sandbox = SandboxProcess::start();
    let webhook = Signed::made(&sandbox, "veriff.decision.approved");
    let receiver = FixedServer::answering("200 OK", "");
    let (mut listener, address) = forwarding(&sandbox, &receiver.address);
    let (sender, statuses) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..64 {
            let sender = sender.clone();
            scope.spawn(|| {
                let sender = sender;
                sender
                    .send(status(webhook.send(&address, "veriff")))
                    .unwrap();
            });
        }
    });
    drop(sender);
    let statuses: Vec<_> = statuses.iter().map(Option::unwrap).collect();
    assert_eq!(statuses.len(), 64);
    // What came while it was forwarded is tried again.
    assert!(
        statuses.iter().all(|status| [200, 503].contains(status)),
        "{statuses:?}"
    );
    let told: Vec<_> = (0..64).map(|_| listener.next()).collect();
    let forwarded = told.iter().filter(|told| told["forwarded"] == true);
    assert_eq!(forwarded.count(), 1);
    assert_eq!(receiver.connections(), 1);
    assert_eq!(status(webhook.send(&address, "veriff")), Some(200));
    assert_eq!(listener.next()["repeat"], true);
    send("-INT", &listener.child);
    listener.code();
}

#[test]
fn a_sender_is_answered_before_a_slow_receiver_and_the_event_forwarded_once() {
    let sandbox = SandboxProcess::start();
    let webhook = Signed::made(&sandbox, "veriff.decision.approved");
    let receiver = SlowReceiver::start();
    let (mut listener, address) = forwarding(&sandbox, &receiver.address);
    let sender = webhook.send(&address, "veriff");
    let (_, held) = receiver.request();
    // The receiver answers nothing yet.
    assert_eq!(status(sender), Some(504));
    let told = listener.next();
    assert!(
        told["reason"]
            .as_str()
            .unwrap()
            .contains("no answer within 4 seconds"),
        "{told}"
    );
    assert_eq!(
        status(webhook.send(&address, "veriff")),
        Some(503),
        "it is in flight"
    );
    assert_eq!(listener.next()["repeat"], true);
    SlowReceiver::accept(&held);
    // As a sender that tries again.
    while status(webhook.send(&address, "veriff")) != Some(200) {
        assert_eq!(listener.next()["status"], 503);
    }
    let told = listener.next();
    assert_eq!(
        (&told["repeat"], &told["status"]),
        (&true.into(), &200.into())
    );
    assert!(!receiver.has_another());
    send("-INT", &listener.child);
    listener.code();
}

#[test]
fn a_receiver_that_is_not_there_is_told_and_the_event_forwarded_again() {
    let sandbox = SandboxProcess::start();
    let webhook = Signed::made(&sandbox, "finpro.CONSENT_APPROVED");
    let gone = SlowReceiver::start();
    let address_of_gone = gone.address.clone();
    drop(gone);
    let (mut listener, address) = forwarding(&sandbox, &address_of_gone);
    for _ in 0..2 {
        assert_eq!(status(webhook.send(&address, "finpro")), Some(502));
        let told = listener.next();
        assert_eq!(
            (&told["forwarded"], &told["repeat"]),
            (&true.into(), &false.into())
        );
        let reason = told["reason"].as_str().unwrap();
        assert!(reason.contains("connection"), "{reason}");
        assert!(!reason.contains("hooks"), "{reason}");
    }
    send("-INT", &listener.child);
    listener.code();
}

#[test]
fn what_was_forwarded_from_here_and_comes_back_is_refused() {
    let sandbox = SandboxProcess::start();
    let receiver = SlowReceiver::start();
    let (mut listener, address) = forwarding(&sandbox, &receiver.address);
    let first = post(&address, "finpass", "", "{}");
    let (head, held) = receiver.request();
    let via = head
        .lines()
        .find(|line| line.starts_with("via: 1.1 kyc-listen-"));
    let via = format!("{}\r\n", via.unwrap());
    assert_eq!(status(post(&address, "finpass", &via, "{}")), Some(508));
    let told = listener.next();
    assert!(
        told["verdict"].as_str().unwrap().contains("came back"),
        "{told}"
    );
    SlowReceiver::accept(&held);
    assert_eq!(status(first), Some(200));
    assert!(!receiver.has_another());
    send("-INT", &listener.child);
    listener.code();
}

#[test]
fn the_listener_s_own_address_is_not_forwarded_to() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let listen = format!("127.0.0.1:{port}");
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let to = format!("http://{host}:{port}/veriff");
        let arguments = [
            "listen",
            "--json",
            "--alone",
            "--listen",
            &listen,
            "--forward-to",
            &to,
        ];
        let run = kyc(&arguments, &[]);
        assert_eq!(
            (run.code, run.error()["field"].as_str()),
            (2, Some("--forward-to")),
            "{run:?}"
        );
    }
}

#[test]
fn a_signal_while_a_webhook_is_forwarded_says_what_became_of_it() {
    let sandbox = SandboxProcess::start();
    let webhook = Signed::made(&sandbox, "veriff.decision.approved");
    for provider in ["veriff", "finpass"] {
        let receiver = SlowReceiver::start();
        let (mut listener, address) = forwarding(&sandbox, &receiver.address);
        let sender = webhook.send(&address, provider);
        let (_, held) = receiver.request();
        send("-INT", &listener.child);
        assert_eq!(status(sender), Some(503), "it is to be sent again");
        let told = listener.next();
        assert_eq!(
            (&told["status"], &told["forwarded"]),
            (&503.into(), &true.into())
        );
        let reason = told["reason"].as_str().unwrap();
        assert!(reason.contains("it may have been handled"), "{reason}");
        drop(held);
        assert_eq!(listener.code(), 0);
    }
}

/// Where the sandbox sends the webhooks of Veriff and FinPro.
fn urls(sandbox: &SandboxProcess) -> Value {
    let address = sandbox
        .value("KYC_SANDBOX_URL")
        .trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /sandbox/webhook-urls HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn listeners_that_end_in_any_order_leave_the_sandbox_as_it_was() {
    let own = "http://127.0.0.1:9/hooks";
    let listen = ["--listen", "127.0.0.1:0", "--webhook-url", own];
    let sandbox = SandboxProcess::start_with(&listen);
    let start = || {
        let listener = Listener::start(&[], &sandbox.environment);
        let url = listener.ready["ready"].as_str().unwrap().to_owned();
        let at = json!({"veriff": format!("{url}/veriff"), "finpro": format!("{url}/finpro")});
        assert_eq!(urls(&sandbox), at);
        (listener, at)
    };
    let end = |listener: Listener| {
        send("-TERM", &listener.child);
        assert_eq!(listener.code(), 0);
    };
    let before = json!({"veriff": own, "finpro": own});

    let ((first, first_at), (second, second_at)) = (start(), start());
    end(first);
    assert_eq!(urls(&sandbox), second_at, "it still receives");
    let (third, _) = start();
    end(third);
    assert_eq!(urls(&sandbox), second_at);
    end(second);
    assert_eq!(
        urls(&sandbox),
        before,
        "not the first, which has ended: {first_at}"
    );

    let ((first, first_at), (second, _)) = (start(), start());
    end(second);
    assert_eq!(urls(&sandbox), first_at);
    // What somebody else has set meanwhile stays.
    let elsewhere = [
        "webhooks",
        "to",
        "http://127.0.0.1:9/elsewhere",
        "--provider",
        "veriff",
    ];
    assert_eq!(kyc(&elsewhere, &sandbox.environment).code, 0);
    end(first);
    assert_eq!(
        urls(&sandbox),
        json!({"veriff": "http://127.0.0.1:9/elsewhere", "finpro": own})
    );
}

#[test]
fn a_sandbox_that_was_killed_holds_no_listener_back() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kyc");
    std::fs::create_dir(&file).unwrap();
    let gone = FixedServer::answering("404 Not Found", "");
    for url in ["http://127.0.0.1:9", gone.address.as_str()] {
        let told = json!({"url": url, "token": "a-token"}).to_string();
        std::fs::write(file.join("sandbox.json"), told).unwrap();
        let home = directory.path().to_str().unwrap().to_owned();
        let environment = [("XDG_RUNTIME_DIR".to_owned(), home)];
        let listener = Listener::start(&[], &environment);
        assert_eq!(listener.ready["sandbox"], false);
        send("-INT", &listener.child);
        assert_eq!(listener.code(), 0);
    }
    // One that is named has to be there.
    let named = [
        (
            "KYC_SANDBOX_URL".to_owned(),
            "http://127.0.0.1:9".to_owned(),
        ),
        ("KYC_SANDBOX_TOKEN".to_owned(), "a-token".to_owned()),
    ];
    let child = started(&["listen", "--json", "--listen", "127.0.0.1:0"], &named);
    assert_eq!(crate::kyc::ended(child).code, 5);
}
