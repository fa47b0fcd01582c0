//! Proof `no-call-home`: programs that use the clients contact the configured address and nothing else.
//!
//! Each runs in a network namespace with loopback alone, with proxies in its environment, and strace records every address that
//! it asks the kernel for. Controls that do contact another address must be noticed.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use xshell::cmd;

use super::{Settings, build, profile};
use crate::pattern;
use crate::workspace::{Background, Workspace, require, succeeds};

/// A port of loopback where nobody listens.
const ELSEWHERE: &str = "127.0.0.1:9";

/// An onboarding with an input for every step.
const ONBOARD: &str = "onboard --mobile-number 9000000001 --session-id d69a07cf-4434-4d36-be6c-d22af7dc01fb --consent-text I-agree \
                       --purpose KYC --redirect-url https://lender.example.test";

/// One call of each operation over each transport: a proof of that program, because it has the clients.
const EACH: &str = "no-call-home";

/// The programs `prove` and `kyc`, in the environment of a run that is inside its own network.
const BUILT: [&str; 2] = ["PROVE_PROGRAM", "KYC_PROGRAM"];

/// Builds the programs, and starts this proof again in a network with loopback alone.
pub(super) fn run(workspace: &Workspace, settings: &Settings) -> Result<()> {
    if let [Some(prove), Some(kyc)] = BUILT.map(env::var_os) {
        println!("  a network with loopback alone");
        return watched(workspace, [prove.as_ref(), kyc.as_ref()], true);
    }
    require("strace", "strace", "it records system calls")?;
    require("ip", "iproute2", "it brings up loopback in a namespace")?;
    let programs = build(workspace, profile(settings))?;
    let [prove, kyc] = &programs;
    // Without privileges a network comes with a user namespace; with them it needs none, and may be refused one.
    let ways: [&[&str]; 2] = [&["--net"], &["--user", "--map-root-user", "--net"]];
    let up = ["sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""];
    let own = |way: &&[&str]| succeeds("unshare", &[way, &up[..], &["true"]].concat());
    let Some(way) = ways.into_iter().find(own) else {
        println!("  the machine's own network, because none with loopback alone can be made here");
        return watched(workspace, [prove, kyc], false);
    };
    let again = env::current_exe()?;
    let again = cmd!(
        workspace.sh,
        "unshare {way...} {up...} {again} prove no-call-home"
    );
    Ok(again.envs(BUILT.into_iter().zip(&programs)).run()?)
}

/// Runs the programs in the network of this process. One of its own resolves no name.
fn watched(workspace: &Workspace, [prove, kyc]: [&Path; 2], own: bool) -> Result<()> {
    let output = workspace.target()?.join("prove/no-call-home");
    fs::create_dir_all(&output)?;
    let (_process, _output, sandbox) = sandbox(kyc)?;
    println!(
        "  sandbox on {}, proxies named on {ELSEWHERE}",
        sandbox.address
    );
    let here = ("THE_SANDBOX", "alone");
    let other = ("FINPASS_BASE_URL", "http://127.0.0.1:9");
    let name = ("FINPASS_BASE_URL", "https://provider.example.test");
    let proxy = ("THROUGH_PROXY", "1");
    let mut failed = Vec::new();
    for (about, program, arguments, variable, control) in [
        ("kyc onboard, all four providers", kyc, ONBOARD, here, false),
        ("each client over each transport", prove, EACH, here, false),
        ("control: another address", kyc, ONBOARD, other, true),
        ("control: another name", kyc, ONBOARD, name, true),
        ("control: the proxy", prove, EACH, proxy, true),
    ] {
        if variable == name && !own {
            // Outside a namespace the name would be resolved.
            continue;
        }
        let file = output.join(format!("{}.strace", about.replace([' ', ',', ':'], "-")));
        let mut command = traced(&file, program);
        let said = file.with_extension("stderr");
        command
            .stderr(fs::File::create(&said)?)
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
            let said = fs::read_to_string(&said)?;
            failed.push(format!(
                "{about}: did not reach the sandbox, or failed: {said}"
            ));
        }
        if !control && !attempts.is_empty() {
            failed.push(format!("{about}: contacted more than the sandbox"));
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}

/// A program under strace, whose record goes into `file`.
fn traced(file: &Path, program: &Path) -> Command {
    let mut strace = Command::new("strace");
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
        .stdout(Stdio::null());
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
    let ip = pattern(r#"inet_(?:addr\(|pton\(AF_INET6, )"([^"]+)""#);
    let port = pattern(r"_port=htons\((\d+)\)");
    arguments.split("{sa_family=").skip(1).map(move |rest| {
        let address = rest.split('}').next().unwrap_or(rest);
        let ip = ip.captures(address).and_then(|ip| ip[1].parse().ok());
        let port = port.captures(address).and_then(|port| port[1].parse().ok());
        match (ip, port) {
            (Some(ip), Some(port)) => SocketAddr::new(ip, port).to_string(),
            _ => address.to_owned(),
        }
    })
}

/// What `kyc sandbox --json` prints first.
#[derive(Deserialize)]
struct Listening {
    address: String,
    environment: BTreeMap<String, String>,
}

/// Starts `kyc sandbox`. Were its output closed, it could not print its last lines.
fn sandbox(kyc: &Path) -> Result<(Background, BufReader<ChildStdout>, Listening)> {
    let mut command = Command::new(kyc);
    command.args(["sandbox", "--json", "--listen", "127.0.0.1:0"]);
    let (process, mut output) = Background::start(command.stdin(Stdio::null()))?;
    let printed = serde_json::Deserializer::from_reader(&mut output)
        .into_iter()
        .next();
    let listening = printed.context("the sandbox does not print where it listens")??;
    Ok((process, output, listening))
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
