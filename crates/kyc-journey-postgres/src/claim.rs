//! Who may carry out what begins, where not everybody may.

use std::fmt;

use deadpool_postgres::{ClientWrapper, Object, Pool};

use crate::database::Outcome;

/// With whom a process has the journeys of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// With others who have them with real providers.
    Real,
    /// With others who have them in sandboxes.
    Sandbox,
    /// With nobody.
    Alone,
}

impl Share {
    /// Takes its locks: `$1` is that of real providers, `$2` that of sandboxes. The lock of those whom it excludes is looked at for the
    /// length of the transaction.
    fn locks(self) -> &'static str {
        match self {
            Self::Real => {
                "SELECT pg_try_advisory_xact_lock($2, hashtext(current_schema()))
                    AND pg_try_advisory_lock_shared($1, hashtext(current_schema()))"
            }
            Self::Sandbox => {
                "SELECT pg_try_advisory_xact_lock($1, hashtext(current_schema()))
                    AND pg_try_advisory_lock_shared($2, hashtext(current_schema()))"
            }
            Self::Alone => {
                "SELECT pg_try_advisory_lock($1, hashtext(current_schema()))
                    AND pg_try_advisory_lock($2, hashtext(current_schema()))"
            }
        }
    }
}

/// What is locked, beside the name of the schema: `KYCC`, `KYCS`.
const REAL: i32 = 0x4b59_4343;
const SANDBOX: i32 = 0x4b59_4353;

/// Held while locks are taken, so that nobody is refused for a lock that is only looked at: `KYCT`.
const TAKING: i32 = 0x4b59_4354;

/// Lets the server notice within a minute that the machine at the other end is gone.
const KEEPALIVE: &str =
    "SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3";

/// The journeys of a database, for as long as this lives and its connection does.
pub struct Claim {
    _connection: ClientWrapper,
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").finish_non_exhaustive()
    }
}

/// Takes the journeys; `None` while somebody else has them otherwise.
pub(crate) async fn take(pool: &Pool, share: Share) -> Outcome<Option<Claim>> {
    // It is none of the pool's any more: the locks end with it.
    let mut connection = Object::take(pool.get().await?);
    connection.batch_execute(KEEPALIVE).await?;
    let transaction = connection.transaction().await?;
    let gate = "SELECT pg_advisory_xact_lock($1, hashtext(current_schema()))";
    transaction.query_one(gate, &[&TAKING]).await?;
    let taken = transaction.query_one(share.locks(), &[&REAL, &SANDBOX]);
    let is_taken: bool = taken.await?.try_get(0)?;
    transaction.commit().await?;
    Ok(is_taken.then_some(Claim {
        _connection: connection,
    }))
}
