//! `kyc webhooks verify`: a webhook that was received elsewhere is verified.

use serde_json::Value;

use crate::kyc::{Run, SandboxProcess, changed, kyc, kyc_with_input};

/// A webhook of a sandbox: its headers as arguments, and its body.
struct Received {
    provider: &'static str,
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Received {
    fn trigger(sandbox: &SandboxProcess, arguments: &[&str]) -> Self {
        let provider = match arguments {
            [event, ..] if event.starts_with("veriff") => "veriff",
            _ => "finpro",
        };
        let trigger = [&["trigger", "--json"], arguments].concat();
        let made = kyc(&trigger, &sandbox.environment).answer();
        let id = made["webhook"].as_str().unwrap();
        let show = ["webhooks", "show", id, "--json"];
        let shown = kyc(&show, &sandbox.environment).answer();
        let headers = shown["headers"].as_object().unwrap().iter();
        let headers = headers.map(|(name, value)| format!("{name}: {}", value.as_str().unwrap()));
        Self {
            provider,
            headers: headers.collect(),
            body: shown["body"].as_str().unwrap().into(),
        }
    }

    fn verify(&self, environment: &[(String, String)]) -> Run {
        let mut arguments = vec!["webhooks", "verify", "--body", "-", "--json"];
        arguments.extend(["--provider", self.provider]);
        for header in &self.headers {
            arguments.extend(["--header", header]);
        }
        let run = kyc_with_input(&arguments, environment, &self.body);
        let secrets = environment
            .iter()
            .filter(|(name, _)| name.contains("SECRET") || name.ends_with("KEY"));
        let output = format!("{}{}", run.stdout, run.stderr);
        for (name, secret) in secrets.filter(|(_, secret)| !secret.is_empty()) {
            assert!(!output.contains(secret), "{name} in {output}");
        }
        for header in &self.headers {
            let (_, value) = header.split_once(": ").unwrap();
            assert!(!output.contains(value), "{header} in {output}");
        }
        run
    }

    /// Is refused, with these words.
    fn is_refused(&self, environment: &[(String, String)], says: &str) {
        let run = self.verify(environment);
        assert_eq!((run.code, run.stdout.as_str()), (6, ""), "{run:?}");
        let error = run.error();
        assert_eq!(error["kind"], "verification");
        assert!(error["message"].as_str().unwrap().contains(says), "{error}");
        assert!(!error["advice"].as_str().unwrap().is_empty());
    }
}

const EVENTS: [&str; 2] = ["veriff.decision.approved", "finpro.CONSENT_APPROVED"];

#[test]
fn a_genuine_webhook_is_told_and_needs_no_sandbox() {
    let sandbox = SandboxProcess::start();
    let alone = sandbox.with(&[("KYC_SANDBOX_URL", "http://127.0.0.1:9")]);
    for event in EVENTS {
        let received = Received::trigger(&sandbox, &[event]);
        let told = received.verify(&alone).answer();
        assert_eq!(told["verdict"], "verified");
        let (provider, event) = event.split_once('.').unwrap();
        assert_eq!(
            (&told["provider"], &told["event"]),
            (&Value::from(provider), &Value::from(event))
        );
        assert_eq!(
            (&told["secret"], &told["bytes"]),
            (&Value::from(1), &Value::from(received.body.len()))
        );
        assert!(told["about"].is_string(), "{told}");
    }

    // From a file, in words.
    let received = Received::trigger(&sandbox, &["veriff.decision.declined"]);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("body");
    std::fs::write(&file, &received.body).unwrap();
    let mut arguments = vec!["webhooks", "verify", "--provider", "veriff", "--body"];
    arguments.push(file.to_str().unwrap());
    for header in &received.headers {
        arguments.extend(["--header", header]);
    }
    let run = kyc(&arguments, &alone);
    let begins = "verified  veriff  decision.declined  ";
    assert!(run.stdout.starts_with(begins), "{run:?}");
}

#[test]
fn what_is_not_genuine_is_refused_with_the_probable_cause() {
    let sandbox = SandboxProcess::start();
    let environment = &sandbox.environment;
    for event in EVENTS {
        let forged = Received::trigger(&sandbox, &[event, "--sign", "wrong"]);
        forged.is_refused(environment, "no secret matches");
        let unsigned = Received::trigger(&sandbox, &[event, "--sign", "none"]);
        unsigned.is_refused(environment, "no signature");

        let genuine = || Received::trigger(&sandbox, &[event]);
        let other = "0bad0bad-0bad-4bad-8bad-0bad0bad0bad";
        let other = changed(
            environment,
            &[
                ("VERIFF_WEBHOOK_SECRET", other),
                ("FINPRO_WEBHOOK_SECRET", other),
            ],
        );
        genuine().is_refused(&other, "no secret matches");

        let parsed = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap();
        let mut printed = genuine();
        printed.body = serde_json::to_vec_pretty(&parsed(&printed.body)).unwrap();
        printed.is_refused(environment, "no secret matches");
        let mut spaced = genuine();
        spaced.body = String::from_utf8(spaced.body)
            .unwrap()
            .replacen('{', "{\n  ", 1)
            .into();
        spaced.is_refused(environment, "parsed and printed again");
        let mut ended = genuine();
        ended.body.push(b'\n');
        ended.is_refused(environment, "white space at the body's end");
        let mut cut = genuine();
        cut.headers
            .push(format!("content-length: {}", cut.body.len()));
        cut.body.pop();
        cut.is_refused(environment, "not the announced one");
        let mut long = genuine();
        long.body = vec![b' '; 1024 * 1024 + 1];
        long.is_refused(environment, "over the cap");

        // The signature's header, and no other, comes twice.
        let mut repeated = genuine();
        let signature = repeated
            .headers
            .iter()
            .find(|header| header.contains("signature"));
        let signature = signature.unwrap().clone();
        repeated.headers.push(signature);
        repeated.is_refused(environment, "more than once");
    }
    let received = Received::trigger(&sandbox, &[EVENTS[0]]);
    let other = changed(environment, &[("VERIFF_API_KEY", "another-key")]);
    received.is_refused(&other, "another client");
}

#[test]
fn an_authentic_one_that_cannot_be_read_is_not_understood() {
    let sandbox = SandboxProcess::start();
    let received = Received::trigger(
        &sandbox,
        &["veriff.decision.approved", "--set", "verification=1"],
    );
    let run = received.verify(&sandbox.environment);
    assert_eq!(run.code, 7, "{run:?}");
    assert_eq!(run.answer()["event"], Value::Null);
}

#[test]
fn bad_arguments_are_named() {
    let sandbox = SandboxProcess::start();
    for (arguments, field) in [
        (&["--provider", "finpass", "--body", "-"][..], "--provider"),
        (&["--provider", "veriff"], "--body"),
        (
            &["--provider", "veriff", "--body", "no-such-file"],
            "--body",
        ),
        (
            &["--provider", "veriff", "--body", "-", "--header", "0a1b2c"],
            "--header",
        ),
        (
            &[
                "--provider",
                "veriff",
                "--body",
                "-",
                "--header",
                "a b: 0a1b2c",
            ],
            "--header",
        ),
    ] {
        let run = kyc(
            &[&["webhooks", "verify", "--json"], arguments].concat(),
            &sandbox.environment,
        );
        assert_eq!(run.code, 2, "{run:?}");
        assert!(
            run.error()["field"].as_str().unwrap().contains(field),
            "{run:?}"
        );
        assert!(!run.stderr.contains("0a1b2c"), "{run:?}");
    }
    for (provider, setting) in [
        ("veriff", "VERIFF_WEBHOOK_SECRET"),
        ("finpro", "FINPRO_WEBHOOK_SECRET"),
    ] {
        let run = kyc_with_input(
            &[
                "webhooks",
                "verify",
                "--json",
                "--provider",
                provider,
                "--body",
                "-",
            ],
            &[],
            b"{}",
        );
        assert_eq!(run.code, 2, "{run:?}");
        let field = run.error()["field"].as_str().unwrap().to_owned();
        assert!(field.contains(setting), "{run:?}");
    }
}
