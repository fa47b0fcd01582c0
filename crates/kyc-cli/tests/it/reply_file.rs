//! `--out`: a reply that was paid for is in its file, or somewhere else, and never lost.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::kyc::{FINPASS, FixedServer, WaitingServer, ended, kyc, send, started};

const REPLY: &str = r#"{"success":true, "data":{"client_id":"c","redirect_url":"https://x.test"}}"#;

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

fn into(out: &str) -> Vec<&str> {
    let mut arguments = FINPASS[..6].to_vec();
    arguments.extend(["--out", out]);
    arguments
}

#[test]
fn nothing_is_sent_for_a_file_that_can_never_be() {
    let server = FixedServer::answering("200 OK", REPLY);
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("there")).unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    let long = "x".repeat(300);
    for (name, rule) in [
        ("new/", "names no file"),
        ("there/", "names no file"),
        ("foo/.", "names no file"),
        ("there/.", "names no file"),
        ("..", "names no file"),
        ("there", "exists and is not a file"),
        ("new/x", "cannot be written: no such file or directory"),
        ("file/x", "cannot be written: "),
        (&long, "cannot be written: "),
    ] {
        let out = format!("{}/{name}", folder.path().display());
        for more in [&[][..], &["--overwrite"]] {
            let arguments = [&into(&out), more].concat();
            let run = kyc(&arguments, &server.environment());
            assert_eq!(run.code, 2, "{name} {run:?}");
            assert!(run.stderr.contains(&format!("--out: {rule}")), "{run:?}");
        }
    }
    assert_eq!(server.connections(), 0);
    let mut left = names(folder.path());
    left.sort();
    assert_eq!(left, ["file", "there"]);
}

#[test]
fn a_member_that_is_a_file_is_read_from_it_and_checked_before_anything_is_sent() {
    let reply = r#"{"ver":"1","data":{"reference_id":"batch-1","status":"READY"}}"#;
    let server = FixedServer::answering("200 OK", reply);
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("consents.csv");
    let upload = || {
        let file = file.to_str().unwrap();
        let upload = ["finpro", "upload-fi-requests", "--file", file];
        let named = [&upload[..], &["--reference-id", "batch-1"]].concat();
        kyc(&named, &server.environment())
    };
    let run = upload();
    assert_eq!(run.code, 2, "{run:?}");
    assert!(
        run.stderr.contains("file: cannot be read: no such file"),
        "{run:?}"
    );
    for (content, rule) in [
        (&b"\xff\xfe"[..], "must be UTF-8"),
        (b"name\nx\n", "must be JSON, or CSV with a column consentId"),
        (&[b'x'; 10 * 1024 * 1024 + 1], "must be"),
    ] {
        fs::write(&file, content).unwrap();
        let run = upload();
        assert_eq!(run.code, 2, "{run:?}");
        assert!(run.stderr.contains(&format!("file: {rule}")), "{run:?}");
    }
    assert_eq!(server.connections(), 0);
    fs::write(&file, "consentId\nconsent-1\n").unwrap();
    let run = upload();
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(server.connections(), 1);
}

/// A signal of the system, which would end the process without a word.
#[test]
fn a_file_past_the_limit_of_the_process_loses_no_reply() {
    let reply = REPLY.replace(
        "\"data\"",
        &format!("\"message\":\"{}\",\"data\"", "x".repeat(100_000)),
    );
    let server = FixedServer::answering("200 OK", &reply);
    let folder = TempDir::new().unwrap();
    let output = Command::new("sh")
        .args([
            "-c",
            "ulimit -f 8; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_kyc"),
        ])
        .args(into("reply.json"))
        .current_dir(folder.path())
        .env_clear()
        .envs(server.environment())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(8), "{output:?}");
    assert_eq!(output.stdout, reply.as_bytes());
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_dash_is_stdout() {
    let server = FixedServer::answering("200 OK", REPLY);
    let folder = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kyc"));
    command.args(into("-")).current_dir(folder.path());
    command.env_clear().envs(server.environment());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, REPLY.as_bytes());
    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_cannot_get_its_name_stays_in_the_temporary_file() {
    use std::io::Write as _;

    let server = WaitingServer::start();
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("reply.json");
    let child = started(&into(out.to_str().unwrap()), &server.environment());
    let mut stream = server.request();
    // Another one takes the name meanwhile.
    fs::write(&out, "another's").unwrap();
    let length = REPLY.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{REPLY}"
    )
    .unwrap();
    let run = ended(child);
    assert_eq!(run.code, 7, "{run:?}");
    assert_eq!(fs::read_to_string(&out).unwrap(), "another's");
    let kept = names(folder.path());
    let kept = kept.iter().find(|name| *name != "reply.json").unwrap();
    assert_eq!(fs::read_to_string(folder.path().join(kept)).unwrap(), REPLY);
    assert!(run.stderr.contains(kept.as_str()), "{run:?}");
    assert!(run.stderr.contains("request id: "), "{run:?}");
}

/// A file may have no byte, as on a full disk.
#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_written_is_on_stdout() {
    let server = FixedServer::answering("200 OK", REPLY);
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("reply.json");
    let out = out.to_str().unwrap();
    for json in [&[][..], &["--json"]] {
        let child = Command::new("/bin/sh")
            .args(["-c", "trap '' 25; ulimit -f 0; exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_kyc"))
            .args(into(out))
            .args(json)
            .env_clear()
            .envs(server.environment())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let run = ended(child);
        assert_eq!((run.code, run.stdout.as_str()), (8, REPLY), "{run:?}");
        assert!(run.stderr.contains("the reply is on stdout"), "{run:?}");
        assert!(names(folder.path()).is_empty());
    }
}

#[test]
#[cfg(unix)]
fn an_interruption_says_what_may_have_been_done_and_leaves_no_file() {
    for (signal, json) in [("-INT", false), ("-TERM", false), ("-INT", true)] {
        let server = WaitingServer::start();
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("reply.json");
        let mut arguments = into(out.to_str().unwrap());
        arguments.extend(json.then_some("--json"));
        let child = started(&arguments, &server.environment());
        let stream = server.request();
        assert_eq!(names(folder.path()).len(), 1, "the temporary file");
        send(signal, &child);
        let run = ended(child);
        drop(stream);
        assert_eq!((run.code, run.stdout.as_str()), (130, ""), "{run:?}");
        if json {
            assert_eq!(run.error()["interrupted"], "finpass initialize");
            assert_eq!(run.error()["result"], "may have been done");
            assert_eq!(run.error()["request_id"].as_str().unwrap().len(), 32);
        } else {
            let told = "interrupted: finpass initialize may have been done, request id ";
            let id = run.stderr.trim_end().strip_prefix(told);
            assert_eq!(id.map(str::len), Some(32), "{run:?}");
        }
        assert!(names(folder.path()).is_empty());
    }
}

/// It was paid for, and asking again is paid for again.
#[test]
fn an_answer_that_is_not_understood_is_in_its_file() {
    let answer = r#"{"success":true,"data":{"client_id":"CANARY"}}"#;
    let server = FixedServer::answering("200 OK", answer);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("lost.json");
    let run = kyc(&into(path.to_str().unwrap()), &server.environment());
    assert_eq!(run.code, 7, "{run:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), answer);
    let kept = format!("The reply as it came was kept: {} bytes\n", answer.len());
    assert!(run.stderr.contains(&kept), "{run:?}");
    let run = kyc(&FINPASS[..6], &server.environment());
    let told = "The reply was not kept: --out FILE would have kept it as it came\n";
    assert!(run.code == 7 && run.stderr.contains(told), "{run:?}");
    assert!(!run.stderr.contains("CANARY"), "{run:?}");

    let refusal = r#"{"success":false,"message_code":"invalid_input"}"#;
    let server = FixedServer::answering("400 Bad Request", refusal);
    let path = folder.path().join("refused.json");
    let run = kyc(&into(path.to_str().unwrap()), &server.environment());
    assert_eq!((run.code, path.exists()), (4, false), "{run:?}");
}

#[test]
fn a_spreadsheet_is_no_json_and_is_not_dropped_without_a_word() {
    // Its end is an empty directory.
    let sheet = format!("PK\u{3}\u{4}made upPK\u{5}\u{6}{}", "\0".repeat(18));
    let server = FixedServer::answering("200 OK", &sheet);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("e.xlsx");
    let ask = [
        "finpro",
        "analytics-excel",
        "--transaction-id",
        "d69a07cf-4434-4d36-be6c-d22af7dc01fb",
    ];
    let told = "The file was not kept: --out FILE writes it";
    for more in [&[][..], &["--json"]] {
        let run = kyc(&[&ask[..], more].concat(), &server.environment());
        assert!(run.code == 0 && run.stderr.contains(told), "{run:?}");
    }
    let out = [&ask[..], &["--out", path.to_str().unwrap()]].concat();
    let run = kyc(&out, &server.environment());
    assert_eq!(
        (run.code, &*run.stderr),
        (0, "33 bytes written\n"),
        "{run:?}"
    );
    assert_eq!(fs::read(&path).unwrap(), sheet.as_bytes());
}

/// A picture, a statement or ten thousand consents are longer than JSON that somebody writes.
#[test]
fn every_member_that_carries_a_file_is_read_from_one() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let picture = [b"\xff\xd8\xff", &[0; 1_200_000][..]].concat();
    let picture = file("face.jpg", &picture);
    let page = file("page.jpg", b"<html>");
    let large = file("large.jpg", &[0xff; 20_000_001]);
    let upload = |path: &str| {
        let server = FixedServer::answering("200 OK", "{}");
        let arguments = [
            "veriff",
            "upload-media",
            "--session-id",
            "s-1",
            "--image-context",
            "face",
            "--image-content",
            path,
        ];
        (kyc(&arguments, &server.environment()), server)
    };
    let (run, server) = upload(&picture);
    assert_ne!(run.code, 2, "{run:?}");
    let image = &server.last_body()["image"];
    assert_eq!(image["context"], "face");
    let content = image["content"].as_str().unwrap();
    assert!(content.starts_with("data:image/jpeg;base64,/9j/AAAA"));
    assert!(content.len() > 1024 * 1024);
    for (path, rule) in [
        (&page, "image.content: must be a file in JPEG, PNG"),
        (&large, "image.content: must be at most 20000000 bytes"),
    ] {
        let (run, server) = upload(path);
        assert_eq!((run.code, server.connections()), (2, 0), "{run:?}");
        assert!(run.stderr.contains(rule), "{run:?}");
    }

    let statement = file("statement.pdf", b"%PDF-1.4 made up");
    let push = |given: &str| {
        let server = FixedServer::answering("200 OK", "{}");
        let arguments = [
            "finpro",
            "push-pdf-analytics",
            "--customer-name",
            "Made Up",
            "--mobile-number",
            "9000000001",
            "--loan-account-number",
            "L-1",
            "--file-data",
            given,
            "--file-data",
            given,
        ];
        (kyc(&arguments, &server.environment()), server)
    };
    let (run, server) = push(&format!("content={statement}"));
    assert_ne!(run.code, 2, "{run:?}");
    let files = &server.last_body()["fileData"];
    assert_eq!(
        (files.as_array().unwrap().len(), &files[1]["content"]),
        (2, &"JVBERi0xLjQgbWFkZSB1cA==".into())
    );
    for (given, rule) in [
        (format!("content={page}"), "must be a PDF"),
        (statement, "must be NAME=FILE"),
    ] {
        let (run, server) = push(&given);
        assert_eq!((run.code, server.connections()), (2, 0), "{run:?}");
        assert!(run.stderr.contains(&format!("fileData: {rule}")), "{run:?}");
    }

    let row = |at: usize| {
        format!(
            r#"{{"consent_id":"made-up-consent-{at:05}","fiDataRangeFrom":"2030-01-01T00:00:00Z","fiDataRangeTo":"2030-02-01T00:00:00Z","configId":"made-up-configuration"}}"#
        )
    };
    let rows = |most: usize| format!("[{}]", (0..most).map(row).collect::<Vec<_>>().join(","));
    let schedule = |content: String| {
        let server = FixedServer::answering("200 OK", "{}");
        let path = file("consents.json", content.as_bytes());
        let arguments = [
            "finpro",
            "schedule-fi-requests",
            "--reference-id",
            "batch-1",
            "--consents-list",
            &path,
        ];
        (kyc(&arguments, &server.environment()), server)
    };
    let all = rows(10_000);
    assert!(all.len() > 1024 * 1024);
    let (run, server) = schedule(all);
    assert_ne!(run.code, 2, "{run:?}");
    assert_eq!(
        server.last_body()["consents_list"]
            .as_array()
            .unwrap()
            .len(),
        10_000
    );
    for (content, rule) in [
        (
            rows(10_001),
            "consents_list: must be at most 10,000 consents",
        ),
        (
            r#"[{"consent_id":"a","consent_id":"b"}]"#.to_owned(),
            "consents_list[0].consent_id: must not appear twice",
        ),
        ("no".to_owned(), "consents_list: is not JSON at line 1"),
    ] {
        let (run, server) = schedule(content);
        assert_eq!((run.code, server.connections()), (2, 0), "{run:?}");
        assert!(run.stderr.contains(rule), "{run:?}");
    }
}

/// The second of the two would replace the first.
#[test]
fn a_reply_and_its_document_have_a_place_each() {
    let server = FixedServer::answering("200 OK", "{}");
    let folder = TempDir::new().unwrap();
    let file = |name: &str| format!("{}/{name}", folder.path().display());
    let about = ["deepvue", "e-aadhaar", "--consent", "--purpose", "KYC"];
    let session = ["--initial-deepvue-transaction-id", "t-0", "--overwrite"];
    for (out, document) in [
        (file("z"), file("z")),
        (file("z"), file("./z")),
        ("-".to_owned(), "-".to_owned()),
    ] {
        let places = ["--out", &out, "--document", &document];
        let run = kyc(
            &[&about[..], &session, &places].concat(),
            &server.environment(),
        );
        assert_eq!((run.code, server.connections()), (2, 0), "{run:?}");
        assert!(
            run.stderr.contains("--document: is where --out is"),
            "{run:?}"
        );
        assert!(names(folder.path()).is_empty());
    }
}

#[test]
fn a_refusal_is_not_kept_whatever_its_status() {
    for status in ["200 OK", "422 Unprocessable Entity"] {
        let refusal = r#"{"success":false,"status_code":422,"message":"no","data":null}"#;
        let server = FixedServer::answering(status, refusal);
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("reply.json");
        let run = kyc(&into(out.to_str().unwrap()), &server.environment());
        assert_eq!(run.code, 4, "{run:?}");
        assert!(
            names(folder.path()).is_empty() && !run.stderr.contains("was kept"),
            "{run:?}"
        );
    }
}

#[test]
fn a_document_in_a_reply_is_written_decoded_or_not_at_all() {
    // %PDF-1.4 and %%EOF; <a/>; 0xff 0xd8 0xff
    const PDF: &str = "JVBERi0xLjQgbWFkZSB1cCAlJUVPRgo=";
    let folder = TempDir::new().unwrap();
    let ask = |operation: &str, text: &str, name: &str, more: &[&str]| {
        let data = match operation {
            "file" => format!("\"{text}\""),
            _ => format!(r#"{{"masked_uid":"xxxxxxxx0123","document_pdf":"{text}"}}"#),
        };
        // Some servers write a byte order mark before the JSON.
        let mark = if operation == "file" { "" } else { "\u{feff}" };
        let reply = format!(r#"{mark}{{"code":200,"transaction_id":"t-1","data":{data}}}"#);
        let server = FixedServer::answering("200 OK", &reply);
        let path = folder.path().join(name);
        let about = ["deepvue", operation, "--consent", "--purpose", "KYC"];
        let session = [
            "--initial-deepvue-transaction-id",
            "t-0",
            "--document",
            path.to_str().unwrap(),
        ];
        let uri: &[&str] = if operation == "file" {
            &["--uri", "in.gov-PANCR-1"]
        } else {
            &[]
        };
        let run = kyc(
            &[&about, &session[..], uri, more].concat(),
            &server.environment(),
        );
        (run, fs::read(&path).ok())
    };
    for (operation, shown) in [("e-aadhaar", true), ("file", false)] {
        let (run, written) = ask(operation, PDF, &format!("{operation}.pdf"), &[]);
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(written.unwrap(), b"%PDF-1.4 made up %%EOF\n");
        assert!(
            !run.stdout.contains(PDF) && run.stdout.contains("xxxxxxxx0123") == shown,
            "{run:?}"
        );
        assert_eq!(run.stderr, "23 bytes of the document written\n");
    }
    let (run, written) = ask("file", "PGEvPg==", "a.xml", &["--json"]);
    assert_eq!(
        (run.code, written.as_deref()),
        (0, Some(&b"<a/>"[..])),
        "{run:?}"
    );
    let out = folder.path().join("reply.json");
    for (operation, text, name, told) in [
        (
            "file",
            "PGEvPg==",
            "x.pdf",
            "the document is in another format: xml",
        ),
        ("file", "!", "x", "the document is not base64"),
        ("file", "<html><p>", "x", "the document is an HTML page"),
        (
            "file",
            "JVBERi0xLjQgbWFkZSB1cA==",
            "x.pdf",
            "the document is not complete",
        ),
        (
            "file",
            "https://documents.example.test/a",
            "x",
            "the document is in another format: link",
        ),
        ("e-aadhaar", "", "x.pdf", "the reply has no document"),
    ] {
        let (run, written) = ask(operation, text, name, &[]);
        assert_eq!((run.code, written), (7, None), "{run:?}");
        let told = format!("no document was written: {told}; the reply is on stdout");
        assert!(
            run.stderr.contains(&told) && run.stdout.contains("transaction_id"),
            "{run:?}"
        );
        let (run, written) = ask(operation, text, name, &["--out", out.to_str().unwrap()]);
        assert_eq!((run.code, written), (7, None), "{run:?}");
        assert!(
            run.stderr.contains("the reply is in --out") && out.exists(),
            "{run:?}"
        );
        fs::remove_file(&out).unwrap();
    }
    let (run, _) = ask("file", PDF, "file.pdf", &[]);
    assert!(
        run.code == 2 && run.stderr.contains("--document: already exists"),
        "{run:?}"
    );
    let (run, _) = ask("file", PDF, "file.pdf", &["--overwrite"]);
    assert_eq!(run.code, 0, "{run:?}");
    let mut left = names(folder.path());
    left.sort();
    assert_eq!(left, ["a.xml", "e-aadhaar.pdf", "file.pdf"]);
}

/// Runs `kyc` with a terminal as its standard error: what it showed there, and the exit code.
#[cfg(target_os = "linux")]
fn on_a_terminal(arguments: &[&str], environment: &[(String, String)]) -> (String, i32) {
    use std::io::Read as _;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_kyc"))
        .args(arguments)
        .env_clear()
        .env("TERM", "xterm")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(theirs)
        .spawn()
        .unwrap();
    let mut shown = Vec::new();
    let mut buffer = [0; 4096];
    let mut terminal = fs::File::from(ours);
    // Linux says an error where the other end is closed.
    while let Ok(read @ 1..) = terminal.read(&mut buffer) {
        shown.extend_from_slice(&buffer[..read]);
    }
    let code = child.wait().unwrap().code().unwrap();
    (String::from_utf8(shown).unwrap(), code)
}

#[test]
#[cfg(target_os = "linux")]
fn a_terminal_shows_how_much_of_a_long_reply_is_there_and_nothing_else_does() {
    let message = "x".repeat(300_000);
    let reply = REPLY.replace("\"data\"", &format!("\"message\":\"{message}\",\"data\""));
    let server = FixedServer::answering("200 OK", &reply);
    let folder = TempDir::new().unwrap();
    let name = |name: &str| folder.path().join(name).display().to_string();
    let people = |out: &str| {
        let arguments = into(out).into_iter().filter(|word| *word != "--json");
        arguments.map(str::to_owned).collect::<Vec<_>>()
    };
    let total = "of 300.09 kB";
    let out = name("people.json");
    let arguments = people(&out);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (shown, code) = on_a_terminal(&arguments, &server.environment());
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains(total), "{shown}");
    assert!(
        shown.trim_end().ends_with("bytes of JSON written"),
        "{shown}"
    );
    assert_eq!(fs::read(&out).unwrap(), reply.as_bytes());
    // A second time it is refused, and the file stays.
    let (shown, code) = on_a_terminal(&arguments, &server.environment());
    assert_eq!(
        (code, shown.contains("already exists")),
        (2, true),
        "{shown}"
    );

    let machines = name("machines.json");
    let (shown, code) = on_a_terminal(
        &[&into(&machines)[..], &["--json"]].concat(),
        &server.environment(),
    );
    assert_eq!((code, &*shown), (0, ""));
    // No terminal.
    let out = name("pipe.json");
    let arguments = people(&out);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let run = kyc(&arguments, &server.environment());
    assert_eq!(
        (run.code, run.stderr.contains(total)),
        (0, false),
        "{run:?}"
    );
}

/// A flag takes the file as it is, and the document says what is sent.
#[test]
fn the_help_of_a_flag_that_reads_a_file_says_what_the_file_is() {
    for (provider, operation, flag, file, schema, sent) in [
        (
            "veriff",
            "upload-media",
            "--image-content <FILE>",
            "The picture itself, not base64",
            "/Picture/properties/content",
            "The picture in base64",
        ),
        (
            "finpro",
            "push-pdf-analytics",
            "--file-data <NAME=FILE>",
            "the PDF itself, not base64",
            "/PushPdfAnalytics/properties/fileData",
            "a PDF in base64",
        ),
        (
            "finpro",
            "schedule-fi-requests",
            "--consents-list <FILE>",
            "A file of JSON",
            "/ScheduleFiRequests/properties/consents_list",
            "The consents, at most",
        ),
        (
            "finpro",
            "upload-fi-requests",
            "--file <FILE>",
            "The file itself: CSV",
            "/UploadFiRequests/properties/file",
            "The file: CSV",
        ),
    ] {
        let help = kyc(&[provider, operation, "--help"], &[]).stdout;
        let words: Vec<_> = help.split_whitespace().collect();
        let help = words.join(" ");
        assert!(help.contains(&format!("{flag} ")), "{help}");
        assert!(help.contains(file), "{help}");
        assert!(!help.contains(sent), "{help}");
        let document = kyc(&["openapi", provider], &[]).answer();
        let schema = format!("/components/schemas{schema}/description");
        let told = document.pointer(&schema).unwrap().as_str().unwrap();
        assert!(told.contains(sent), "{told}");
    }
}
