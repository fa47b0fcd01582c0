//! Who may carry out what begins, where not everybody may.

use std::fmt;

use deadpool_postgres::{ClientWrapper, Object, Pool};

use crate::database::Outcome;

/// What is locked, beside the name of the schema: `KYCC`.
const CLAIM: i32 = 0x4b59_4343;

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

/// Takes the journeys, alone or with others; `None` while somebody else has them otherwise.
pub(crate) async fn take(pool: &Pool, alone: bool) -> Outcome<Option<Claim>> {
    // It is none of the pool's any more: the lock ends with it.
    let connection = Object::take(pool.get().await?);
    connection.batch_execute(KEEPALIVE).await?;
    let take = match alone {
        true => "SELECT pg_try_advisory_lock($1, hashtext(current_schema()))",
        false => "SELECT pg_try_advisory_lock_shared($1, hashtext(current_schema()))",
    };
    let is_taken: bool = connection.query_one(take, &[&CLAIM]).await?.try_get(0)?;
    Ok(is_taken.then_some(Claim {
        _connection: connection,
    }))
}
