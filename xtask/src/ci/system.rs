//! What the operating system must bring for the `native-tls` feature.

use std::env;
use std::process::Command;

use crate::shell;

/// Why OpenSSL's headers cannot be used here, if they cannot. Elsewhere than on Linux nothing is needed.
///
/// Installs them where that needs no question: as root on a system with `apt-get`.
pub(super) fn no_openssl() -> Option<String> {
    let found = || {
        env::var_os("OPENSSL_DIR").is_some()
            || shell::succeeds("pkg-config", &["--exists", "openssl"])
    };
    if !cfg!(target_os = "linux") || found() {
        return None;
    }
    if !is_root() || !shell::succeeds("apt-get", &["--version"]) {
        return Some("needs libssl-dev and pkg-config".to_owned());
    }
    let mut last = String::new();
    for _ in 0..3 {
        let update = shell::run(Command::new("apt-get").args(["update", "-qq"]));
        let packages = [
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            "libssl-dev",
            "pkg-config",
        ];
        let install = shell::run(
            Command::new("apt-get")
                .args(packages)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        );
        if found() {
            return None;
        }
        last = update
            .and(install)
            .err()
            .map(|failure| failure.to_string())
            .unwrap_or_default();
    }
    Some(format!(
        "libssl-dev and pkg-config could not be installed: {last}"
    ))
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
