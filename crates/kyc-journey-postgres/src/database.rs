//! Connections, transactions whose statements do not wait for each other, and what a failure of the server means.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use deadpool_postgres::{Object, Pool, PoolError};
use kyc_journey::{EngineError, EngineErrorKind};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row, Statement};

/// How long a transaction may take, with the wait for a connection. The server ends a statement before that.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// What the server or the connection said: the condition, never a message, because messages repeat values.
#[derive(Debug, thiserror::Error)]
#[error("{condition}")]
pub struct PostgresError {
    condition: String,
    is_unreachable: bool,
}

impl PostgresError {
    pub(crate) fn of(error: &Error) -> Self {
        let Some(code) = error.code() else {
            let source = std::error::Error::source(error);
            let io = source.and_then(|source| source.downcast_ref::<std::io::Error>());
            return Self::unreachable(match io {
                Some(io) => format!("the connection failed: {}", io.kind()),
                None if error.is_closed() => "the connection was closed".to_owned(),
                None => "the connection failed".to_owned(),
            });
        };
        let condition = format!("the server refused it with SQLSTATE {}", code.code());
        match is_away(code) {
            true => Self::unreachable(condition),
            false => Self::refused(condition),
        }
    }

    /// The server was reached, and refused it.
    pub(crate) fn refused(condition: impl Into<String>) -> Self {
        Self {
            condition: condition.into(),
            is_unreachable: false,
        }
    }

    /// There is no connection, or not in time.
    pub(crate) fn unreachable(condition: impl Into<String>) -> Self {
        Self {
            condition: condition.into(),
            is_unreachable: true,
        }
    }

    /// Whether the server was not reached, or takes nobody in now, so that the same may succeed later.
    pub fn is_unreachable(&self) -> bool {
        self.is_unreachable
    }
}

/// Whether it is one of the connection, of a server that starts or stops, or of one that has no connection left.
fn is_away(code: &SqlState) -> bool {
    let is_of = |class| code.code().starts_with(class);
    is_of("08") || is_of("57P") || *code == SqlState::TOO_MANY_CONNECTIONS
}

/// Why something was not done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was refused before it changed anything.
    Refused(EngineError),
    /// The server refused a statement.
    Database(Error),
    /// There is no connection, or not in time.
    Pool(&'static str),
    /// Somebody else was faster, and what was planned does not fit any more.
    Overtaken,
}

pub(crate) type Outcome<T> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Self::Refused(error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Database(error),
            PoolError::Timeout(_) => Self::Pool("there was no connection in time"),
            PoolError::Closed => Self::Refused(EngineError::new(EngineErrorKind::Closed)),
            PoolError::PostCreateHook(_) => {
                Self::Pool("the connection is not durable or read-only")
            }
            PoolError::NoRuntimeSpecified => Self::Pool("there is no runtime"),
        }
    }
}

impl From<Failure> for EngineError {
    fn from(failure: Failure) -> Self {
        let unavailable = |source: PostgresError| {
            EngineError::new(EngineErrorKind::Unavailable).with_source(source)
        };
        match failure {
            Failure::Refused(error) => error,
            Failure::Database(error) => {
                let corrupt = [SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED];
                let kind = match error.code() {
                    Some(code) if corrupt.contains(code) => EngineErrorKind::Corrupt,
                    _ => EngineErrorKind::Unavailable,
                };
                EngineError::new(kind).with_source(PostgresError::of(&error))
            }
            Failure::Pool(why) => unavailable(PostgresError::unreachable(why)),
            Failure::Overtaken => {
                unavailable(PostgresError::refused("it was overtaken again and again"))
            }
        }
    }
}

impl Failure {
    /// Whether the transaction did nothing because of others, so that the same one may do it now.
    pub(crate) fn is_contention(&self) -> bool {
        let others = [
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::UNIQUE_VIOLATION,
        ];
        match self {
            Self::Overtaken => true,
            Self::Database(error) => error.code().is_some_and(|code| others.contains(code)),
            Self::Refused(_) | Self::Pool(_) => false,
        }
    }

    /// Whether the server answered, so that another transaction may succeed at once.
    pub(crate) fn is_of_the_server(&self) -> bool {
        match self {
            Self::Database(error) => error.code().is_some_and(|code| !is_away(code)),
            Self::Overtaken => true,
            Self::Refused(_) | Self::Pool(_) => false,
        }
    }
}

/// How often something is tried again that others prevented.
const CONTENTIONS: usize = 16;

/// Does something, and again while others prevent it, within the deadline. What is dropped in the middle is rolled back by the server,
/// whose connection is closed then.
pub(crate) async fn persistently<T, F>(mut attempt: impl FnMut() -> F) -> Outcome<T>
where
    F: Future<Output = Outcome<T>>,
{
    let all = async {
        for _ in 0..CONTENTIONS {
            match attempt().await {
                Err(failure) if failure.is_contention() => {}
                other => return other,
            }
        }
        attempt().await
    };
    within(all).await
}

/// Does something within the deadline.
pub(crate) async fn within<T>(all: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    match tokio::time::timeout(DEADLINE, all).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Failure::Pool("the server did not answer in time")),
    }
}

/// Does something on a thread that may wait.
pub(crate) async fn may_wait<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    let done = tokio::task::spawn_blocking(work).await;
    // It ended early, or the runtime does.
    done.unwrap_or_else(|_| Err(EngineError::new(EngineErrorKind::Unavailable)))
}

/// A connection within a transaction. Its statements are sent in the order in which they are asked for, without waiting for answers. Once
/// one of them fails, so do the others, and the commit is none.
pub(crate) struct Transaction {
    client: Option<Object>,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}

/// Values of a statement.
pub(crate) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Transaction {
    /// A connection of the pool, on which [`BEGIN`] is to be the first request.
    pub(crate) async fn on(pool: &Pool) -> Outcome<Self> {
        let client = pool.get().await?;
        Ok(Self {
            client: Some(client),
        })
    }

    fn client(&self) -> Outcome<&Object> {
        self.client
            .as_ref()
            .ok_or(Failure::Pool("the transaction has ended"))
    }

    pub(crate) async fn prepare(&self, statement: &str) -> Outcome<Statement> {
        Ok(self.client()?.prepare_cached(statement).await?)
    }

    /// A request of words of ours alone.
    pub(crate) async fn run(&self, words: &str) -> Outcome<()> {
        Ok(self.client()?.batch_execute(words).await?)
    }

    pub(crate) async fn execute(&self, statement: &Statement, values: Values<'_>) -> Outcome<u64> {
        Ok(self.client()?.execute(statement, values).await?)
    }

    pub(crate) async fn query(
        &self,
        statement: &Statement,
        values: Values<'_>,
    ) -> Outcome<Vec<Row>> {
        Ok(self.client()?.query(statement, values).await?)
    }

    /// Gives the connection back after a commit, or after nothing was begun.
    pub(crate) fn ended(mut self) {
        self.client.take();
    }

    /// Undoes everything, and gives the connection back.
    pub(crate) async fn roll_back(mut self) {
        if let Some(client) = self.client.take() {
            let undone = Undone(Some(client));
            undone.roll_back().await;
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        // Whoever comes next must not be in the middle of it. The server rolls back what is left of a closed connection.
        drop(self.client.take().map(Object::take));
    }
}

/// A connection that is closed unless it is rolled back.
struct Undone(Option<Object>);

impl Undone {
    async fn roll_back(mut self) {
        let is_back = match &self.0 {
            Some(client) => client.batch_execute("ROLLBACK").await.is_ok(),
            None => true,
        };
        if is_back {
            self.0.take();
        }
    }
}

impl Drop for Undone {
    fn drop(&mut self) {
        drop(self.0.take().map(Object::take));
    }
}

/// A request under way.
pub(crate) type Request<'a, T> = Pin<Box<dyn Future<Output = Outcome<T>> + Send + 'a>>;

/// Sends requests in this order, then waits for their answers: one round trip. The first failure is the one that counts; those after it
/// say only that the transaction has failed.
pub(crate) async fn at_once<T>(mut requests: Vec<Request<'_, T>>) -> Outcome<Vec<T>> {
    let mut answers: Vec<Option<Outcome<T>>> = Vec::new();
    // A request is sent when it is polled first.
    poll_fn(|context| {
        for request in &mut requests {
            answers.push(match request.as_mut().poll(context) {
                Poll::Ready(answer) => Some(answer),
                Poll::Pending => None,
            });
        }
        Poll::Ready(())
    })
    .await;
    let mut all = Vec::with_capacity(answers.len());
    for (answer, request) in answers.into_iter().zip(requests) {
        all.push(match answer {
            Some(answer) => answer?,
            None => request.await?,
        });
    }
    Ok(all)
}
