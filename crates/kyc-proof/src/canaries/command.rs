//! The command `kyc` and its sandbox: every operation of the catalogue that is a command, with wrong input, with wrong
//! credentials, and at providers that repeat what they were sent.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Result, anyhow, bail};
use kyc_proof::catalogue::Subject;
use provider_core::testing::tolerance::pointers;
use serde_json::{Map, Value};

use super::Found;
use crate::faults::{EchoingServers, Matrix};
use crate::planted::search::{Search, Source};
use crate::planted::*;

type Variables = Vec<(String, String)>;
type Arguments = Vec<String>;

/// Commands that are not called as their operation is.
const NAMES: [(&str, &str); 4] = [
    ("finpass initialize", "init"),
    ("finpro check-profile", "profile"),
    ("veriff record-consent", "consent"),
    ("deepvue initiate-session", "session"),
];

/// The exit code of invalid input, and of a refusal.
const INVALID: i32 = 2;
const REFUSED: i32 = 4;

pub(super) fn run(matrix: &Matrix, search: &Search) -> Result<Found> {
    let kyc = Kyc(program()?);
    let mut found = Found::default();
    let sandbox = kyc.sandbox()?;
    let echoing = EchoingServers::start(matrix)?;
    let known = sandbox.variables.clone();
    let planted = with(&known, &planted_credentials());
    let mut search_run = |at: &str, arguments: &Arguments, variables: &Variables, stdout: bool| {
        let mut codes = [None; 2];
        for (code, json) in codes.iter_mut().zip([false, true]) {
            let output = kyc.run(arguments, json, variables)?;
            found.runs += 1;
            found.search(search, at, &output.stderr, Source::Anything);
            if stdout {
                found.search(search, at, &output.stdout, Source::Anything);
            }
            *code = output.code;
        }
        anyhow::Ok(codes)
    };
    for column in matrix.columns() {
        let (subject, exchange) = (&column.subject, &column.exchange);
        let name = subject.name();
        let Some(form) = Form::of(&kyc, subject)? else {
            println!("  {name}: not a command");
            continue;
        };
        // Values of enumerations stay as they are, so that the sandbox takes them.
        let accepted = accepted(subject, exchange);
        // The answer is printed on request, so of a success only stderr is searched.
        let codes = search_run(&name, &form.arguments(&accepted), &known, false)?;
        if !codes.iter().all(|code| matches!(code, Some(0 | REFUSED))) {
            bail!("{name} fails: {codes:?}");
        }
        let at = |port: u16| {
            let variable = format!("{}_BASE_URL", subject.provider.to_uppercase());
            with(
                &planted,
                &[(&variable, &format!("http://127.0.0.1:{port}"))],
            )
        };
        let arguments = form.arguments(&exchange.input);
        for (scene, variables) in [
            ("unknown credentials", &planted),
            ("a provider that repeats", &at(echoing.port(&name))),
            ("nobody listens", &at(1)),
        ] {
            let at = format!("{scene}, {name}");
            let codes = search_run(&at, &arguments, variables, true)?;
            if codes
                .iter()
                .any(|code| matches!(code, None | Some(0 | INVALID)))
            {
                bail!("{at}: {codes:?}");
            }
        }
        for mistake in mistakes(subject, &exchange.input) {
            let at = format!("invalid input, {name}");
            let codes = search_run(&at, &form.arguments(&mistake), &known, true)?;
            if codes != [Some(INVALID); 2] {
                bail!("{at}: {codes:?}");
            }
        }
        for extra in [
            &["--timeout", FINPASS_KEY][..],
            &[FINPASS_SECRET],
            &["--x", VUA],
        ] {
            let mut arguments = arguments.clone();
            arguments.extend(extra.iter().map(|text| (*text).to_owned()));
            let codes = search_run("a wrong argument", &arguments, &known, true)?;
            if codes != [Some(INVALID); 2] {
                bail!("{extra:?} is taken: {codes:?}");
            }
        }
        for variables in configurations(subject.provider, &known) {
            let codes = search_run("a wrong configuration", &arguments, &variables, true)?;
            if codes.iter().any(|code| matches!(code, None | Some(0))) {
                bail!("{name}, wrong configuration: {codes:?}");
            }
        }
    }
    let onboard = onboard();
    let codes = search_run("onboard", &onboard, &known, false)?;
    if codes != [Some(0); 2] {
        bail!("onboard fails: {codes:?}");
    }
    for variables in [&planted, &with(&planted, &nobody())] {
        search_run("onboard", &onboard, variables, true)?;
    }
    for arguments in [
        vec![FINPASS_SECRET],
        vec!["finpass", FINPASS_SECRET],
        vec!["onboard", "--mobile", CONSENT_TEXT],
    ] {
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        search_run("a wrong command", &arguments, &known, true)?;
    }
    let printed = sandbox.stop()?;
    found.runs += 1;
    found.search(search, "kyc sandbox", &printed, Source::Anything);
    Ok(found)
}

/// Beside this program, where `cargo xtask prove canaries` has it built.
fn program() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("kyc");
    path.is_file().then_some(path).ok_or(anyhow!(
        "the command is not built; run this by `cargo xtask prove canaries`"
    ))
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
            let flag = format!("--{}", kebab(name));
            let values = match value {
                Value::Array(items) => items.clone(),
                other => vec![other.clone()],
            };
            if self.help.contains(&format!("{flag} <")) {
                for value in values {
                    let text = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    arguments.extend([flag.clone(), text]);
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

/// `mobileNumber` and `mobile_number` as `mobile-number`. The names of lists are singular or not.
fn kebab(name: &str) -> String {
    let name: String = name
        .chars()
        .flat_map(|letter| match letter {
            '_' => vec!['-'],
            'A'..='Z' => vec!['-', letter.to_ascii_lowercase()],
            other => vec![other],
        })
        .collect();
    name.strip_suffix("types")
        .map_or(name.clone(), |stem| format!("{stem}type"))
}

/// The planted request with the fixture's own words where those are of an enumeration.
fn accepted(subject: &Subject, exchange: &PlantedExchange) -> Value {
    let fixture = subject.exchange().input;
    let mut accepted = exchange.input.clone();
    for at in pointers(&fixture) {
        if let Some(text) = fixture.pointer(&at).and_then(Value::as_str)
            && is_word(text)
            && let Some(place) = accepted.pointer_mut(&at)
        {
            *place = text.into();
        }
    }
    accepted
}

/// The request with a planted value in a place where it breaks a rule.
fn mistakes(subject: &Subject, input: &Value) -> Vec<Value> {
    let (client, _) = subject.scripted(&credentials(), []);
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
    let secret = known
        .iter()
        .filter(|(name, _)| name.starts_with(&own) && *name != base_url);
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

fn planted_credentials() -> [(&'static str, &'static str); 10] {
    [
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
    ]
}

fn nobody() -> [(&'static str, &'static str); 4] {
    let names = [
        "FINPASS_BASE_URL",
        "FINPRO_BASE_URL",
        "VERIFF_BASE_URL",
        "DEEPVUE_BASE_URL",
    ];
    names.map(|name| (name, "http://127.0.0.1:1"))
}

fn onboard() -> Arguments {
    let flags = [
        ("--mobile", MOBILE),
        ("--pan", PAN),
        ("--email", EMAIL),
        ("--session-id", SESSION_ID),
        ("--consent-text", CONSENT_TEXT),
        ("--purpose", "KYC"),
        ("--redirect-url", REDIRECT_URL),
        ("--webhook-url", WEBHOOK_URL),
        ("--user-consent-id", CONSENT_ID),
    ];
    let flags = flags.into_iter().flat_map(|(flag, value)| [flag, value]);
    ["onboard"]
        .into_iter()
        .chain(flags)
        .map(str::to_owned)
        .collect()
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
        let piped = child.stdout.take().ok_or(anyhow!("no pipe"))?;
        let (mut stdout, mut printed) = (BufReader::new(piped), String::new());
        let mut variables = Vec::new();
        while variables.len() < 14 {
            let mut line = String::new();
            if stdout.read_line(&mut line)? == 0 {
                bail!("the sandbox does not start");
            }
            let export = line.trim().strip_prefix("export ");
            if let Some((name, value)) = export.and_then(|pair| pair.split_once('=')) {
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
    /// Ends it, and returns all that it printed.
    fn stop(mut self) -> Result<String> {
        self.child.kill()?;
        self.child.wait()?;
        self.stdout.read_to_string(&mut self.printed)?;
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut self.printed)?;
        }
        Ok(self.printed)
    }
}
