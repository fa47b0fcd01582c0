//! The command `kyc` and its sandbox: every operation of the catalogue that is a command, with wrong input, with wrong
//! credentials, and at providers that repeat what they were sent.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use heck::ToKebabCase as _;
use kyc_proof::catalogue::Subject;
use kyc_proof::checks::plain;
use provider_core::testing::tolerance::pointers;
use serde_json::{Map, Value};

use super::Found;
use crate::faults::{Column, EchoingServers, Matrix};
use crate::planted::search::{Search, Source};
use crate::planted::*;
use crate::process::{Running, program};

type Variables = Vec<(String, String)>;
type Arguments = Vec<String>;

/// Commands that are not called as their operation is.
const NAMES: [(&str, &str); 4] = [
    ("finpass initialize", "init"),
    ("finpro check-profile", "profile"),
    ("veriff record-consent", "consent"),
    ("deepvue initiate-session", "session"),
];

/// One run of the command, which is made for people and for programs.
struct Scene {
    at: String,
    arguments: Arguments,
    variables: Variables,
    /// Which exit codes it may have.
    ends: fn(i32) -> bool,
}

/// A success, or a refusal by the sandbox. The answer is printed on request, so of such a run only stderr is searched.
const WELL: fn(i32) -> bool = |code| code == 0 || code == 4;
const INVALID: fn(i32) -> bool = |code| code == 2;
const FAILED: fn(i32) -> bool = |code| code != 0;
const SENT_AND_FAILED: fn(i32) -> bool = |code| code != 0 && code != 2;

pub(super) fn run(matrix: &Matrix, search: &Search) -> Result<Found> {
    let kyc = Kyc(program()?);
    let mut found = Found::default();
    let sandbox = kyc.sandbox()?;
    let echoing = EchoingServers::start(matrix)?;
    let mut scenes = Vec::new();
    for column in matrix.columns() {
        let name = column.to_string();
        match Form::of(&kyc, &column.subject)? {
            Some(form) => {
                let known = &sandbox.variables;
                scenes.extend(of_operation(&form, column, known, echoing.port(&name)));
            }
            None => println!("  {name}: not a command"),
        }
    }
    scenes.extend(of_the_whole(&sandbox.variables));
    let directory = tempfile::tempdir()?;
    for Scene {
        at,
        mut arguments,
        variables,
        ends,
    } in scenes
    {
        if let Some(flag) = arguments.iter().position(|argument| argument == "--data") {
            let file = directory.path().join("data.json");
            fs::write(&file, &arguments[flag + 1])?;
            arguments[flag + 1] = file.to_string_lossy().into_owned();
        }
        for json in [false, true] {
            let output = kyc.run(&arguments, json, &variables)?;
            found.runs += 1;
            found.search(search, &at, &output.stderr, Source::Anything);
            if !ends(0) {
                found.search(search, &at, &output.stdout, Source::Anything);
            }
            ensure!(
                output.code.is_some_and(ends),
                "{at}: {:?}: {}",
                output.code,
                output.stderr
            );
        }
    }
    let printed = sandbox.stop()?;
    found.runs += 1;
    found.search(search, "kyc sandbox", &printed, Source::Anything);
    Ok(found)
}

/// An operation done well, with wrong input, with wrong settings, and at providers that repeat what they were sent.
fn of_operation(form: &Form, column: &Column, known: &Variables, echoing: u16) -> Vec<Scene> {
    let (subject, exchange) = (&column.subject, &column.exchange);
    let planted = with(known, SETTINGS);
    let base_url = format!("{}_BASE_URL", subject.provider.to_uppercase());
    let at_port = |port| {
        with(
            &planted,
            &[(&base_url, &format!("http://127.0.0.1:{port}"))],
        )
    };
    let arguments = form.arguments(&exchange.input);
    let mut scenes = Vec::new();
    let mut add = |what: &str, arguments: &Arguments, variables: &Variables, ends| {
        scenes.push(Scene {
            at: format!("{what}, {}", subject.name()),
            arguments: arguments.clone(),
            variables: variables.clone(),
            ends,
        });
    };
    // Values of enumerations stay as they are, so that the sandbox takes them.
    let accepted = form.arguments(&accepted(subject, exchange));
    add("all is well", &accepted, known, WELL);
    add("unknown credentials", &arguments, &planted, SENT_AND_FAILED);
    add(
        "a provider that repeats",
        &arguments,
        &at_port(echoing),
        SENT_AND_FAILED,
    );
    add("nobody listens", &arguments, &at_port(1), SENT_AND_FAILED);
    for mistake in mistakes(subject, &exchange.input) {
        add("invalid input", &form.arguments(&mistake), known, INVALID);
    }
    for extra in [
        &["--timeout", FINPASS_KEY][..],
        &[FINPASS_SECRET],
        &["--x", VUA],
    ] {
        let extra = extra.iter().map(|text| (*text).to_owned());
        let arguments = arguments.iter().cloned().chain(extra).collect();
        add("a wrong argument", &arguments, known, INVALID);
    }
    for variables in configurations(subject.provider, known) {
        add("a wrong configuration", &arguments, &variables, FAILED);
    }
    scenes
}

/// An onboarding with every provider or none, and commands that there are not.
fn of_the_whole(known: &Variables) -> Vec<Scene> {
    let planted = with(known, SETTINGS);
    let addresses = known.iter().filter(|(name, _)| name.ends_with("_BASE_URL"));
    let nobody: Vec<_> = addresses
        .map(|(name, _)| (&**name, "http://127.0.0.1:1"))
        .collect();
    let nobody = with(&planted, &nobody);
    let onboard = [&["onboard"][..], ONBOARD.as_flattened()].concat();
    let scenes: [(&[&str], _, _); 6] = [
        (&onboard, known, WELL),
        (&onboard, &planted, FAILED),
        (&onboard, &nobody, FAILED),
        (&[FINPASS_SECRET], known, INVALID),
        (&["finpass", FINPASS_SECRET], known, INVALID),
        (&["onboard", "--mobile", CONSENT_TEXT], known, INVALID),
    ];
    let scene = |(arguments, variables, ends): (&[&str], &Variables, fn(i32) -> bool)| Scene {
        at: "the whole command".to_owned(),
        arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
        variables: variables.clone(),
        ends,
    };
    scenes.map(scene).into()
}

/// The command of an operation, by its own help.
struct Form {
    command: [String; 2],
    help: String,
}

impl Form {
    /// `None` if the operation is not a command.
    fn of(kyc: &Kyc, subject: &Subject) -> Result<Option<Self>> {
        let other = NAMES.iter().find(|(name, _)| *name == subject.name());
        for name in [Some(subject.operation.name), other.map(|(_, name)| *name)]
            .into_iter()
            .flatten()
        {
            let command = [subject.provider.to_owned(), name.to_owned()];
            let arguments = [&command[0], &command[1], "--help"];
            let output = kyc.run(&arguments, false, &Variables::new())?;
            if output.code == Some(0) {
                return Ok(Some(Self {
                    command,
                    help: output.stdout,
                }));
            }
        }
        Ok(None)
    }

    /// A flag for each member that has one, and the rest as JSON.
    fn arguments(&self, input: &Value) -> Arguments {
        let mut arguments = self.command.to_vec();
        let mut rest = Map::new();
        for (name, value) in input.as_object().into_iter().flatten() {
            // The names of lists are singular or not.
            let flag = format!("--{}", name.to_kebab_case());
            let takes_value = |flag: &&str| self.help.contains(&format!("{flag} <"));
            let valued = [&*flag, flag.trim_end_matches('s')];
            let valued = valued.into_iter().find(takes_value);
            let values = match value {
                Value::Array(items) => items.clone(),
                other => vec![other.clone()],
            };
            // A file is not its text, and a URL not the object that is read from it.
            let mut lines = self.help.lines().map(str::trim);
            let is_file =
                lines.any(|line| line.starts_with(&format!("{flag} <")) && line.ends_with("FILE>"));
            if value.is_object() || is_file {
                rest.insert(name.clone(), value.clone());
            } else if let Some(flag) = valued {
                for value in values {
                    arguments.extend([flag.to_owned(), plain(&value)]);
                }
            } else if self.help.contains(&flag) {
                arguments.push(flag);
            } else {
                rest.insert(name.clone(), value.clone());
            }
        }
        if !rest.is_empty() {
            arguments.extend(["--data".to_owned(), Value::from(rest).to_string()]);
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
    let own = format!("{}_", provider.to_uppercase());
    let base_url = format!("{own}BASE_URL");
    let mut wrong = Vec::new();
    // What verifies webhooks is read by the commands that receive them alone.
    let secret = known.iter().filter(|(name, _)| {
        name.starts_with(&own) && *name != base_url && !name.contains("_WEBHOOK_")
    });
    for (name, _) in secret {
        wrong.extend([
            (name.clone(), format!("{FINPASS_KEY}\n")),
            (name.clone(), format!("{FINPASS_SECRET}é")),
            (format!("{name}_FILE"), format!("/{FINPASS_SECRET}")),
        ]);
    }
    for url in [
        format!("https://user:{FINPASS_SECRET}@example.test"),
        format!("https://example.test/?key={FINPASS_SECRET}"),
        format!("http://{CERTIFICATE_NAME}"),
        FINPASS_SECRET.to_owned(),
    ] {
        wrong.push((base_url.clone(), url));
    }
    wrong
        .iter()
        .map(|(name, value)| with(known, &[(name, value)]))
        .collect()
}

fn with(variables: &Variables, changes: &[(&str, &str)]) -> Variables {
    let changed = |name: &str| changes.iter().any(|(other, _)| *other == name);
    let kept = variables.iter().filter(|(name, _)| !changed(name)).cloned();
    let changes = changes
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    kept.chain(changes).collect()
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
        let sandbox = Command::new(&self.0)
            .args(["sandbox", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("RUST_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut child = Running(sandbox);
        let stdout = BufReader::new(child.0.stdout.take().context("no pipe")?);
        let mut sandbox = SandboxProcess {
            child,
            stdout,
            printed: String::new(),
            variables: Variables::new(),
        };
        while !sandbox.is_known("DEEPVUE_CLIENT_SECRET") {
            let mut line = String::new();
            let more = sandbox.stdout.read_line(&mut line)? > 0;
            ensure!(more, "the sandbox does not start");
            let export = line.trim().strip_prefix("export ");
            if let Some((name, value)) = export.and_then(|pair| pair.split_once('=')) {
                let value = value.trim_matches('\'').to_owned();
                sandbox.variables.push((name.to_owned(), value));
            }
            sandbox.printed.push_str(&line);
        }
        Ok(sandbox)
    }
}

/// A served sandbox, which ends with this value.
struct SandboxProcess {
    child: Running,
    stdout: BufReader<std::process::ChildStdout>,
    printed: String,
    variables: Variables,
}

impl SandboxProcess {
    /// Whether this variable was printed.
    fn is_known(&self, name: &str) -> bool {
        self.variables.iter().any(|(known, _)| known == name)
    }

    /// Ends it, and returns all that it printed.
    fn stop(mut self) -> Result<String> {
        self.child.0.kill()?;
        self.stdout.read_to_string(&mut self.printed)?;
        if let Some(mut stderr) = self.child.0.stderr.take() {
            stderr.read_to_string(&mut self.printed)?;
        }
        Ok(self.printed)
    }
}
