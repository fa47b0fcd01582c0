//! Proof `no-call-home`: programs that use the clients contact the configured address and nothing else.
//!
//! Each runs in a network namespace with loopback alone, with proxies in its environment, and strace records every address that
//! it asks the kernel for. Controls that do contact another address must be noticed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::{Settings, build, profile};
use crate::workspace::{Workspace, require};

/// A port of loopback where nobody listens.
const ELSEWHERE: &str = "127.0.0.1:9";

/// An onboarding with an input for every step.
const ONBOARD: &str = "onboard --mobile 9000000001 --session-id d69a07cf-4434-4d36-be6c-d22af7dc01fb --consent-text I-agree \
                       --purpose KYC --redirect-url https://lender.example.test";

/// One call of each operation over each transport: a proof of that program, because it has the clients.
const EACH: &str = "no-call-home";

pub(super) fn run(workspace: &Workspace, settings: &Settings) -> Result<()> {
    require("strace", "strace", "it records system calls")?;
    require("ip", "iproute2", "it brings up loopback in a namespace")?;
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
    let here = ("THE_SANDBOX", "alone");
    let other = ("FINPASS_BASE_URL", "http://127.0.0.1:9");
    let name = ("FINPASS_BASE_URL", "https://provider.example.test");
    let proxy = ("THROUGH_PROXY", "1");
    let mut failed = Vec::new();
    for (about, program, arguments, variable, control) in [
        (
            "kyc onboard, all four providers",
            &kyc,
            ONBOARD,
            here,
            false,
        ),
        ("each client over each transport", &prove, EACH, here, false),
        ("control: another address", &kyc, ONBOARD, other, true),
        ("control: another name", &kyc, ONBOARD, name, true),
        ("control: the proxy", &prove, EACH, proxy, true),
    ] {
        if variable == name && !network.is_own() {
            // Outside a namespace the name would be resolved.
            continue;
        }
        let file = output.join(format!("{}.strace", about.replace([' ', ',', ':'], "-")));
        let mut command = traced(&network, &file, program);
        command
            .args(arguments.split_whitespace())
            .env_clear()
            .envs(&sandbox.environment)
            .envs([variable]);
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            for name in [name.to_owned(), name.to_ascii_lowercase()] {
                command.env(name, format!("http://{ELSEWHERE}"));
            }
        }
        let succeeded = command.status().context("cannot start strace")?.success();
        let trace = fs::read_to_string(&file)
            .with_context(|| format!("strace left nothing in {}", file.display()))?;
        let mut attempts = attempts(&trace);
        let listed = attempts
            .iter()
            .map(|(what, times)| format!("{what} ({times})"));
        println!("  {about}: {}", listed.collect::<Vec<_>>().join(", "));
        let calls = attempts.remove(&sandbox.address);
        if control && attempts.is_empty() {
            failed.push(format!("{about}: was not noticed"));
        }
        if !control && (calls.is_none() || !succeeded) {
            failed.push(format!("{about}: did not reach the sandbox, or failed"));
        }
        if !control && !attempts.is_empty() {
            failed.push(format!("{about}: contacted more than the sandbox"));
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

/// A program under strace, whose record goes into `file`.
fn traced(network: &Network, file: &Path, program: &Path) -> Command {
    let mut strace = network.command("strace");
    strace
        .args([
            "--follow-forks",
            "--quiet=all",
            "--no-abbrev",
            "--signal=none",
        ])
        // Addresses and no contents, which hold credentials.
        .arg("--string-limit=0")
        // In addition to socket calls, io_uring, which would hide them.
        .arg("--trace=%network,io_uring_setup")
        .arg("--output")
        .arg(file)
        .arg(program)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    strace
}

/// The system calls of a program that can reach the network, and their number: the addresses of connections and datagrams,
/// such as `127.0.0.1:80`, sockets that are bound, sockets of families other than IP, and io_uring.
fn attempts(trace: &str) -> BTreeMap<String, usize> {
    let mut attempts = BTreeMap::new();
    for line in trace.lines() {
        let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let Some((name, arguments)) = call.split_once('(') else {
            continue;
        };
        let mut add = |attempt| *attempts.entry(attempt).or_default() += 1;
        match name {
            "connect" | "sendto" | "sendmsg" | "sendmmsg" => addresses(arguments).for_each(add),
            "bind" => addresses(arguments).for_each(|address| add(format!("bind {address}"))),
            "socket" => {
                let family = arguments.split(',').next().unwrap_or_default();
                if !["AF_INET", "AF_INET6"].contains(&family) {
                    add(format!("socket {family}"));
                }
            }
            "io_uring_setup" => add("io_uring".to_owned()),
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

/// The network in which the programs run.
enum Network {
    /// Loopback and nothing else, kept by a process.
    OfItsOwn { keeper: Child, as_user: bool },
    /// The machine's, where no namespace can be made; attempts are recorded there too.
    Machine,
}

impl Network {
    fn new() -> Self {
        // Without privileges a network comes with a user namespace; with them it needs none, and may be refused one.
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
    let read = BufReader::new(keeper.stdout.take()?).read_line(&mut line);
    if read.is_ok() && line == "up\n" {
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
    // If it were closed, the process could not print its last lines.
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
        let printed = serde_json::Deserializer::from_reader(&mut output)
            .into_iter()
            .next();
        let printed: Option<Value> = printed.and_then(|printed| printed.ok());
        let read = printed.as_ref().and_then(|printed| {
            let address = printed.get("address")?.as_str()?.to_owned();
            let environment = printed.get("environment")?.as_object()?.iter();
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
    // It may have ended already.
    let _ = process.kill();
    let _ = process.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

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
            BTreeMap::from([("127.0.0.1:8787".to_owned(), 2)])
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
            "[2001:db8::1]:443",
            "192.0.2.1:53",
            "192.0.2.2:54",
            "192.0.2.3:1",
            "192.0.2.3:2",
            "AF_UNIX, sun_path=\"/var/run/nscd/socket\"",
            "bind AF_NETLINK, nl_pid=0, nl_groups=00000000",
            "socket AF_UNIX",
            "io_uring",
        ];
        assert_eq!(
            attempts(trace),
            expected.map(|attempt| (attempt.to_owned(), 1)).into()
        );
    }
}
