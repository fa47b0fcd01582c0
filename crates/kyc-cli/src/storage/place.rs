//! Where journeys and their consents lie: in a file, or in a PostgreSQL database.

use std::path::PathBuf;

use kyc_facade::provider_core::{ErrorKind, Outcome, Secret, from_environment};
use kyc_journey::{EngineError, EngineErrorKind};
use kyc_journey_postgres::{OpenError, PostgresError, PostgresOptions};

use crate::arguments::Store;
use crate::failure::Failure;

pub(crate) const FIELD: &str = "--db";
const KEYS: &str = "--keys";
const ROOTS: &str = "--root-certificates";
/// The database's password. Arguments are read by every user of a machine.
pub(crate) const PASSWORD: &str = "KYC_DB_PASSWORD";

/// Where journeys lie.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// This SQLite file, with the ledger, keys and the sandbox's state in files beside it.
    File(PathBuf),
    /// A database that several processes may share.
    Database(Box<Database>),
}

/// A PostgreSQL database, and where the keys lie that open it.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) options: PostgresOptions,
    /// Their names without the ends.
    keys: PathBuf,
    /// The address, which has no password, and the file of certificates, for commands that are printed.
    address: String,
    roots: Option<PathBuf>,
}

impl Database {
    /// The same, of which nothing is made.
    pub(crate) fn existing(&self) -> Place {
        Place::Database(Box::new(Self {
            options: self.options.clone().only_existing(),
            ..self.clone()
        }))
    }
}

impl Place {
    /// The place that the arguments name.
    pub(crate) fn of(arguments: &Store) -> Result<Self, Failure> {
        let Some(address) = arguments.db.to_str().and_then(address) else {
            for (field, given) in [
                (KEYS, arguments.keys.is_some()),
                (ROOTS, arguments.root_certificates.is_some()),
            ] {
                if given {
                    let rule = "goes with --db postgres://…; what belongs to a file lies beside it";
                    return Err(Failure::configuration(field, rule));
                }
            }
            return Ok(Self::File(arguments.db.clone()));
        };
        let mut options = PostgresOptions::new(&address).map_err(|error| unopened(&error))?;
        if options.has_password() {
            let rule = format!(
                "has a password, which every user of this machine can read there; leave it out and set {PASSWORD} or {PASSWORD}_FILE"
            );
            return Err(Failure::configuration(FIELD, rule));
        }
        if let Some(password) = from_environment(PASSWORD)? {
            let password = Secret::text(PASSWORD, password)?;
            options = options.with_password(password.expose());
        }
        if let Some(path) = &arguments.root_certificates {
            let trusted = options.with_root_certificates(path);
            options = trusted.map_err(|error| match error {
                OpenError::File { source, .. } => Failure::file(ROOTS, "read", &source),
                error => Failure::configuration(ROOTS, error.to_string()),
            })?;
        }
        let rule =
            "is required with a PostgreSQL database: the keys that open it lie outside of it";
        let keys = arguments.keys.clone();
        let keys = keys.ok_or_else(|| Failure::configuration(KEYS, rule))?;
        Ok(Self::Database(Box::new(Database {
            options,
            keys,
            address,
            roots: arguments.root_certificates.clone(),
        })))
    }

    /// A command of `kyc` that finds these journeys, to be run as it is printed.
    pub(crate) fn command(&self, words: &str) -> String {
        let mut command = format!("kyc {words}");
        let mut add = |name: &str, value: &str| {
            command.push_str(&format!(" {name} {}", shell_word(value)));
        };
        match self {
            Self::File(path) if path.as_os_str() == Store::DEFAULT => {}
            Self::File(path) => add(FIELD, &path.to_string_lossy()),
            Self::Database(database) => {
                add(FIELD, &database.address);
                add(KEYS, &database.keys.to_string_lossy());
                if let Some(roots) = &database.roots {
                    add(ROOTS, &roots.to_string_lossy());
                }
            }
        }
        command
    }

    /// A file that belongs to the journeys, by the end of its name: beside their file, or where the database's keys lie.
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        let path = match self {
            Self::File(path) => path,
            Self::Database(database) => &database.keys,
        };
        let mut path = path.as_os_str().to_owned();
        path.push(suffix);
        path.into()
    }

    /// What a message names where something beside the journeys is wrong.
    pub(crate) fn keys_field(&self) -> &'static str {
        match self {
            Self::File(_) => "the key beside --db",
            Self::Database(_) => KEYS,
        }
    }
}

/// A text that a shell reads as one word.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// The address that this is, if it is one; the driver knows its scheme in small letters only.
fn address(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let is_known = ["postgres", "postgresql"].contains(&&*scheme);
    is_known.then(|| format!("{scheme}://{rest}"))
}

/// Why a database was not opened.
pub(crate) fn unopened(error: &OpenError) -> Failure {
    let server = |kind, todo: &str| {
        let message = format!("{FIELD}: {error}. {todo}");
        Failure::Server(kind, message, Outcome::NotSent)
    };
    let rule = match error {
        OpenError::Missing { schema } => {
            format!("has no journeys: there is no schema {schema}")
        }
        OpenError::NoDatabase => {
            "names a database that the server does not have; correct its name, or make it, as with createdb".to_owned()
        }
        OpenError::Forbidden => {
            "names a user who may not make the tables of journeys, or not use them; have it granted CREATE on the database, or use the user who made them"
                .to_owned()
        }
        OpenError::Unreachable(_) => {
            return server(
                ErrorKind::Connect,
                "Check the address, and whether the server runs, and try again.",
            );
        }
        OpenError::Credentials => {
            let todo = format!(
                "Check the user in {FIELD}, and {PASSWORD} or the file that {PASSWORD}_FILE names."
            );
            return server(ErrorKind::Credentials, &todo);
        }
        OpenError::NoPassword => {
            let todo = format!("Set {PASSWORD}, or {PASSWORD}_FILE.");
            return server(ErrorKind::Credentials, &todo);
        }
        OpenError::ServerWithoutTls => {
            "names a server that offers no TLS, which the connection needs; turn it on there (ssl = on), or leave sslmode out where the server is on this machine"
                .to_owned()
        }
        OpenError::NoServerName => {
            "needs TLS, and has no name that the server's certificate could be for; name the server"
                .to_owned()
        }
        OpenError::Certificate => {
            let todo = format!("Check the name of the server, and {ROOTS}.");
            return server(ErrorKind::Verification, &todo);
        }
        error => error.to_string(),
    };
    Failure::configuration(FIELD, rule)
}

/// A database whose server was reached, and is not any more.
pub(crate) fn lost(cause: &str, outcome: Outcome) -> Failure {
    let message = format!(
        "{FIELD}: the server of the database cannot be reached: {cause}. What it holds is kept. Try again."
    );
    Failure::unreached(message, outcome)
}

/// What to do about damage.
pub(crate) const MEND: &str = "bring what lies there from a copy that was made before";

/// Why the journey that an argument names was not read, while others that lie there can be.
pub(crate) fn unread(field: &'static str, error: EngineError) -> Failure {
    match error.kind() {
        EngineErrorKind::Corrupt => Failure::configuration(field, damaged()),
        _ => failed(error),
    }
}

/// What is said of a journey that cannot be read.
pub(crate) fn damaged() -> String {
    format!("the journey cannot be read: its stored state is damaged; {MEND}")
}

/// What an engine did not do.
pub(crate) fn failed(error: EngineError) -> Failure {
    let rule = match error.kind() {
        // That the key is theirs was found when they were opened.
        EngineErrorKind::Corrupt => format!("holds something damaged that cannot be read; {MEND}"),
        EngineErrorKind::Unavailable => {
            let source = std::error::Error::source(&error);
            let database = source.and_then(|source| source.downcast_ref::<PostgresError>());
            if let Some(database) = database.filter(|database| database.is_unreachable()) {
                return lost(&database.to_string(), Outcome::Unknown);
            }
            // A full disk, for one: in the words of the database, which repeat nothing of what is stored.
            let cause = source.map(ToString::to_string);
            return Failure::unstored(FIELD, cause.unwrap_or_else(|| error.to_string()));
        }
        _ => error.to_string(),
    };
    Failure::configuration(FIELD, rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(db: &str, keys: Option<&str>) -> Result<Place, Failure> {
        Place::of(&Store {
            db: db.into(),
            keys: keys.map(Into::into),
            root_certificates: None,
        })
    }

    #[test]
    fn a_database_s_keys_lie_elsewhere_and_no_password_stands_in_an_argument() {
        let refused = |db, keys| format!("{:?}", of(db, keys).unwrap_err());
        for db in [
            "postgres://lender:CANARY@localhost/kyc",
            "postgresql://lender@localhost/kyc?password=CANARY",
        ] {
            let error = refused(db, Some("keys"));
            assert!(
                error.contains(PASSWORD) && !error.contains("CANARY"),
                "{error}"
            );
        }
        assert!(refused("postgres://lender@localhost/kyc", None).contains(KEYS));
        assert!(refused("postgres://lender@localhost:x/kyc", Some("keys")).contains(FIELD));
        assert!(refused("journeys.db", Some("keys")).contains(KEYS));
        let file = of("journeys.db", None).unwrap();
        assert_eq!(file.beside(".key"), PathBuf::from("journeys.db.key"));
        let database = of("Postgres://lender@localhost/kyc", Some("at/keys")).unwrap();
        assert!(matches!(database, Place::Database(_)));
        assert_eq!(database.beside(".key"), PathBuf::from("at/keys.key"));
    }

    #[test]
    fn a_printed_command_has_the_options_that_were_given() {
        let shown = |db, keys| of(db, keys).unwrap().command("journey show ID");
        assert_eq!(shown(Store::DEFAULT, None), "kyc journey show ID");
        assert_eq!(shown("at/j.db", None), "kyc journey show ID --db at/j.db");
        assert_eq!(
            shown("it's here.db", None),
            r"kyc journey show ID --db 'it'\''s here.db'"
        );
        assert_eq!(
            shown(
                "postgres://lender@localhost/kyc?sslmode=prefer&connect_timeout=5",
                Some("at/keys")
            ),
            "kyc journey show ID --db 'postgres://lender@localhost/kyc?sslmode=prefer&connect_timeout=5' --keys at/keys"
        );
        let place = Place::of(&Store {
            db: "postgres://lender@localhost/kyc".into(),
            keys: Some("keys".into()),
            root_certificates: None,
        });
        let Place::Database(mut database) = place.unwrap() else {
            panic!("a database");
        };
        database.roots = Some("at/roots.pem".into());
        assert!(
            Place::Database(database)
                .command("erase")
                .ends_with(" --keys keys --root-certificates at/roots.pem")
        );
    }
}
