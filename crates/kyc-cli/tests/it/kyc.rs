//! Runs `kyc`, and its peers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// The smallest call of one provider.
pub(crate) const FINPASS: [&str; 7] = [
    "finpass",
    "init",
    "--mobile-number",
    "9000000001",
    "--consent-type",
    "loan_underwriting",
    "--json",
];

/// An onboarding with an input for every step.
pub(crate) const FULL_ONBOARDING: [&str; 12] = [
    "onboard",
    "--mobile",
    "9000000001",
    "--json",
    "--session-id",
    "d69a07cf-4434-4d36-be6c-d22af7dc01fb",
    "--consent-text",
    "I agree.",
    "--purpose",
    "KYC",
    "--redirect-url",
    "https://lender.example.test",
];

/// The result of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("an exit code, not a signal"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// stdout as JSON.
    pub(crate) fn answer(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// stderr as JSON.
    pub(crate) fn error(&self) -> Value {
        serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

/// Runs `kyc` with only these variables and the system's.
pub(crate) fn kyc(arguments: &[&str], environment: &[(String, String)]) -> Run {
    kyc_with_input(arguments, environment, b"")
}

/// Runs the first command of `kyc` that a text has between backticks, by a shell and as it stands there.
pub(crate) fn as_printed(text: &str) -> Run {
    let begins = text
        .find("`kyc ")
        .unwrap_or_else(|| panic!("no command: {text}"));
    let command = text[begins..].trim_start_matches('`');
    let command = command.split('`').next().unwrap();
    let directory = std::path::Path::new(env!("CARGO_BIN_EXE_kyc")).parent();
    let output = Command::new("/bin/sh")
        .args(["-c", command])
        .env_clear()
        .env("PATH", directory.unwrap())
        .output();
    Run::of(output.unwrap())
}

/// Runs `kyc` with these bytes on standard input.
pub(crate) fn kyc_with_input(
    arguments: &[&str],
    environment: &[(String, String)],
    input: &[u8],
) -> Run {
    let mut child = started_with(arguments, environment, Stdio::piped());
    // It may end before it has read all of its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    ended(child)
}

/// As the command itself does: what others may read is refused.
pub(crate) fn write_for_the_owner(path: impl AsRef<std::path::Path>, text: impl AsRef<[u8]>) {
    std::fs::write(&path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let owner = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(path, owner).unwrap();
    }
}

/// `kyc sandbox` in its own process, stopped on drop.
pub(crate) struct SandboxProcess {
    child: Child,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) comments: Vec<String>,
}

impl SandboxProcess {
    pub(crate) fn start() -> Self {
        Self::start_with(&["--listen", "127.0.0.1:0"])
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kyc"))
            .arg("sandbox")
            .args(arguments)
            .env_clear()
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut environment = Vec::new();
        let mut comments = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some((name, value)) = line
                .strip_prefix("export ")
                .and_then(|pair| pair.split_once('='))
            {
                environment.push((name.to_owned(), value.trim_matches('\'').to_owned()));
            }
            if line.starts_with('#') {
                comments.push(line);
            }
            if environment.len() == 20 {
                break;
            }
        }
        Self {
            child,
            environment,
            comments,
        }
    }

    /// The printed value of a variable.
    pub(crate) fn value(&self, name: &str) -> &str {
        let mut variables = self.environment.iter();
        let found = variables.find(|(printed, _)| printed == name);
        &found.expect("a variable of the sandbox").1
    }

    /// The printed variables with some of them changed.
    pub(crate) fn with(&self, changes: &[(&str, &str)]) -> Vec<(String, String)> {
        changed(&self.environment, changes)
    }
}

impl Drop for SandboxProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The variables with some of them changed or added; an empty value removes one.
pub(crate) fn changed(
    environment: &[(String, String)],
    changes: &[(&str, &str)],
) -> Vec<(String, String)> {
    let mut environment = environment.to_vec();
    for (name, value) in changes {
        environment.retain(|(known, _)| known != name);
        if !value.is_empty() {
            environment.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    environment
}

/// A server that hands the first request that it gets to a test, which answers it.
pub(crate) struct WaitingServer {
    listener: TcpListener,
}

impl WaitingServer {
    pub(crate) fn start() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
        }
    }

    /// What leads Finpass here.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let address = format!("http://{}", self.listener.local_addr().unwrap());
        [
            ("FINPASS_BASE_URL", address.as_str()),
            ("FINPASS_API_KEY", "CANARY-key"),
            ("FINPASS_API_SECRET", "CANARY-secret"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Waits for a request, which is on its way once a byte of it is here.
    pub(crate) fn request(&self) -> TcpStream {
        let (mut stream, _) = self.listener.accept().unwrap();
        stream.read_exact(&mut [0]).unwrap();
        stream
    }
}

/// Starts `kyc`, and does not wait for it.
pub(crate) fn started(arguments: &[&str], environment: &[(String, String)]) -> Child {
    started_with(arguments, environment, Stdio::null())
}

/// Runs `kyc` with a standard output that nobody reads.
pub(crate) fn kyc_unread(arguments: &[&str], environment: &[(String, String)]) -> Run {
    let (unread, written) = std::io::pipe().unwrap();
    drop(unread);
    let output = Command::new(env!("CARGO_BIN_EXE_kyc"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(written)
        .output()
        .unwrap();
    Run::of(output)
}

/// Runs a command that runs `kyc`.
pub(crate) fn command_of(mut command: Command) -> Run {
    Run::of(command.stdin(Stdio::null()).output().unwrap())
}

/// Starts `kyc` with this standard input.
pub(crate) fn started_with(
    arguments: &[&str],
    environment: &[(String, String)],
    input: Stdio,
) -> Child {
    Command::new(env!("CARGO_BIN_EXE_kyc"))
        .args(arguments)
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Sends it a signal.
pub(crate) fn send(signal: &str, child: &Child) {
    let process = child.id().to_string();
    let sent = Command::new("kill").args([signal, &process]).status();
    assert!(sent.unwrap().success());
}

/// Waits for it.
pub(crate) fn ended(child: Child) -> Run {
    Run::of(child.wait_with_output().unwrap())
}

/// A server that answers every request with the same bytes and counts the connections.
pub(crate) struct FixedServer {
    pub(crate) address: String,
    pub(crate) connections: Arc<AtomicUsize>,
    last_body: Arc<Mutex<String>>,
}

impl FixedServer {
    pub(crate) fn answering(status: &str, body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let reply = format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let counter = Arc::clone(&connections);
        let last_body = Arc::new(Mutex::new(String::new()));
        let received = Arc::clone(&last_body);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counter.fetch_add(1, Ordering::SeqCst);
                answer(stream.unwrap(), &reply, &received);
            }
        });
        Self {
            address,
            connections,
            last_body,
        }
    }

    /// The body of the last request, as JSON.
    pub(crate) fn last_body(&self) -> Value {
        serde_json::from_str(&self.last_body.lock().unwrap()).unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Credentials, and addresses that point all four providers here.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let made_up = [
            ("FINPASS_API_KEY", "CANARY-key"),
            ("FINPASS_API_SECRET", "CANARY-secret"),
            ("FINPRO_CLIENT_ID", "CANARY-id"),
            ("FINPRO_CLIENT_SECRET", "CANARY-secret"),
            ("FINPRO_ORGANISATION_ID", "CANARY-organisation"),
            ("FINPRO_APP_IDENTIFIER", "CANARY-app"),
            ("VERIFF_API_KEY", "CANARY-key"),
            ("VERIFF_SHARED_SECRET", "CANARY-secret"),
            ("DEEPVUE_CLIENT_ID", "CANARY-id"),
            ("DEEPVUE_CLIENT_SECRET", "CANARY-secret"),
        ];
        let addresses = [
            "FINPASS_BASE_URL",
            "FINPRO_BASE_URL",
            "VERIFF_BASE_URL",
            "DEEPVUE_BASE_URL",
        ];
        let addresses = addresses.map(|name| (name.to_owned(), self.address.clone()));
        let made_up = made_up.map(|(name, value)| (name.to_owned(), value.to_owned()));
        made_up.into_iter().chain(addresses).collect()
    }
}

/// Answers one request and keeps its body.
fn answer(mut stream: TcpStream, reply: &str, last_body: &Mutex<String>) {
    let mut seen = Vec::new();
    let mut buffer = [0; 64 * 1024];
    let mut head_and_body = None;
    // The whole request: the head, and the body that it announces.
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..read]);
        // A long body is looked at once.
        head_and_body = head_and_body.or_else(|| {
            let end = seen.windows(4).position(|four| four == b"\r\n\r\n")?;
            let head = String::from_utf8_lossy(&seen[..end]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            Some((end.checked_add(4)?, length.unwrap_or(0)))
        });
        if let Some((begin, length)) = head_and_body
            && seen.len().saturating_sub(begin) >= length
        {
            *last_body.lock().unwrap() = String::from_utf8_lossy(&seen[begin..]).into_owned();
            break;
        }
    }
    let _ = stream.write_all(reply.as_bytes());
}
