//! A server of PostgreSQL's for one benchmark, on the disk that the others use.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::failure::{Context, Failure, Result};
use crate::shell;

/// Starts the server with its own settings, says when it is ready, and ends it once nobody holds the other end of its input.
const SCRIPT: &str = r#"
set -e
server=
trap 'test -z "$server" || { kill -QUIT $server; wait $server; } 2>/dev/null' EXIT
trap : INT TERM HUP
initdb -D "$DATA" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$SOCKET/log" 2>&1
postgres -D "$DATA" -k "$SOCKET" -c listen_addresses= -c max_connections=400 >>"$SOCKET/log" 2>&1 </dev/null &
server=$!
until pg_isready -q -h "$SOCKET"; do kill -0 $server; sleep 0.05; done
echo ready
cat >/dev/null
"#;

/// A running server. Stopped, and its data removed, when dropped.
pub(super) struct Postgres {
    script: Child,
    /// Where its socket is; apart from the data, because the name of a socket is short.
    socket: tempfile::TempDir,
    _data: tempfile::TempDir,
    programs: PathBuf,
}

impl Postgres {
    pub(super) fn start(place: &Path) -> Result<Self> {
        let programs = programs().ok_or_else(|| Failure::new("PostgreSQL is not installed"))?;
        let directory = |place: &Path| {
            tempfile::tempdir_in(place)
                .context(|| format!("cannot create a directory in {}", place.display()))
        };
        let (data, socket) = (directory(place)?, directory(&std::env::temp_dir())?);
        // The server refuses to be run by root.
        let root = shell::read(Command::new("id").arg("-u"))?.trim() == "0";
        let mut command = match root {
            true => {
                let directories = [data.path(), socket.path()];
                shell::read(Command::new("chown").arg("postgres:").args(directories))?;
                let mut command = Command::new("setpriv");
                command.args([
                    "--reuid=postgres",
                    "--regid=postgres",
                    "--init-groups",
                    "sh",
                ]);
                command
            }
            false => Command::new("sh"),
        };
        let path = std::env::var("PATH").unwrap_or_default();
        let mut script = command
            .args(["-c", SCRIPT])
            .env("PATH", format!("{}:{path}", programs.display()))
            .env("DATA", data.path().join("data"))
            .env("SOCKET", socket.path())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context(|| "cannot start a shell".into())?;
        let mut ready = String::new();
        if let Some(output) = script.stdout.take() {
            BufReader::new(output)
                .read_line(&mut ready)
                .context(|| "cannot read what the server says".into())?;
        }
        let server = Self {
            script,
            socket,
            _data: data,
            programs,
        };
        match ready.trim() {
            "ready" => Ok(server),
            _ => {
                let log = std::fs::read_to_string(server.socket.path().join("log"));
                let log = log.unwrap_or_default();
                let last = log.lines().last().unwrap_or("it says nothing");
                Err(Failure::new(format!("PostgreSQL did not start: {last}")))
            }
        }
    }

    /// The directory of its socket.
    pub(super) fn host(&self) -> &Path {
        self.socket.path()
    }

    /// Its address in libpq's words.
    pub(super) fn address(&self) -> String {
        format!(
            "host={} user=postgres dbname=postgres",
            self.host().display()
        )
    }

    /// Its version and how it syncs, as it says itself.
    pub(super) fn durability(&self) -> Result<String> {
        let mut psql = Command::new(self.programs.join("psql"));
        let question = "SELECT concat('PostgreSQL ', split_part(current_setting('server_version'), ' ', 1), ', fsync ', \
                        current_setting('fsync'), ', synchronous_commit ', current_setting('synchronous_commit'))";
        let answer = shell::read(psql.args(["-Atc", question]).arg(self.address()))?;
        Ok(answer.trim().to_owned())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The script ends with its input.
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}

/// Where Debian puts the programs; nowhere if they are in the path.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter();
    let mut versions: Vec<PathBuf> = versions
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|bin| bin.join("postgres").exists())
        .collect();
    versions.sort();
    let in_path = || shell::succeeds("postgres", &["--version"]).then(PathBuf::new);
    versions.pop().or_else(in_path)
}
