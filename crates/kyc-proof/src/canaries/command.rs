//! The command `kyc` and its sandbox: every operation of the catalogue that is a command, with wrong input, with wrong
//! credentials, and at providers that repeat what they were sent.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use heck::ToKebabCase as _;
use kyc_proof::catalogue::Subject;
use kyc_proof::checks::plain;
use kyc_proof::companies::base_url_of;
use provider_core::testing::tolerance::pointers;
use serde_json::{Map, Value};

use super::Found;
use crate::faults::{Column, EchoingServers, Matrix};
use crate::planted::search::{Search, Source};
use crate::planted::*;
use crate::process::{Running, program};

type Variables = BTreeMap<String, String>;

/// The arguments of a command, and what it reads from standard input.
#[derive(Clone, Default)]
struct Arguments(Vec<String>, String);

impl Arguments {
    fn and(mut self, texts: &[&str]) -> Self {
        self.0.extend(texts.iter().map(|text| (*text).to_owned()));
        self
    }
}

/// Commands that are not called as their operation is.
const NAMES: [(&str, &str); 4] = [
    ("finpass initialize", "init"),
    ("finpro check-profile", "profile"),
    ("veriff record-consent", "consent"),
    ("deepvue initiate-session", "session"),
];

/// A success, or a refusal by the sandbox. The answer is printed on request, so of such a run only stderr is searched.
const WELL: fn(i32) -> bool = |code| code == 0 || code == 4;
const INVALID: fn(i32) -> bool = |code| code == 2;
const FAILED: fn(i32) -> bool = |code| code != 0;
const ANSWERED_NO: fn(i32) -> bool = |code| code != 0 && code != 2;

pub(super) fn run(matrix: &Matrix, search: &Search) -> Result<Found> {
    let mut scenes = Scenes {
        kyc: program()?,
        search,
        found: Found::default(),
        subject: String::new(),
    };
    let sandbox = SandboxProcess::start(&scenes.kyc)?;
    let echoing = EchoingServers::start(matrix)?;
    for column in matrix.columns() {
        scenes.subject = column.to_string();
        match Form::of(&scenes.kyc, &column.subject)? {
            Some(form) => {
                let port = echoing.port(&scenes.subject);
                scenes.of_operation(&form, column, &sandbox.variables, port)?;
            }
            None => println!("  {column}: not a command"),
        }
    }
    scenes.of_the_whole(&sandbox.variables)?;
    let (mut found, printed) = (scenes.found, sandbox.stop()?);
    found.runs += 1;
    found.search(search, "kyc sandbox", &printed, Source::Anything);
    Ok(found)
}

/// Runs of the command, which is made for people and for programs.
struct Scenes<'s> {
    kyc: PathBuf,
    search: &'s Search,
    found: Found,
    subject: String,
}

impl Scenes<'_> {
    /// Runs a command that may have these exit codes.
    fn run(
        &mut self,
        what: &str,
        arguments: &Arguments,
        variables: &Variables,
        ends: fn(i32) -> bool,
    ) -> Result<()> {
        let at = format!("{what}, {}", self.subject);
        for more in [&[][..], &["--json"]] {
            let arguments = arguments.clone().and(more);
            let (code, stdout, stderr) = run_command(&self.kyc, &arguments, variables)?;
            self.found.runs += 1;
            let found = &mut self.found;
            found.search(self.search, &at, &stderr, Source::Anything);
            if !ends(0) {
                found.search(self.search, &at, &stdout, Source::Anything);
            }
            ensure!(code.is_some_and(ends), "{at}: {code:?}: {stderr}");
        }
        Ok(())
    }

    /// An operation done well, with wrong input, with wrong settings, and at providers that repeat what they were sent.
    fn of_operation(
        &mut self,
        form: &Form,
        column: &Column,
        known: &Variables,
        echoing: u16,
    ) -> Result<()> {
        let (subject, exchange) = (&column.subject, &column.exchange);
        let planted = with(known, SETTINGS);
        let base_url = base_url_of(subject.provider);
        let at_port = |port| {
            let address = format!("http://127.0.0.1:{port}");
            with(&planted, &[(&base_url, &address)])
        };
        let arguments = form.arguments(&exchange.input);
        // Values of enumerations stay as they are, so that the sandbox takes them.
        let accepted = form.arguments(&accepted(subject, exchange));
        self.run("all is well", &accepted, known, WELL)?;
        self.run("unknown credentials", &arguments, &planted, ANSWERED_NO)?;
        self.run("an echo", &arguments, &at_port(echoing), ANSWERED_NO)?;
        self.run("nobody listens", &arguments, &at_port(1), ANSWERED_NO)?;
        for mistake in mistakes(subject, &exchange.input) {
            self.run("invalid input", &form.arguments(&mistake), known, INVALID)?;
        }
        let stray = [
            &["--timeout", FINPASS_KEY][..],
            &[FINPASS_SECRET],
            &["--x", VUA],
        ];
        for stray in stray {
            self.run(
                "a stray argument",
                &arguments.clone().and(stray),
                known,
                INVALID,
            )?;
        }
        for variables in configurations(subject.provider, known) {
            self.run("a wrong configuration", &arguments, &variables, FAILED)?;
        }
        Ok(())
    }

    /// An onboarding with every provider or none, and commands that there are not.
    fn of_the_whole(&mut self, known: &Variables) -> Result<()> {
        let planted = with(known, SETTINGS);
        let mut nobody = planted.clone();
        for (name, value) in &mut nobody {
            if name.ends_with("_BASE_URL") {
                "http://127.0.0.1:1".clone_into(value);
            }
        }
        let onboard = [&["onboard"][..], ONBOARD.as_flattened()].concat();
        let scenes: [(&[&str], _, _); 6] = [
            (&onboard, known, WELL),
            (&onboard, &planted, FAILED),
            (&onboard, &nobody, FAILED),
            (&[FINPASS_SECRET], known, INVALID),
            (&["finpass", FINPASS_SECRET], known, INVALID),
            (&["onboard", "--mobile", CONSENT_TEXT], known, INVALID),
        ];
        "the whole command".clone_into(&mut self.subject);
        for (arguments, variables, ends) in scenes {
            self.run(
                "without an operation",
                &Arguments::default().and(arguments),
                variables,
                ends,
            )?;
        }
        Ok(())
    }
}

/// Runs a command, and returns its exit code, what it printed, and its messages.
fn run_command(
    kyc: &Path,
    Arguments(arguments, input): &Arguments,
    variables: &Variables,
) -> Result<(Option<i32>, String, String)> {
    let mut stdin = tempfile::tempfile()?;
    stdin.write_all(input.as_bytes())?;
    stdin.rewind()?;
    let output = Command::new(kyc)
        .args(arguments)
        .env_clear()
        .envs(variables)
        .env("RUST_BACKTRACE", "full")
        .env("RUST_LOG", "trace")
        .stdin(stdin)
        .output()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    Ok((output.status.code(), stdout, stderr))
}

/// The command of an operation, and its own help.
struct Form([String; 2], String);

impl Form {
    /// `None` if the operation is not a command.
    fn of(kyc: &Path, subject: &Subject) -> Result<Option<Self>> {
        let own = subject.name();
        let other = NAMES.iter().find(|(known, _)| *known == own);
        let other = other.map(|(_, name)| *name).into_iter();
        for name in other.chain([subject.operation.name]) {
            let help = Arguments::default().and(&[subject.provider, name, "--help"]);
            if let (Some(0), help, _) = run_command(kyc, &help, &Variables::new())? {
                let command = [subject.provider, name].map(str::to_owned);
                return Ok(Some(Self(command, help)));
            }
        }
        Ok(None)
    }

    /// A flag for each member that has one, and the rest as JSON.
    fn arguments(&self, input: &Value) -> Arguments {
        let Self(command, help) = self;
        let mut arguments = Arguments(command.to_vec(), String::new());
        let mut rest = Map::new();
        for (name, value) in input.as_object().into_iter().flatten() {
            // The names of lists are singular or not.
            let flag = format!("--{}", name.to_kebab_case());
            let takes_value = |flag: &&str| help.contains(&format!("{flag} <"));
            let mut flags = [&*flag, flag.trim_end_matches('s')].into_iter();
            // A file is not its text, and a URL not the object that is read from it.
            let mut lines = help.lines().map(str::trim);
            let is_file =
                lines.any(|line| line.starts_with(&format!("{flag} <")) && line.ends_with("FILE>"));
            if value.is_object() || is_file {
                rest.insert(name.clone(), value.clone());
            } else if let Some(flag) = flags.find(takes_value) {
                let one = std::slice::from_ref(value);
                for value in value.as_array().map_or(one, Vec::as_slice) {
                    arguments = arguments.and(&[flag, &plain(value)]);
                }
            } else if help.contains(&flag) {
                arguments = arguments.and(&[&flag]);
            } else {
                rest.insert(name.clone(), value.clone());
            }
        }
        if !rest.is_empty() {
            arguments = arguments.and(&["--data", "-"]);
            arguments.1 = Value::from(rest).to_string();
        }
        arguments
    }
}

/// The planted request with the fixture's own words where those are of an enumeration.
fn accepted(subject: &Subject, exchange: &PlantedExchange) -> Value {
    let (client, _) = subject.scripted(SETTINGS, []);
    let fixture = subject.exchange().input;
    let mut accepted = exchange.input.clone();
    // A word may decide what another value must be: those that then break a rule stay as they are too.
    for only_words in [true, false] {
        for at in pointers(&fixture) {
            if (only_words || client.check(accepted.clone()).is_err())
                && let Some(text) = fixture.pointer(&at).and_then(Value::as_str)
                && (is_word(text) || !only_words)
                && let Some(place) = accepted.pointer_mut(&at)
            {
                *place = text.into();
            }
        }
    }
    accepted
}

/// The request with a planted value in a place where it breaks a rule.
fn mistakes(subject: &Subject, input: &Value) -> Vec<Value> {
    let (client, _) = subject.scripted(SETTINGS, []);
    let lower = PAN.to_lowercase();
    let wrong = [CONSENT_TEXT, MOBILE, PAN, EMAIL, VUA, &lower];
    let changed = texts(input).into_iter().flat_map(|(at, _)| {
        wrong.map(|wrong| {
            let mut changed = input.clone();
            *changed.pointer_mut(&at).unwrap() = wrong.into();
            changed
        })
    });
    // A value with a fixed text is a flag and cannot be wrong.
    let is_flag = |changed: &Value| changed.get("consent") != input.get("consent");
    changed
        .filter(|changed| client.check(changed.clone()).is_err() && !is_flag(changed))
        .collect()
}

/// Configurations that hold a planted value and are wrong.
fn configurations(provider: &str, known: &Variables) -> Vec<Variables> {
    let base_url = base_url_of(provider);
    let own = base_url.trim_end_matches("BASE_URL");
    let mut wrong = Vec::new();
    for name in known.keys() {
        // What verifies webhooks is read by the commands that receive them alone.
        if name.starts_with(own) && *name != base_url && !name.contains("_WEBHOOK_") {
            wrong.extend([
                (name.clone(), format!("{FINPASS_KEY}\n")),
                (name.clone(), format!("{FINPASS_SECRET}é")),
                (format!("{name}_FILE"), format!("/{FINPASS_SECRET}")),
            ]);
        }
    }
    for url in [
        format!("https://user:{FINPASS_SECRET}@example.test"),
        format!("https://example.test/?key={FINPASS_SECRET}"),
        format!("http://{CERTIFICATE_NAME}"),
        FINPASS_SECRET.to_owned(),
    ] {
        wrong.push((base_url.clone(), url));
    }
    let wrong = wrong.iter();
    wrong
        .map(|(name, value)| with(known, &[(name, value)]))
        .collect()
}

fn with(variables: &Variables, changes: &[(&str, &str)]) -> Variables {
    let changes = changes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    variables.clone().into_iter().chain(changes).collect()
}

const ONBOARD: [[&str; 2]; 9] = [
    ["--mobile", MOBILE],
    ["--pan", PAN],
    ["--email", EMAIL],
    ["--session-id", SESSION_ID],
    ["--consent-text", CONSENT_TEXT],
    ["--purpose", "KYC"],
    ["--redirect-url", REDIRECT_URL],
    ["--webhook-url", WEBHOOK_URL],
    ["--user-consent-id", CONSENT_ID],
];

/// A served sandbox, which ends with this value.
struct SandboxProcess {
    child: Running,
    stdout: BufReader<ChildStdout>,
    printed: String,
    variables: Variables,
}

impl SandboxProcess {
    /// `kyc sandbox`, and the variables that it says to export.
    fn start(kyc: &Path) -> Result<Self> {
        let sandbox = Command::new(kyc)
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("RUST_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut child = Running(sandbox);
        let mut stdout = BufReader::new(child.0.stdout.take().context("no pipe")?);
        let (mut printed, mut variables) = (String::new(), Variables::new());
        while !variables.contains_key("DEEPVUE_CLIENT_SECRET") {
            let before = printed.len();
            let more = stdout.read_line(&mut printed)? > 0;
            ensure!(more, "the sandbox does not start");
            let export = printed[before..].trim().strip_prefix("export ");
            if let Some((name, value)) = export.and_then(|pair| pair.split_once('=')) {
                variables.insert(name.to_owned(), value.trim_matches('\'').to_owned());
            }
        }
        Ok(Self {
            child,
            stdout,
            printed,
            variables,
        })
    }

    /// Ends it, and returns all that it printed.
    fn stop(mut self) -> Result<String> {
        self.child.0.kill()?;
        self.stdout.read_to_string(&mut self.printed)?;
        let mut stderr = self.child.0.stderr.take().context("no pipe")?;
        stderr.read_to_string(&mut self.printed)?;
        Ok(self.printed)
    }
}
