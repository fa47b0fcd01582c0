//! This process: its environment, its resources, from `/proc`, and the command beside it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Handle;

/// The variable that tells a process that it runs in the environment of the fault matrix, and the port of the proxy.
const ENVIRONMENT: &str = "KYC_PROOF_ENVIRONMENT";

/// Runs this program again where the variables name a proxy that nobody may use and the machine has no root certificates.
/// Returns `false` in that process itself, where the proof is to be run.
pub(crate) fn ran_in_environment() -> Result<bool> {
    if env::var_os(ENVIRONMENT).is_some() {
        return Ok(false);
    }
    let proxy = TcpListener::bind("127.0.0.1:0")?;
    proxy.set_nonblocking(true)?;
    let port = proxy.local_addr()?.port().to_string();
    let url = format!("http://127.0.0.1:{port}");
    let mut program = Command::new(env::current_exe()?);
    program.args(env::args_os().skip(1)).env(ENVIRONMENT, port);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        program.env(name, &url).env(name.to_lowercase(), &url);
    }
    for name in ["NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
        program.env_remove(name);
    }
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        program.env(name, "/nonexistent");
    }
    let status = program.status()?;
    // The kernel has taken whoever came; nobody has to wait here.
    ensure!(
        proxy.accept().is_err(),
        "the proxy, where redirects lead too, was contacted"
    );
    ensure!(status.success(), "not proven, as said above");
    Ok(true)
}

/// The port on this machine that nobody has any business with; outside that environment, one where nobody listens.
pub(crate) fn stranger() -> String {
    env::var(ENVIRONMENT).unwrap_or_else(|_| "1".to_owned())
}

/// A low limit of file descriptors, for as long as this lives.
pub(crate) struct WithFewDescriptors(Rlimit);

impl WithFewDescriptors {
    /// Sets a limit that those which are open nearly exhaust.
    pub(crate) fn set() -> Result<Self> {
        let before = getrlimit(Resource::Nofile);
        let current = Some(descriptors()? as u64 + 16);
        setrlimit(Resource::Nofile, Rlimit { current, ..before })?;
        Ok(Self(before))
    }
}

impl Drop for WithFewDescriptors {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.0).expect("the limit that there was");
    }
}

/// Bytes of memory that are resident.
pub(crate) fn resident_bytes() -> Result<u64> {
    field("VmRSS:")
}

/// The most resident bytes since [`reset_peak`].
pub(crate) fn peak_bytes() -> Result<u64> {
    field("VmHWM:")
}

/// Begins to measure the peak anew.
pub(crate) fn reset_peak() -> Result<()> {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}

fn field(name: &str) -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib: Option<u64> = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    let kib = kib.with_context(|| format!("no {name} in /proc/self/status"))?;
    Ok(kib * 1024)
}

/// How many file descriptors are open.
pub(crate) fn descriptors() -> Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}

/// How many sockets are open.
pub(crate) fn open_sockets() -> Result<usize> {
    let is_socket = |link: &Path| link.to_string_lossy().starts_with("socket:");
    Ok(fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter(|link| is_socket(link))
        .count())
}

/// Tasks of this runtime that are still there once those that are about to end have had the time for it.
pub(crate) async fn tasks_left() -> usize {
    let metrics = Handle::current().metrics();
    for _ in 0..1_000 {
        if metrics.num_alive_tasks() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    metrics.num_alive_tasks()
}

/// For people: `12.3 MiB`.
pub(crate) fn mebibytes(bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    format!("{mebibytes:.1} MiB")
}

/// The command `kyc`, which `cargo xtask prove` builds beside this program.
pub(crate) fn program() -> Result<PathBuf> {
    let path = env::current_exe()?.with_file_name("kyc");
    ensure!(
        path.is_file(),
        "the command is not built; run this by `cargo xtask prove`"
    );
    Ok(path)
}

/// A process that ends with this value.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
