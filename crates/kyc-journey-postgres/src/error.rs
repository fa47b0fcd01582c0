//! Why a database was not opened.

use std::path::PathBuf;

use tokio_postgres::error::SqlState;

use crate::database::PostgresError;

/// Why a database was not opened. Nothing was written to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The address is none of a PostgreSQL server.
    #[error(
        "the address of the database is not one of PostgreSQL: postgres://user@host/database, or host=… user=… dbname=…"
    )]
    Address,
    /// The server is on another machine, and the connection would not be encrypted. Let the address ask for TLS, or
    /// [allow it](crate::PostgresOptions::allow_plaintext).
    #[error("the connection to the database would leave this machine without TLS")]
    Plaintext,
    /// The server is on another machine, and this program was built without the feature `tls`.
    #[error("the connection to the database needs TLS, which this program was built without")]
    NoTls,
    /// The root certificates cannot be used.
    #[error("root certificates of the database: {0}")]
    RootCertificates(&'static str),
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The name of the schema is not one to 63 lower-case letters, digits and underscores, the first one no digit.
    #[error(
        "the name of the schema must be 1 to 63 lower-case letters, digits or underscores, and begin with no digit"
    )]
    SchemaName,
    /// The server cannot be reached, or takes nobody in now. Check the address, and try again.
    #[error("the server of the database cannot be reached: {0}")]
    Unreachable(PostgresError),
    /// The server offers no TLS, or its address is a socket of this machine, over which there is none. Turn TLS on at the server, or let the
    /// address of a server on this machine not ask for it.
    #[error("the server of the database offers no TLS, which the connection needs")]
    ServerWithoutTls,
    /// The connection needs TLS, and the address has no name against which the server's certificate could be checked. Add `host=`.
    #[error("the address of the database has no name that a certificate could be for")]
    NoServerName,
    /// The server and this program agree on no TLS. Check which versions of TLS and which clients the server takes.
    #[error("the server of the database and this program agree on no TLS: {0}")]
    Handshake(PostgresError),
    /// The server's certificate is not one that is trusted, or is another name's.
    #[error("the certificate of the database's server is not trusted, or not for this name")]
    Certificate,
    /// The server does not let this user in. Check the user and the password.
    #[error("the server of the database does not let this user in with this password")]
    Credentials,
    /// The server asks for a password, and there is none.
    #[error("the server of the database asks for a password, and there is none")]
    NoPassword,
    /// The server has no database of this name. Make it, or correct the address.
    #[error("the server has no database of this name")]
    NoDatabase,
    /// The user may not make the tables, or not use them. Grant it `CREATE` on the database, or what belongs to the schema.
    #[error("the user of the database may not make its tables, or not use them")]
    Forbidden,
    /// The server is older than version 13.
    #[error("PostgreSQL {found} is too old; 13 is the oldest that is accepted")]
    OldServer {
        /// The version, as the server says it.
        found: String,
    },
    /// The server is a standby, or its transactions are read-only.
    #[error("the database is read-only")]
    ReadOnly,
    /// The schema of this name is another application's.
    #[error("the schema {schema} of the database is another application's")]
    OtherApplication {
        /// The name of the schema.
        schema: String,
    },
    /// There is no such schema, and none was to be made.
    #[error("the database has no schema {schema}")]
    Missing {
        /// The name of the schema.
        schema: String,
    },
    /// A later version has written the tables. Use that version.
    #[error(
        "the tables of the schema {schema} have version {found}, and this program knows {known} at most"
    )]
    NewerSchema {
        /// The name of the schema.
        schema: String,
        /// The version of the tables.
        found: i32,
        /// The latest version that this program knows.
        known: i32,
    },
    /// A setting of the server lets it lose what it has acknowledged.
    #[error(
        "{setting} is {found} and not {wanted}: the server could lose what it has acknowledged"
    )]
    Setting {
        /// The name of the setting.
        setting: &'static str,
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        found: String,
    },
    /// The ledger does not lie in the journeys' database, so that no transaction has both.
    #[error("the ledger lies in another database than the journeys")]
    OtherDatabase,
    /// The system gives no thread for the connections of a ledger.
    #[error("the system gives no thread for the connections: {0}")]
    Thread(std::io::Error),
    /// The server refused something else.
    #[error("the database cannot be opened: {0}")]
    Postgres(PostgresError),
}

/// Why a withdrawal was not written. Nothing of it was.
#[cfg(feature = "consent")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotWithdrawn {
    /// The ledger refused it, or failed.
    #[error("the ledger: {0}")]
    Ledger(#[from] kyc_consent::LedgerError),
    /// The journeys could not be told in the same transaction. Withdraw at the ledger, and tell them after it.
    #[error(transparent)]
    Engine(#[from] kyc_journey::EngineError),
    /// The ledger does not lie in the journeys' database, or that cannot be asked.
    #[error(transparent)]
    Open(#[from] OpenError),
}

#[cfg(feature = "consent")]
impl OpenError {
    /// The connections are gone with their thread.
    pub(crate) fn gone() -> Self {
        Self::Unreachable(PostgresError::unreachable("the connection failed"))
    }
}

impl From<tokio_postgres::Error> for OpenError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code() {
            Some(&SqlState::INVALID_CATALOG_NAME) => return Self::NoDatabase,
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => return Self::Forbidden,
            // A wrong password, and a user whom the server's rules do not let in at all.
            Some(code) if code.code().starts_with("28") => return Self::Credentials,
            _ => {}
        }
        let source = std::error::Error::source(&error);
        // The driver has no kinds for these.
        match source.map(ToString::to_string).as_deref() {
            Some("password missing") => return Self::NoPassword,
            Some("server does not support TLS") => return Self::ServerWithoutTls,
            _ => {}
        }
        #[cfg(feature = "tls")]
        if let Some(refused) = source.and_then(without_tls) {
            return refused;
        }
        match PostgresError::of(&error) {
            error if error.is_unreachable() => Self::Unreachable(error),
            error => Self::Postgres(error),
        }
    }
}

/// The address has no name that a certificate could be for.
#[cfg(feature = "tls")]
#[derive(Debug, thiserror::Error)]
#[error("no name that a certificate could be for")]
pub(crate) struct NoName;

/// Why there is no TLS with a server that was reached; `None` if the connection failed otherwise.
#[cfg(feature = "tls")]
fn without_tls(error: &(dyn std::error::Error + 'static)) -> Option<OpenError> {
    let inner = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    if inner.is::<NoName>() {
        return Some(OpenError::NoServerName);
    }
    Some(match inner.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(_) => OpenError::Certificate,
        other => OpenError::Handshake(PostgresError::refused(other.to_string())),
    })
}
