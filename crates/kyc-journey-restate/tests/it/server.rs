//! Restate's server, on this machine and for one test.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kyc_journey::Sealer;
use kyc_journey::provider_core::{BaseUrl, Body, ExchangeLimits, HyperTransport, Transport as _};
use kyc_journey_restate::{Addresses, RestateEngine};
use tempfile::TempDir;

/// The server's program. Without one the tests are skipped and say so, unless `KYC_RESTATE` is `required`.
pub(crate) fn program() -> Option<PathBuf> {
    let program = std::env::var_os("KYC_RESTATE_SERVER").map(PathBuf::from);
    let program = program.filter(|program| program.is_file());
    if program.is_none() {
        let required = std::env::var_os("KYC_RESTATE").is_some_and(|value| value == "required");
        assert!(!required, "KYC_RESTATE_SERVER names no program");
        eprintln!("skipped: KYC_RESTATE_SERVER names no restate-server");
    }
    program
}

/// A server that ends with the test, and its data.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    pub(crate) directory: TempDir,
    ingress: u16,
    admin: u16,
}

impl Server {
    /// Starts one over an empty directory, and waits until it answers.
    pub(crate) async fn start(program: &Path) -> Self {
        Self::start_at(program, &memory()).await
    }

    /// With its data in this place.
    pub(crate) async fn start_at(program: &Path, place: &Path) -> Self {
        let mut servers = Self::cluster_at(program, 1, place).await;
        servers.remove(0)
    }

    /// Starts several that keep everything on two of them, and waits until they answer.
    pub(crate) async fn cluster(program: &Path, servers: usize) -> Vec<Self> {
        Self::cluster_at(program, servers, &memory()).await
    }

    async fn cluster_at(program: &Path, servers: usize, place: &Path) -> Vec<Self> {
        let ports: Vec<[u16; 3]> = (0..servers).map(|_| free_ports()).collect();
        let peers = ports
            .iter()
            .map(|[node, ..]| format!("\"http://127.0.0.1:{node}/\""));
        let peers = peers.collect::<Vec<_>>().join(", ");
        let copies = servers.min(2);
        let start = |(number, [node, ingress, admin]): (usize, &[u16; 3])| {
            let directory = tempfile::tempdir_in(place).unwrap();
            let settings = format!(
                r#"node-name = "node-{number}"
cluster-name = "test"
listen-mode = "tcp"
bind-address = "127.0.0.1:{node}"
advertised-address = "http://127.0.0.1:{node}/"
auto-provision = {is_first}
default-num-partitions = 2
default-replication = {copies}
disable-telemetry = true
disable-prometheus = true
log-format = "compact"
log-disable-ansi-codes = true
rocksdb-total-memory-size = "64.0 MiB"
[metadata-client]
addresses = [{peers}]
[worker.storage]
rocksdb-disable-wal-compression = true
rocksdb-disable-l0-l1-compression = true
[bifrost.local]
rocksdb-disable-wal-compression = true
rocksdb-disable-l0-l1-compression = true
[log-server]
rocksdb-disable-wal-compression = true
rocksdb-disable-l0-l1-compression = true
[ingress]
bind-address = "127.0.0.1:{ingress}"
[admin]
bind-address = "127.0.0.1:{admin}"
disable-web-ui = true
"#,
                is_first = number == 0,
            );
            let file = directory.path().join("restate.toml");
            fs::write(&file, settings).unwrap();
            let log = fs::File::create(directory.path().join("log")).unwrap();
            let process = Command::new(program)
                .arg("--no-logo")
                .arg("--config-file")
                .arg(&file)
                .arg("--base-dir")
                .arg(directory.path().join("data"))
                .env("DO_NOT_TRACK", "1")
                .stdin(Stdio::null())
                .stdout(log.try_clone().unwrap())
                .stderr(log)
                .spawn()
                .unwrap();
            Self {
                process,
                directory,
                ingress: *ingress,
                admin: *admin,
            }
        };
        let mut servers: Vec<Self> = ports.iter().enumerate().map(start).collect();
        for server in &mut servers {
            server.until_ready().await;
        }
        servers
    }

    /// Until both interfaces are there.
    async fn until_ready(&mut self) {
        for port in [self.ingress, self.admin] {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            while tokio::net::TcpStream::connect(address).await.is_err() {
                let ended = self.process.try_wait().unwrap();
                assert_eq!(ended, None, "{}", self.log());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    pub(crate) fn admin(&self) -> Admin {
        Admin {
            transport: Arc::new(HyperTransport::builder().without_tls().build().unwrap()),
            address: format!("http://127.0.0.1:{}", self.admin),
        }
    }

    pub(crate) fn engine(&self, sealer: Arc<dyn Sealer>) -> RestateEngine {
        let at = |port| format!("http://127.0.0.1:{port}");
        let addresses = Addresses::parse(&at(self.ingress), &at(self.admin)).unwrap();
        let transport = HyperTransport::builder().without_tls().build().unwrap();
        RestateEngine::new(addresses, Arc::new(transport), sealer)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Ports that nobody listens on. Another program could take one before the server does, which then says so.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Where a test's servers keep their data: in memory where there is such a place, so that no disk is waited for.
fn memory() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    match memory.is_dir() {
        true => memory,
        false => std::env::temp_dir(),
    }
}

/// The address of a worker, which outlives each worker that serves there: what is sent to it between two of them waits.
#[derive(Debug)]
pub(crate) struct Address(TcpListener);

impl Address {
    pub(crate) fn new() -> Self {
        Self(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
    }

    pub(crate) fn url(&self) -> BaseUrl {
        let url = format!("http://{}", self.0.local_addr().unwrap());
        BaseUrl::parse("worker", &url).unwrap()
    }

    /// For a worker in the runtime that calls.
    pub(crate) fn listener(&self) -> std::net::TcpListener {
        let listener = self.0.try_clone().unwrap();
        listener.set_nonblocking(true).unwrap();
        listener
    }
}

/// The server's admin interface.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    transport: Arc<HyperTransport>,
    address: String,
}

impl Admin {
    /// What a statement finds.
    pub(crate) async fn rows(&self, query: &str) -> Vec<serde_json::Value> {
        let request = http::Request::post(format!("{}/query", self.address))
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(Body::from(
                serde_json::to_vec(&serde_json::json!({ "query": query })).unwrap(),
            ))
            .unwrap();
        let limits = ExchangeLimits::new(Duration::from_secs(30), 64 << 20);
        let response = self.transport.send(request, limits).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert!(response.status().is_success(), "{body}");
        body["rows"].as_array().unwrap().clone()
    }

    /// Waits until nothing is under way, and each timer has been looked at since, and each notice that was not taken offered again.
    pub(crate) async fn until_settled(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap().as_millis();
        let query = format!(
            "SELECT id FROM sys_invocation WHERE status NOT IN ('scheduled', 'completed') \
             OR (target_handler_name IN ('fire', 'deliver') AND status = 'scheduled' \
                 AND created_at <= to_timestamp_millis({now}))"
        );
        while !self.rows(&query).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
