//! A server of the test program's own, which goes when that does, and a database in it for each test.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{Client, NoTls};

/// Starts the server, says where, and ends it once nobody holds the other end of its input.
const SCRIPT: &str = r#"
set -e
directory=$(mktemp -d /dev/shm/kyc-postgres-XXXXXX 2>/dev/null || mktemp -d)
server=
trap 'test -z "$server" || { kill -QUIT $server; wait $server; } 2>/dev/null; rm -rf "$directory"' EXIT
trap : INT TERM HUP
initdb -D "$directory/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$directory/log" 2>&1
sed -i '1i local all locked scram-sha-256' "$directory/data/pg_hba.conf"
chmod 755 "$directory"
postgres -D "$directory/data" -k "$directory" -c listen_addresses= -c max_connections=300 \
    -c unix_socket_permissions=0777 >>"$directory/log" 2>&1 </dev/null &
server=$!
until pg_isready -q -h "$directory"; do kill -0 $server; sleep 0.02; done
echo "$directory"
cat >/dev/null
"#;

/// Where Debian puts the programs, or nothing where they are in the path.
fn programs() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|bin| bin.join("postgres").exists())
        .collect();
    versions.sort();
    versions.pop()
}

struct Server {
    directory: String,
    /// Holds the input of the script open.
    _script: Child,
}

fn start() -> Result<Server, String> {
    let programs = programs().unwrap_or_default();
    let path = format!(
        "{}:{}",
        programs.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    // The server refuses to be run by root.
    let mut command = match rustix::process::getuid().is_root() {
        true => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
            command.args(["sh", "-c", SCRIPT]);
            command
        }
        false => {
            let mut command = Command::new("sh");
            command.args(["-c", SCRIPT]);
            command
        }
    };
    let mut script = command
        .env("PATH", path)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut directory = String::new();
    let said = BufReader::new(script.stdout.take().unwrap()).read_line(&mut directory);
    match said {
        Ok(1..) => Ok(Server {
            directory: directory.trim().to_owned(),
            _script: script,
        }),
        _ => Err("PostgreSQL is not installed, or did not start".to_owned()),
    }
}

fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| match start() {
        Ok(server) => Some(server),
        Err(why) if std::env::var_os("KYC_POSTGRES").is_some_and(|word| word == "required") => {
            panic!("{why}")
        }
        Err(why) => {
            eprintln!("skipped: {why}");
            None
        }
    });
    server.as_ref()
}

/// An empty database of a server that the test program starts, and which goes with it.
#[derive(Debug, Clone)]
pub struct Database {
    /// Its address, in libpq's words.
    pub address: String,
}

impl Database {
    /// A new one; `None` where PostgreSQL is not installed, and the test is skipped.
    ///
    /// # Panics
    ///
    /// The server or the database cannot be made; or there is no server, and `KYC_POSTGRES` is `required`.
    pub async fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let server = server()?;
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let address = |name: &str| format!("host={} user=postgres dbname={name}", server.directory);
        let maintenance = connect(&address("postgres")).await;
        let create = format!("CREATE DATABASE {name}");
        maintenance.batch_execute(&create).await.unwrap();
        Some(Self {
            address: address(&name),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.address.rsplit('=').next().unwrap_or_default()
    }

    /// Its address as a URL.
    pub fn url(&self) -> String {
        let directory = self.address.strip_prefix("host=").unwrap_or_default();
        let directory = directory.split(' ').next().unwrap_or_default();
        let name = self.name();
        format!(
            "postgres://postgres@{}/{name}",
            directory.replace('/', "%2F")
        )
    }

    /// A connection beside the engine's.
    ///
    /// # Panics
    ///
    /// There is none.
    pub async fn client(&self) -> Client {
        connect(&self.address).await
    }
}

/// Connects to a server of this machine.
///
/// # Panics
///
/// It cannot be reached.
pub async fn connect(address: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(address, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
