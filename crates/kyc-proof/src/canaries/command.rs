//! The command `kyc`, and its sandbox: wrong input, wrong credentials, providers that repeat what they were sent.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::Found;
use super::planted::*;
use super::search::{Search, Source};
use crate::failure::{Failure, Result};
use crate::faults::EchoingServers;

type Variables = Vec<(String, String)>;

pub(super) fn run(search: &Search) -> Result<Found> {
    let kyc = Kyc(program()?);
    let mut found = Found::default();
    let sandbox = kyc.sandbox()?;
    let echoing = EchoingServers::start()?;

    // What is asked for is printed, so of an answer only stderr is searched.
    let known = sandbox.variables.clone();
    for arguments in calls() {
        for json in [false, true] {
            let output = kyc.run(&arguments, json, &known)?;
            found.runs += 1;
            found.search(
                search,
                &arguments.join(" "),
                &output.stderr,
                Source::Anything,
            );
            if output.code != Some(0) {
                return Err(Failure::new(format!(
                    "{arguments:?} fails: {}",
                    output.stderr
                )));
            }
        }
    }

    let planted = planted_credentials(&known);
    let elsewhere = at_ports(&planted, echoing.ports());
    let nobody = at_ports(&planted, echoing.ports().map(|(provider, _)| (provider, 1)));
    for (name, variables) in [
        ("unknown credentials", &planted),
        ("a provider that repeats", &elsewhere),
        ("nobody listens", &nobody),
    ] {
        for arguments in calls() {
            for json in [false, true] {
                let output = kyc.run(&arguments, json, variables)?;
                found.runs += 1;
                let at = format!("{name}, {}", arguments[..2].join(" "));
                found.search(search, &at, &output.stderr, Source::Anything);
                found.search(search, &at, &output.stdout, Source::Anything);
                if output.code == Some(0) {
                    return Err(Failure::new(format!("{at} succeeds")));
                }
            }
        }
    }

    for (arguments, variables) in mistakes(&known) {
        for json in [false, true] {
            let output = kyc.run(&arguments, json, &variables)?;
            found.runs += 1;
            found.search(search, "a mistake", &output.stderr, Source::Anything);
            found.search(search, "a mistake", &output.stdout, Source::Anything);
            if output.code != Some(2) {
                return Err(Failure::new(format!(
                    "{arguments:?} is no mistake: {output:?}"
                )));
            }
        }
    }

    let (printed, runs) = sandbox.stop()?;
    found.runs += runs;
    found.search(search, "kyc sandbox", &printed, Source::Anything);
    Ok(found)
}

/// Beside this program, where `cargo xtask prove canaries` has it built.
fn program() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("kyc");
    if !path.is_file() {
        return Err(Failure::new(
            "the command is not built; run this by `cargo xtask prove canaries`",
        ));
    }
    Ok(path)
}

/// Every operation with planted input.
fn calls() -> Vec<Vec<&'static str>> {
    vec![
        vec![
            "finpass",
            "init",
            "--mobile-number",
            MOBILE,
            "--pan-number",
            PAN,
            "--email",
            EMAIL,
            "--consent-type",
            "loan_underwriting",
            "--webhook-url",
            WEBHOOK_URL,
            "--redirect-url",
            RETURN_URL,
        ],
        vec![
            "finpro",
            "profile",
            "--mobile-number",
            MOBILE,
            "--user-consent-id",
            CONSENT_ID,
        ],
        vec![
            "veriff",
            "consent",
            "--session-id",
            SESSION_ID,
            "--type",
            "aadhaar",
            "--approved",
            "true",
            "--text",
            CONSENT_TEXT,
        ],
        vec![
            "deepvue",
            "session",
            "--consent",
            "--purpose",
            "KYC",
            "--redirect-url",
            REDIRECT_URL,
        ],
        vec![
            "onboard",
            "--mobile",
            MOBILE,
            "--pan",
            PAN,
            "--email",
            EMAIL,
            "--session-id",
            SESSION_ID,
            "--consent-text",
            CONSENT_TEXT,
            "--purpose",
            "KYC",
            "--redirect-url",
            REDIRECT_URL,
            "--webhook-url",
            WEBHOOK_URL,
            "--user-consent-id",
            CONSENT_ID,
        ],
    ]
}

/// Planted values where they do not belong.
fn mistakes(known: &Variables) -> Vec<(Vec<String>, Variables)> {
    let finpass = |extra: &[&str]| -> Vec<String> {
        let mut arguments = vec!["finpass", "init", "--mobile-number", MOBILE];
        arguments.extend(["--consent-type", "loan_underwriting"]);
        arguments.extend(extra);
        arguments.into_iter().map(str::to_owned).collect()
    };
    let typed = [
        finpass(&["--pan-number", MOBILE]),
        finpass(&["--pan-number", &PAN.to_lowercase()]),
        finpass(&["--email", CONSENT_TEXT]),
        finpass(&["--timeout", FINPASS_KEY]),
        finpass(&[FINPASS_SECRET]),
        vec![FINPASS_SECRET.to_owned()],
        vec!["finpass".to_owned(), FINPASS_SECRET.to_owned()],
        [
            "finpass",
            "init",
            "--mobile-number",
            EMAIL,
            "--consent-type",
            "x",
        ]
        .map(str::to_owned)
        .into(),
        [
            "finpro",
            "profile",
            "--mobile-number",
            PAN,
            "--user-consent-id",
            "x",
        ]
        .map(str::to_owned)
        .into(),
        [
            "finpro",
            "profile",
            "--mobile-number",
            MOBILE,
            "--user-consent-id",
            "x",
            "--aa-id",
            VUA,
        ]
        .map(str::to_owned)
        .into(),
        [
            "veriff",
            "consent",
            "--session-id",
            CONSENT_TEXT,
            "--type",
            "aadhaar",
            "--approved",
        ]
        .map(str::to_owned)
        .into_iter()
        .chain([CONSENT_ID, "--text", CONSENT_TEXT].map(str::to_owned))
        .collect(),
        ["onboard", "--mobile", CONSENT_TEXT, "--pan", PAN]
            .map(str::to_owned)
            .into(),
    ];
    let mut mistakes: Vec<_> = typed
        .into_iter()
        .map(|arguments| (arguments, known.clone()))
        .collect();
    let (key, secret) = ("FINPASS_API_KEY", "FINPASS_API_SECRET");
    for (name, value) in [
        (key, format!("{FINPASS_KEY}\n")),
        (secret, format!(" {FINPASS_SECRET}")),
        (secret, format!("{FINPASS_SECRET}é")),
        (
            "FINPASS_BASE_URL",
            format!("https://user:{FINPASS_SECRET}@example.test"),
        ),
        (
            "FINPASS_BASE_URL",
            format!("https://example.test/?key={FINPASS_SECRET}"),
        ),
        ("FINPASS_BASE_URL", format!("http://{CERTIFICATE_NAME}")),
        ("FINPASS_BASE_URL", FINPASS_SECRET.to_owned()),
        ("FINPASS_API_KEY_FILE", format!("/{FINPASS_SECRET}")),
    ] {
        mistakes.push((finpass(&[]), with(known, &[(name, &value)])));
    }
    mistakes
}

fn with(variables: &Variables, changes: &[(&str, &str)]) -> Variables {
    let changed = |name: &str| changes.iter().any(|(other, _)| *other == name);
    let kept = variables.iter().filter(|(name, _)| !changed(name)).cloned();
    let changes = changes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    kept.chain(changes).collect()
}

fn planted_credentials(variables: &Variables) -> Variables {
    with(
        variables,
        &[
            ("FINPASS_API_KEY", FINPASS_KEY),
            ("FINPASS_API_SECRET", FINPASS_SECRET),
            ("FINPRO_CLIENT_ID", FINPRO_CLIENT),
            ("FINPRO_CLIENT_SECRET", FINPRO_SECRET),
            ("FINPRO_ORGANISATION_ID", FINPRO_ORGANISATION),
            ("FINPRO_APP_IDENTIFIER", FINPRO_APP),
            ("VERIFF_API_KEY", VERIFF_KEY),
            ("VERIFF_SHARED_SECRET", VERIFF_SECRET),
            ("DEEPVUE_CLIENT_ID", DEEPVUE_CLIENT),
            ("DEEPVUE_CLIENT_SECRET", DEEPVUE_SECRET),
        ],
    )
}

/// With each provider at a port of this machine.
fn at_ports(variables: &Variables, ports: impl Iterator<Item = (&'static str, u16)>) -> Variables {
    ports.fold(variables.clone(), |variables, (provider, port)| {
        let name = format!("{}_BASE_URL", provider.to_uppercase());
        with(&variables, &[(&name, &format!("http://127.0.0.1:{port}"))])
    })
}

/// The program.
struct Kyc(PathBuf);

#[derive(Debug)]
struct Output {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Kyc {
    fn run(
        &self,
        arguments: &[impl AsRef<std::ffi::OsStr>],
        json: bool,
        variables: &Variables,
    ) -> Result<Output> {
        let output = Command::new(&self.0)
            .args(arguments)
            .args(json.then_some("--json"))
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .env("RUST_BACKTRACE", "full")
            .env("RUST_LOG", "trace")
            .stdin(Stdio::null())
            .output()?;
        Ok(Output {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// `kyc sandbox`, and the variables that it says to export.
    fn sandbox(&self) -> Result<SandboxProcess> {
        let mut child = Command::new(&self.0)
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("RUST_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let piped = child.stdout.take().ok_or(Failure::new("no pipe"))?;
        let (mut stdout, mut printed) = (BufReader::new(piped), String::new());
        let mut variables = Vec::new();
        while variables.len() < 14 {
            let mut line = String::new();
            if stdout.read_line(&mut line)? == 0 {
                return Err(Failure::new("the sandbox does not start"));
            }
            let pair = line
                .trim()
                .strip_prefix("export ")
                .and_then(|pair| pair.split_once('='));
            if let Some((name, value)) = pair {
                variables.push((name.to_owned(), value.trim_matches('\'').to_owned()));
            }
            printed.push_str(&line);
        }
        Ok(SandboxProcess {
            child,
            stdout,
            printed,
            variables,
        })
    }
}

struct SandboxProcess {
    child: std::process::Child,
    stdout: BufReader<std::process::ChildStdout>,
    printed: String,
    variables: Variables,
}

impl SandboxProcess {
    /// Ends it, and gives all that it printed.
    fn stop(mut self) -> Result<(String, usize)> {
        self.child.kill()?;
        self.child.wait()?;
        self.stdout.read_to_string(&mut self.printed)?;
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut self.printed)?;
        }
        Ok((self.printed, 1))
    }
}
