//! Proof `no-call-home`: programs that use the clients try to reach the configured address and nothing else.
//!
//! Each runs in a network of its own that has loopback alone, with proxies in its environment, and strace writes down every
//! address that it asks the kernel for. The same is done to programs that do reach for another one, which must be noticed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::{Settings, build, profile};
use crate::workspace::{Workspace, require};

/// A port of loopback where nobody listens: whoever tries it was not told to.
const ELSEWHERE: &str = "127.0.0.1:9";

pub(super) fn run(workspace: &Workspace, settings: &Settings) -> Result<()> {
    require(
        "strace",
        "strace",
        "it records every system call of a program",
    )?;
    require(
        "ip",
        "iproute2",
        "it brings up loopback in a network namespace",
    )?;
    let output = workspace.target()?.join("prove/no-call-home");
    fs::create_dir_all(&output)?;
    let [prove, kyc] = build(workspace, profile(settings))?;
    let network = Network::new();
    let sandbox = Sandbox::start(&network, &kyc)?;
    println!(
        "  {}, sandbox on {}, proxies named on {ELSEWHERE}",
        network.description(),
        sandbox.address
    );
    let mut watch = Watch {
        network: &network,
        sandbox: &sandbox,
        output: &output,
        failed: Vec::new(),
    };
    watch.nothing_else("kyc onboard, all four providers", &kyc, ONBOARD)?;
    watch.nothing_else("each client by each transport", &prove, ONE_CALL_EACH)?;

    let elsewhere = ("FINPASS_BASE_URL", "http://127.0.0.1:9");
    watch.something_else("one provider at another address", &kyc, ONBOARD, elsewhere)?;
    if network.is_own() {
        let by_name = ("FINPASS_BASE_URL", "https://provider.example.test");
        watch.something_else("one provider by name", &kyc, ONBOARD, by_name)?;
    }
    let told = ("THROUGH_PROXY", "1");
    let about = "told to use the proxy that is named";
    watch.something_else(about, &prove, ONE_CALL_EACH, told)?;
    ensure!(watch.failed.is_empty(), "{}", watch.failed.join("\n"));
    Ok(())
}

/// An onboarding with an input for every step.
const ONBOARD: &[&str] = &[
    "onboard",
    "--mobile",
    "9000000001",
    "--session-id",
    "d69a07cf-4434-4d36-be6c-d22af7dc01fb",
    "--consent-text",
    "I agree.",
    "--purpose",
    "KYC",
    "--redirect-url",
    "https://lender.example.test",
];

/// The calls are a proof of that program, for it has the clients; alone it shows nothing.
const ONE_CALL_EACH: &[&str] = &["no-call-home"];

/// What the runs share.
struct Watch<'r> {
    network: &'r Network,
    sandbox: &'r Sandbox,
    output: &'r Path,
    failed: Vec<String>,
}

impl Watch<'_> {
    /// Runs a program that may reach the sandbox and nothing else.
    fn nothing_else(&mut self, about: &str, program: &Path, arguments: &[&str]) -> Result<()> {
        let (succeeded, attempts) = self.trace(about, program, arguments, None)?;
        let to_sandbox = Attempt::Connect(self.sandbox.address.clone());
        let calls = attempts.get(&to_sandbox).copied().unwrap_or(0);
        println!("  {about}: {}", listed(&attempts));
        if !succeeded || calls == 0 {
            self.failed
                .push(format!("{about}: did not do what it should"));
        }
        if attempts.len() != 1 {
            self.failed
                .push(format!("{about}: more than the sandbox was tried"));
        }
        Ok(())
    }

    /// Runs a program that reaches for something else too, as told by one more variable: that must be seen.
    fn something_else(
        &mut self,
        about: &str,
        program: &Path,
        arguments: &[&str],
        changed: (&str, &str),
    ) -> Result<()> {
        let (_, mut attempts) = self.trace(about, program, arguments, Some(changed))?;
        attempts.remove(&Attempt::Connect(self.sandbox.address.clone()));
        println!("  seen, {about}: {}", listed(&attempts));
        if attempts.is_empty() {
            self.failed.push(format!("{about}: was not seen"));
        }
        Ok(())
    }

    /// Runs a program under strace: whether it succeeded, and what it tried how often.
    fn trace(
        &self,
        about: &str,
        program: &Path,
        arguments: &[&str],
        changed: Option<(&str, &str)>,
    ) -> Result<(bool, BTreeMap<Attempt, usize>)> {
        let file = self
            .output
            .join(format!("{}.strace", about.replace([' ', ','], "-")));
        let mut strace = self.network.command("strace");
        strace
            .args([
                "--follow-forks",
                "--quiet=all",
                "--no-abbrev",
                "--signal=none",
            ])
            // Addresses and no contents, which hold credentials.
            .arg("--string-limit=0")
            // Besides calls of sockets a ring of requests, through which a program could make them unseen.
            .arg("--trace=%network,io_uring_setup")
            .arg("--output")
            .arg(&file)
            .arg(program)
            .args(arguments)
            .env_clear()
            .envs(&self.sandbox.environment)
            .envs(changed)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            let proxy = format!("http://{ELSEWHERE}");
            strace
                .env(name, &proxy)
                .env(name.to_ascii_lowercase(), proxy);
        }
        let status = strace.status().context("cannot start strace")?;
        let trace = fs::read_to_string(&file)
            .with_context(|| format!("strace left nothing in {}", file.display()))?;
        Ok((status.success(), attempts(&trace)))
    }
}

fn listed(attempts: &BTreeMap<Attempt, usize>) -> String {
    let lines = attempts
        .iter()
        .map(|(attempt, times)| format!("{attempt} ({times})"));
    lines.collect::<Vec<_>>().join(", ")
}

/// Something that a program asked the kernel for and that can leave it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Attempt {
    /// A connection, or a datagram's address: `127.0.0.1:80`, `[::1]:80`, or as strace prints other families.
    Connect(String),
    /// An address of its own.
    Bind(String),
    /// A socket of a family that is neither IP nor a pair within the program.
    Socket(String),
    /// A way around the calls that are watched.
    Ring,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(address) => f.write_str(address),
            Self::Bind(address) => write!(f, "bound to {address}"),
            Self::Socket(family) => write!(f, "a socket of {family}"),
            Self::Ring => f.write_str("io_uring"),
        }
    }
}

/// What a trace of strace's tells, with how often.
fn attempts(trace: &str) -> BTreeMap<Attempt, usize> {
    let mut attempts = BTreeMap::new();
    for line in trace.lines() {
        let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let Some((name, arguments)) = call.split_once('(') else {
            continue;
        };
        let mut add = |attempt| *attempts.entry(attempt).or_default() += 1;
        match name {
            "connect" | "sendto" | "sendmsg" | "sendmmsg" => {
                addresses(arguments).for_each(|address| add(Attempt::Connect(address)));
            }
            "bind" => addresses(arguments).for_each(|address| add(Attempt::Bind(address))),
            "socket" => {
                let family = arguments.split(',').next().unwrap_or_default();
                if !["AF_INET", "AF_INET6"].contains(&family) {
                    add(Attempt::Socket(family.to_owned()));
                }
            }
            "io_uring_setup" => add(Attempt::Ring),
            _ => {}
        }
    }
    attempts
}

/// The socket addresses among a call's arguments.
fn addresses(arguments: &str) -> impl Iterator<Item = String> {
    arguments.split("{sa_family=").skip(1).map(|rest| {
        let address = rest.split('}').next().unwrap_or(rest);
        let between = |before: &str, after: char| {
            let (_, rest) = address.split_once(before)?;
            rest.split(after).next()
        };
        let port = between("_port=htons(", ')');
        match (
            between("inet_addr(\"", '"'),
            between("inet_pton(AF_INET6, \"", '"'),
            port,
        ) {
            (Some(ip), None, Some(port)) => format!("{ip}:{port}"),
            (None, Some(ip), Some(port)) => format!("[{ip}]:{port}"),
            _ => address.to_owned(),
        }
    })
}

/// Where the programs run.
enum Network {
    /// Loopback and nothing else, kept by a process.
    OfItsOwn { keeper: Child, as_user: bool },
    /// The machine's, where no other is to be had; what is tried is seen there too.
    Machine,
}

impl Network {
    fn new() -> Self {
        // Without privileges a network comes with a user namespace; with them it needs none, and may not get one.
        for (flags, as_user) in [
            (&["--net"][..], false),
            (&["--user", "--map-root-user", "--net"], true),
        ] {
            if let Some(keeper) = keeper(flags) {
                return Self::OfItsOwn { keeper, as_user };
            }
        }
        Self::Machine
    }

    /// Whether nothing can leave it.
    fn is_own(&self) -> bool {
        matches!(self, Self::OfItsOwn { .. })
    }

    fn description(&self) -> &'static str {
        match self {
            Self::OfItsOwn { .. } => "a network with loopback alone",
            Self::Machine => {
                "the machine's own network, because none with loopback alone can be made here"
            }
        }
    }

    /// A command line of a program in this network.
    fn command(&self, program: impl AsRef<Path>) -> Command {
        let Self::OfItsOwn { keeper, as_user } = self else {
            return Command::new(program.as_ref());
        };
        let mut command = Command::new("nsenter");
        command.args(["--target", &keeper.id().to_string(), "--net"]);
        if *as_user {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.arg("--").arg(program.as_ref());
        command
    }
}

/// A process that keeps a network with loopback alone until its standard input ends.
fn keeper(flags: &[&str]) -> Option<Child> {
    let mut keeper = Command::new("unshare")
        .args(flags)
        .args(["sh", "-c", "ip link set lo up && echo up && exec cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut line = String::new();
    let told = BufReader::new(keeper.stdout.take()?).read_line(&mut line);
    if told.is_ok() && line == "up\n" {
        return Some(keeper);
    }
    let _ = keeper.wait();
    None
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Self::OfItsOwn { keeper, .. } = self {
            stop(keeper);
        }
    }
}

/// `kyc sandbox` in the network.
struct Sandbox {
    process: Child,
    address: String,
    environment: BTreeMap<String, String>,
    // Closed, it would break what the process prints when it ends.
    _output: BufReader<ChildStdout>,
}

impl Sandbox {
    fn start(network: &Network, kyc: &PathBuf) -> Result<Self> {
        let mut process = network
            .command(kyc)
            .args(["sandbox", "--json", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the sandbox")?;
        let output = process.stdout.take().context("the sandbox has no output")?;
        let mut output = BufReader::new(output);
        let told = serde_json::Deserializer::from_reader(&mut output)
            .into_iter()
            .next();
        let told: Option<Value> = told.and_then(|told| told.ok());
        let read = told.as_ref().and_then(|told| {
            let address = told.get("address")?.as_str()?.to_owned();
            let environment = told.get("environment")?.as_object()?.iter();
            let environment =
                environment.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
            Some((address, environment.collect::<Option<_>>()?))
        });
        let Some((address, environment)) = read else {
            stop(&mut process);
            bail!("the sandbox does not print where it listens");
        };
        Ok(Self {
            process,
            address,
            environment,
            _output: output,
        })
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        stop(&mut self.process);
    }
}

fn stop(process: &mut Child) {
    // One that has ended needs no end.
    let _ = process.kill();
    let _ = process.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connect(address: &str) -> Attempt {
        Attempt::Connect(address.to_owned())
    }

    #[test]
    fn every_address_of_a_trace_is_found_once_a_call() {
        let trace = r#"
7 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, IPPROTO_TCP) = 9
7 connect(9, {sa_family=AF_INET, sin_port=htons(8787), sin_addr=inet_addr("127.0.0.1")}, 16) = -1 EINPROGRESS (Operation now in progress)
7 connect(9, {sa_family=AF_INET, sin_port=htons(8787), sin_addr=inet_addr("127.0.0.1")}, 16 <unfinished ...>
8 <... connect resumed>) = 0
8 sendto(9, ""..., 407, MSG_NOSIGNAL, NULL, 0) = 407
8 recvfrom(9, ""..., 4096, 0, {sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr("192.0.2.9")}, [16]) = 1
8 getsockname(9, {sa_family=AF_INET, sin_port=htons(2), sin_addr=inet_addr("192.0.2.9")}, [128 => 16]) = 0
"#;
        assert_eq!(
            attempts(trace),
            BTreeMap::from([(connect("127.0.0.1:8787"), 2)])
        );
    }

    #[test]
    fn other_families_and_ways_are_found() {
        let trace = r#"
connect(3, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28) = -1 ENETUNREACH (Network is unreachable)
7 sendto(4, ""..., 1, 0, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("192.0.2.1")}, 16) = -1 ENETUNREACH (Network is unreachable)
7 sendmsg(4, {msg_name={sa_family=AF_INET, sin_port=htons(54), sin_addr=inet_addr("192.0.2.2")}, msg_namelen=16, msg_iov=[{iov_base=""..., iov_len=1}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, 0) = 1
7 sendmmsg(4, [{msg_hdr={msg_name={sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr("192.0.2.3")}, msg_namelen=16}, msg_len=1}, {msg_hdr={msg_name={sa_family=AF_INET, sin_port=htons(2), sin_addr=inet_addr("192.0.2.3")}, msg_namelen=16}, msg_len=1}], 2, 0) = 2
7 socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0) = 4
7 connect(4, {sa_family=AF_UNIX, sun_path="/var/run/nscd/socket"}, 110) = -1 ENOENT (No such file or directory)
7 socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0, [4, 5]) = 0
7 bind(4, {sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}, 12) = 0
7 io_uring_setup(8, {flags=0}) = 3
"#;
        let expected = [
            connect("[2001:db8::1]:443"),
            connect("192.0.2.1:53"),
            connect("192.0.2.2:54"),
            connect("192.0.2.3:1"),
            connect("192.0.2.3:2"),
            connect("AF_UNIX, sun_path=\"/var/run/nscd/socket\""),
            Attempt::Bind("AF_NETLINK, nl_pid=0, nl_groups=00000000".to_owned()),
            Attempt::Socket("AF_UNIX".to_owned()),
            Attempt::Ring,
        ];
        assert_eq!(
            attempts(trace),
            expected.into_iter().map(|attempt| (attempt, 1)).collect()
        );
    }
}
