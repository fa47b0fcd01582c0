//! Opening a database: everything that speaks against it is found before anything is written.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError,
    RecyclingMethod, Runtime, Timeouts,
};
use kyc_journey::{Sealer, apply, point};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};

use crate::database::PostgresError;
use crate::engine::PostgresEngine;
use crate::error::OpenError;

/// What lies in a schema.
pub(crate) struct Application {
    /// Marks the tables.
    name: &'static str,
    /// The version of the tables that this program makes.
    version: i32,
    /// The schema, unless the options name another one.
    schema: &'static str,
    /// What makes the tables.
    tables: &'static str,
}

const JOURNEYS: Application = Application {
    name: "kyc-journey",
    version: 1,
    schema: "kyc_journey",
    tables: include_str!("schema.sql"),
};

#[cfg(feature = "consent")]
pub(crate) const LEDGER: Application = Application {
    name: "kyc-consent",
    version: 1,
    schema: "kyc_consent",
    tables: include_str!("ledger/ledger.sql"),
};

#[cfg(feature = "consent")]
pub(crate) const KEYS: Application = Application {
    name: "kyc-consent-keys",
    version: 1,
    schema: "kyc_consent_keys",
    tables: include_str!("ledger/keys.sql"),
};

/// PostgreSQL 13, the oldest whose statements and behaviour are relied on.
const OLDEST: i32 = 130_000;

/// What two processes lock that open an empty database at once: `KYCJ`.
const CREATION: i64 = 0x4b59_434a;

/// What the server is told of every connection. A statement that waits for longer than this is ended, and so is a transaction in which
/// nothing happens: their events are refused and can be submitted again. Every statement finds its rows by an index, and a plan that was
/// made while a table was empty must not outlive that. None is worth compiling, which takes the server a second.
const SETTINGS: &str = "-c statement_timeout=10s -c idle_in_transaction_session_timeout=15s -c jit=off \
                        -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off";

/// How a database of journeys, or of a ledger and its keys, is opened.
#[derive(Clone)]
pub struct PostgresOptions {
    config: Config,
    schema: Option<String>,
    only_existing: bool,
    connections: usize,
    waiting: usize,
    lease: Duration,
    poll: Duration,
    plaintext: bool,
    #[cfg(feature = "tls")]
    roots: Option<Vec<u8>>,
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

impl PostgresEngine {
    /// Opens a database with the defaults of [`PostgresOptions`].
    ///
    /// # Errors
    ///
    /// As for [`PostgresOptions::new`] and [`PostgresOptions::connect`].
    pub async fn connect(address: &str, sealer: Arc<dyn Sealer>) -> Result<Self, OpenError> {
        PostgresOptions::new(address)?.connect(sealer).await
    }
}

impl PostgresOptions {
    /// A database by its address: `postgres://user:password@host:port/database`, or words as libpq reads them,
    /// `host=… user=… dbname=…`. A certificate is always checked against the server's name, so that `sslmode=verify-ca` and
    /// `sslmode=verify-full` are `sslmode=require`.
    ///
    /// # Errors
    ///
    /// [`Address`](OpenError::Address) if it is neither.
    pub fn new(address: &str) -> Result<Self, OpenError> {
        // What the driver says about an address may repeat its password.
        let config = Config::from_str(&verifying(address)).map_err(|_| OpenError::Address)?;
        match config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            true => Err(OpenError::Address),
            false => Ok(Self {
                config,
                schema: None,
                only_existing: false,
                connections: 16,
                waiting: 8_192,
                lease: Duration::from_secs(30),
                poll: Duration::from_millis(500),
                plaintext: false,
                #[cfg(feature = "tls")]
                roots: None,
            }),
        }
    }

    /// Whether the address has a password.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// Connects with this password, and not with one in the address: other users of a machine can read what stands in a command's
    /// arguments.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        self.config.password(password);
        self
    }

    /// Makes no schema and no tables: where there are none, [`Missing`](OpenError::Missing) says so.
    #[must_use]
    pub fn only_existing(mut self) -> Self {
        self.only_existing = true;
        self
    }

    /// Keeps the tables in the schema of this name, `kyc_journey` by default, `kyc_consent` for a ledger, `kyc_consent_keys` for its keys.
    /// It is made if there is none.
    ///
    /// # Errors
    ///
    /// [`SchemaName`](OpenError::SchemaName) if it is not one to 63 lower-case letters, digits and underscores, the first one no digit.
    pub fn with_schema(mut self, name: &str) -> Result<Self, OpenError> {
        let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        let begins_well = name
            .bytes()
            .next()
            .is_some_and(|first| !first.is_ascii_digit());
        match begins_well && name.len() <= 63 && name.bytes().all(is_allowed) {
            true => {
                self.schema = Some(name.to_owned());
                Ok(self)
            }
            false => Err(OpenError::SchemaName),
        }
    }

    /// Opens at most this many connections, 2 at least and 16 by default.
    #[must_use]
    pub fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(2);
        self
    }

    /// Lets at most this many events wait for their commit; 8,192 by default. A further one is refused as
    /// [`Overloaded`](kyc_journey::EngineErrorKind::Overloaded).
    #[must_use]
    pub fn with_waiting(mut self, events: usize) -> Self {
        self.waiting = events;
        self
    }

    /// How long after its last sign of life a run may be taken for dead, 30 seconds by default and 1 at least. It gives one three times in
    /// that time. A longer one is safer against a machine that stands still for a while: what it had begun is interrupted, and what it
    /// sends after that nobody can recall.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_secs(1));
        self
    }

    /// How often the runner looks for what other processes submitted, every 500 milliseconds by default. What is submitted through this
    /// engine it sees at once.
    #[must_use]
    pub fn with_poll(mut self, poll: Duration) -> Self {
        self.poll = poll;
        self
    }

    /// Lets a connection to another machine be unencrypted, where the address does not ask for TLS: within a network that encrypts by
    /// itself.
    #[must_use]
    pub fn allow_plaintext(mut self) -> Self {
        self.plaintext = true;
        self
    }

    /// Trusts the certificate authorities in this file of PEM, and not those of the system: a cloud's database has its own.
    ///
    /// # Errors
    ///
    /// [`File`](OpenError::File) if it cannot be read.
    #[cfg(feature = "tls")]
    pub fn with_root_certificates(
        mut self,
        path: impl AsRef<std::path::Path>,
    ) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let pem = std::fs::read(path).map_err(|source| OpenError::File {
            path: path.to_owned(),
            source,
        })?;
        self.roots = Some(pem);
        Ok(self)
    }

    /// Connects, checks the database, and makes its tables if there are none. Bodies are sealed with `sealer`; use the same one for as
    /// long as the database is used, and in every process.
    ///
    /// # Errors
    ///
    /// The database cannot be reached, is something else, or could lose what it acknowledges; nothing was written then.
    pub async fn connect(self, sealer: Arc<dyn Sealer>) -> Result<PostgresEngine, OpenError> {
        let (pool, _) = self.open(&JOURNEYS).await?;
        Ok(PostgresEngine::start(
            pool,
            sealer,
            apply,
            self.waiting,
            self.lease,
            self.poll,
        ))
    }

    /// Connects, and says in which schema the tables are.
    pub(crate) async fn open(
        &self,
        application: &Application,
    ) -> Result<(Pool, String), OpenError> {
        let schema = self.schema.as_deref().unwrap_or(application.schema);
        let (pool, refused) = self.pool(schema, application.name)?;
        let mut first = pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error.into(),
            PoolError::Timeout(_) => {
                OpenError::Unreachable(PostgresError::unreachable("it did not answer in time"))
            }
            _ => take(&refused).unwrap_or_else(|| {
                OpenError::Unreachable(PostgresError::unreachable("the connection failed"))
            }),
        })?;
        if !identify(&first, schema, application).await? {
            if self.only_existing {
                return Err(OpenError::Missing {
                    schema: schema.to_owned(),
                });
            }
            create(&mut first, schema, application).await?;
        }
        drop(first);
        Ok((pool, schema.to_owned()))
    }

    fn pool(&self, schema: &str, name: &str) -> Result<(Pool, Refused), OpenError> {
        let mut config = self.config.clone();
        let theirs = config.get_options().map(ToOwned::to_owned);
        let mut options = format!("-c search_path=\"{schema}\" {SETTINGS}");
        if let Some(theirs) = theirs {
            // Ours come last, and count.
            options = format!("{theirs} {options}");
        }
        config.options(options);
        if config.get_application_name().is_none() {
            config.application_name(name);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        // A machine that is gone says nothing.
        config.tcp_user_timeout(CONNECT);
        config.keepalives_idle(Duration::from_secs(30));
        let mode = self.mode()?;
        config.ssl_mode(mode);
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = match mode {
            SslMode::Disable => Manager::from_config(config, NoTls, recycling),
            #[cfg(feature = "tls")]
            _ => {
                let tls = crate::tls::Tls::new(self.roots.as_deref())?;
                Manager::from_config(config, tls, recycling)
            }
            #[cfg(not(feature = "tls"))]
            _ => return Err(OpenError::NoTls),
        };
        let refused = Refused::default();
        let found = Arc::clone(&refused);
        let checked = Hook::async_fn(move |client: &mut ClientWrapper, _| {
            let found = Arc::clone(&found);
            Box::pin(async move {
                settle(client).await.map_err(|error| {
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    *found = Some(error);
                    HookError::message("the connection is not one that keeps journeys")
                })
            })
        });
        let pool = Pool::builder(manager)
            .max_size(self.connections)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(CONNECT),
                create: Some(CONNECT),
                recycle: Some(CONNECT),
            })
            .post_create(checked)
            .build();
        let no_runtime =
            |_| OpenError::Unreachable(PostgresError::unreachable("there is no runtime"));
        Ok((pool.map_err(no_runtime)?, refused))
    }

    /// Encrypted, unless the server is this machine or the caller says otherwise.
    fn mode(&self) -> Result<SslMode, OpenError> {
        let asked = self.config.get_ssl_mode();
        if asked == SslMode::Require && self.is_socket() {
            return Err(OpenError::ServerWithoutTls);
        }
        if self.is_local() {
            // No certificate is asked of a server that is not asked to have one.
            return Ok(match asked {
                SslMode::Require => SslMode::Require,
                _ => SslMode::Disable,
            });
        }
        match asked {
            SslMode::Disable if self.plaintext => Ok(SslMode::Disable),
            SslMode::Disable => Err(OpenError::Plaintext),
            _ if self.plaintext => Ok(asked),
            _ if cfg!(feature = "tls") => Ok(SslMode::Require),
            _ => Err(OpenError::NoTls),
        }
    }

    /// Whether it is reached by a socket of this machine alone, over which PostgreSQL speaks no TLS.
    fn is_socket(&self) -> bool {
        let hosts = self.config.get_hosts();
        let is_socket = |host: &Host| !matches!(host, Host::Tcp(_));
        self.config.get_hostaddrs().is_empty() && hosts.iter().all(is_socket)
    }

    fn is_local(&self) -> bool {
        let is_local = |host: &Host| match host {
            Host::Tcp(name) => {
                let address: Result<IpAddr, _> = name.parse();
                name == "localhost" || address.is_ok_and(|address| address.is_loopback())
            }
            #[cfg(unix)]
            Host::Unix(_) => true,
        };
        let addresses = self.config.get_hostaddrs();
        self.config.get_hosts().iter().all(is_local) && addresses.iter().all(IpAddr::is_loopback)
    }
}

/// The address in the driver's words, which has none for a certificate that is checked: here each one is.
fn verifying(address: &str) -> String {
    // What stands in a URL before its last question mark are names and perhaps a password.
    let at = match address.contains("://") {
        true => address.rfind('?').unwrap_or(address.len()),
        false => 0,
    };
    let (before, parameters) = address.split_at_checked(at).unwrap_or_default();
    let parameters = parameters
        .replace("sslmode=verify-full", "sslmode=require")
        .replace("sslmode=verify-ca", "sslmode=require");
    format!("{before}{parameters}")
}

/// Why a connection was not taken into the pool, which itself tells no more than that.
type Refused = Arc<Mutex<Option<OpenError>>>;

fn take(refused: &Refused) -> Option<OpenError> {
    let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
    refused.take()
}

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Sets what durability depends on and reads it back, on every connection.
async fn settle(client: &Client) -> Result<(), OpenError> {
    let settings = client
        .query_one(
            "SELECT current_setting('synchronous_commit'), current_setting('fsync'),
                    current_setting('full_page_writes'), current_setting('server_version_num')::integer,
                    current_setting('server_version'),
                    pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean",
            &[],
        )
        .await?;
    if settings.try_get::<_, i32>(3)? < OLDEST {
        let found = settings.try_get(4)?;
        return Err(OpenError::OldServer { found });
    }
    if settings.try_get(5)? {
        return Err(OpenError::ReadOnly);
    }
    let mut commit: String = settings.try_get(0)?;
    // `remote_apply` waits for the standbys too.
    if !matches!(commit.as_str(), "on" | "remote_apply") {
        client.batch_execute("SET synchronous_commit = on").await?;
        let again = client.query_one("SELECT current_setting('synchronous_commit')", &[]);
        commit = again.await?.try_get(0)?;
    }
    durable([
        ("synchronous_commit", commit),
        ("fsync", settings.try_get(1)?),
        ("full_page_writes", settings.try_get(2)?),
    ])
}

/// Refuses a server that could lose what it has acknowledged.
fn durable(settings: [(&'static str, String); 3]) -> Result<(), OpenError> {
    for (setting, found) in settings {
        if !matches!(found.as_str(), "on" | "remote_apply") {
            return Err(OpenError::Setting {
                setting,
                wanted: "on",
                found,
            });
        }
    }
    Ok(())
}

/// Makes the tables, unless somebody else has done so meanwhile.
async fn create(
    client: &mut Object,
    schema: &str,
    application: &Application,
) -> Result<(), OpenError> {
    let transaction = client.transaction().await?;
    // Of two that find no tables, one makes them.
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&CREATION])
        .await?;
    if identify(transaction.client(), schema, application).await? {
        return Ok(());
    }
    let tables = application.tables;
    // The name has no character that would have to be quoted, but may be a word of SQL.
    transaction
        .batch_execute(&format!("CREATE SCHEMA \"{schema}\"; {tables}"))
        .await?;
    transaction
        .execute(
            "INSERT INTO store VALUES ($1, $2)",
            &[&application.name, &application.version],
        )
        .await?;
    point("before a database is in its place");
    transaction.commit().await?;
    point("after a database is in its place");
    Ok(())
}

/// Checks whose the schema is and which version its tables have; `false` if there is no such schema.
async fn identify(
    client: &Client,
    schema: &str,
    application: &Application,
) -> Result<bool, OpenError> {
    let known = application.version;
    let is_there = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1),
                           EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'store')";
    let found = client.query_one(is_there, &[&schema]).await?;
    let schema = schema.to_owned();
    if !found.try_get::<_, bool>(0)? {
        return Ok(false);
    }
    if !found.try_get::<_, bool>(1)? {
        return Err(OpenError::OtherApplication { schema });
    }
    let rows = client
        .query("SELECT application, version FROM store", &[])
        .await;
    // A table of the same name with other columns.
    let Ok(rows) = rows else {
        return Err(OpenError::OtherApplication { schema });
    };
    let whose = rows.first().map(|row| {
        let name: String = row.try_get(0)?;
        let version: i32 = row.try_get(1)?;
        Ok::<_, tokio_postgres::Error>((name, version))
    });
    match whose.transpose() {
        Ok(Some((name, found))) if name == application.name => match (1..=known).contains(&found) {
            true => Ok(true),
            false => Err(OpenError::NewerSchema {
                schema,
                found,
                known,
            }),
        },
        _ => Err(OpenError::OtherApplication { schema }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_loses_what_was_acknowledged_is_refused_by_name() {
        let with = |commit: &str, fsync: &str, pages: &str| {
            durable([
                ("synchronous_commit", commit.to_owned()),
                ("fsync", fsync.to_owned()),
                ("full_page_writes", pages.to_owned()),
            ])
        };
        assert!(with("on", "on", "on").is_ok());
        assert!(with("remote_apply", "on", "on").is_ok());
        let refused = [
            (with("off", "on", "on"), "synchronous_commit"),
            (with("local", "on", "on"), "synchronous_commit"),
            (with("remote_write", "on", "on"), "synchronous_commit"),
            (with("on", "off", "on"), "fsync"),
            (with("on", "on", "off"), "full_page_writes"),
        ];
        for (refused, name) in refused {
            assert!(
                matches!(refused, Err(OpenError::Setting { setting, .. }) if setting == name),
                "{name}"
            );
        }
    }
}
