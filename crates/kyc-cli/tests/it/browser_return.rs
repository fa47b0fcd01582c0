//! `kyc onboard --browser`: only the return that is waited for is taken.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::kyc::{FixedServer, SandboxProcess, ended, send, started};

const SESSION: &str = "0c8c7833678e412f9fec77dbe0494562";

/// The status and the page.
fn get(url: &str, host: Option<&str>) -> (u16, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (address, path) = rest.split_once('/').unwrap();
    let host = host.unwrap_or(address);
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

#[test]
fn a_return_that_is_foreign_or_came_before_is_refused_and_told() {
    let sandbox = SandboxProcess::start();
    let opened = format!(
        r#"{{"code":201,"timestamp":1738305237960,"transaction_id":"{SESSION}","data":{{"authorization_url":"https://deepvue.example.test/?state={SESSION}"}}}}"#
    );
    let deepvue = FixedServer::answering("201 Created", &opened);
    let environment = sandbox.with(&[("DEEPVUE_BASE_URL", &deepvue.address)]);
    let onboard = [
        "onboard",
        "--browser",
        "--mobile",
        "9000000001",
        "--consent-text",
        "I agree.",
        "--purpose",
        "KYC",
        "--product-id",
        "LOAN-1",
        "--json",
    ];
    let mut child = started(&onboard, &environment);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut line = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    while line()["open"]["for"] != "identity" {}
    let body = deepvue.last_body();
    let back = body["redirect_url"].as_str().unwrap();
    let origin = back.split("/back").next().unwrap();

    let other = "0".repeat(32);
    for (url, host, status) in [
        (
            format!("{origin}/back?code=CANARY&state={SESSION}"),
            None,
            404,
        ),
        (format!("{back}?code=CANARY"), None, 403),
        (format!("{back}?ecres=CANARY"), None, 403),
        (
            format!("{back}?error=access_denied&state={other}"),
            None,
            403,
        ),
        (
            format!("{back}?code=CANARY&state={SESSION}"),
            Some("evil.example"),
            421,
        ),
        (format!("{back}?code=c-1&state={SESSION}"), None, 200),
        (format!("{back}?code=c-1&state={SESSION}"), None, 409),
        (
            format!("{back}?error=access_denied&state={SESSION}"),
            None,
            409,
        ),
    ] {
        let (answered, page) = get(&url, host);
        assert_eq!(answered, status, "{url} {page}");
        assert_eq!(page.contains("You are back"), status == 200, "{page}");
        assert!(!page.contains("CANARY"), "{page}");
        if status != 200 {
            // The parts that end meanwhile are told as well.
            let told = loop {
                let told = line();
                if told["completed"].is_null() {
                    break told;
                }
            };
            assert_eq!(told["warning"]["field"], "browser", "{told}");
            assert!(!told.to_string().contains("CANARY"), "{told}");
        }
    }
    // What a browser asks for by itself is no return.
    assert_eq!(get(&format!("{origin}/favicon.ico"), None).0, 404);
    send("-INT", &child);
    ended(child);
}
