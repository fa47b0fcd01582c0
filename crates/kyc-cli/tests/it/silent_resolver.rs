//! A name server that never answers: the system's resolver blocks its thread for long after the call has given up.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::kyc::{FINPASS, FULL_ONBOARDING, Run, command_of};

/// The address of a name server that says nothing.
const SILENT: &str = "127.53.53.54";

/// Asks it again after three seconds, which is long after a deadline of one.
const RESOLV_CONF: &str = "nameserver 127.53.53.54\noptions timeout:3 attempts:9\n";

/// A socket that receives the questions; `None`, with the reason printed, where the system's files cannot be replaced.
#[expect(clippy::print_stderr, reason = "nobody else says what was not tested")]
fn silent_resolver(folder: &Path) -> Option<UdpSocket> {
    fs::write(folder.join("hosts"), "").unwrap();
    fs::write(folder.join("resolv.conf"), RESOLV_CONF).unwrap();
    let tried = within(folder, "true").stderr(Stdio::null()).status();
    let socket = UdpSocket::bind((SILENT, 53));
    match socket {
        Ok(socket) if tried.is_ok_and(|status| status.success()) => {
            socket.set_nonblocking(true).unwrap();
            Some(socket)
        }
        _ => {
            eprintln!("not tested: a silent resolver takes root, and mounts of its own");
            None
        }
    }
}

/// A program for which the files in this folder are in the place of the system's.
fn within(folder: &Path, program: &str) -> Command {
    const SCRIPT: &str = r#"mount --bind hosts /etc/hosts && mount --bind resolv.conf /etc/resolv.conf && exec "$@""#;
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", SCRIPT, "sh", program]);
    command.current_dir(folder);
    command
}

fn run(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
    let mut command = within(folder, env!("CARGO_BIN_EXE_kyc"));
    command.args(arguments).env_clear();
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.envs(environment.iter().copied());
    command_of(command)
}

/// How many questions have come since the last count.
fn questions(resolver: &UdpSocket) -> usize {
    let received = std::iter::repeat_with(|| resolver.recv(&mut [0; 512]));
    received.take_while(Result::is_ok).count()
}

#[test]
fn a_command_ends_at_its_deadline_and_says_that_nothing_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let Some(resolver) = silent_resolver(folder.path()) else {
        return;
    };
    let name = "http://localhost:9";
    let finpass = [
        ("FINPASS_BASE_URL", name),
        ("FINPASS_API_KEY", "CANARY-key"),
        ("FINPASS_API_SECRET", "CANARY-secret"),
    ];
    let arguments = [&FINPASS[..], &["--timeout", "1"]].concat();
    let run_of = |arguments: &[&str]| {
        let ended = run(folder.path(), arguments, &finpass);
        // An address of each family is asked for. If the command waited for the resolver, it would ask once more.
        assert!((1..=2).contains(&questions(&resolver)), "{ended:?}");
        assert_eq!(ended.code, 5, "{ended:?}");
        ended
    };
    let error = run_of(&arguments).error();
    assert_eq!(
        (&error["outcome"], &error["kind"]),
        (&"not_sent".into(), &"connect".into())
    );
    let arguments = [&FULL_ONBOARDING[..], &["--timeout", "1"]].concat();
    let report = run_of(&arguments).answer();
    let error = &report["steps"][3]["error"];
    assert_eq!(error["outcome"], "not_sent", "{report}");
}
