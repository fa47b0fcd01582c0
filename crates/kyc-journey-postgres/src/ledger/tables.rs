//! The tables of a ledger: what is asked of them, and what a change writes.

use std::fmt;

use jiff::Timestamp;
use kyc_consent::{
    Change, Class, Code, DataKind, Digest, EndReason, Entry, EntryKind, Follower, Head, Hold,
    HoldId, LedgerId, ProviderName, Purpose, ReceiptId, ReceiptRow, Rule, StoreError, Subject,
};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row};

use crate::database::{Failure, Outcome, PostgresError, Request, Transaction, at_once};

/// A value of a statement.
pub(super) type Value = Box<dyn ToSql + Sync + Send>;

/// A statement with its values.
pub(super) struct Statement {
    words: String,
    values: Vec<Value>,
}

impl Statement {
    async fn query(&self, database: &Transaction) -> Outcome<Vec<Row>> {
        let statement = database.prepare(&self.words).await?;
        let values = self.values.iter();
        let values: Vec<&(dyn ToSql + Sync)> = values.map(|value| &**value as _).collect();
        database.query(&statement, &values).await
    }
}

/// Asks all of them in one round trip, after words of ours and before others, if there are any.
pub(super) async fn ask(
    database: &Transaction,
    before: Option<&str>,
    statements: &[Statement],
    after: Option<&str>,
) -> Outcome<Vec<Vec<Row>>> {
    // What has to be prepared first is prepared before the transaction.
    for statement in statements {
        database.prepare(&statement.words).await?;
    }
    let words = |words: Option<&str>| {
        let words = words.map(ToOwned::to_owned);
        words.map(|words| -> Request<'_, Vec<Row>> {
            Box::pin(async move {
                database.run(&words).await?;
                Ok(Vec::new())
            })
        })
    };
    let skipped = usize::from(before.is_some());
    let mut requests: Vec<Request<'_, Vec<Row>>> = words(before).into_iter().collect();
    for statement in statements {
        requests.push(Box::pin(statement.query(database)));
    }
    requests.extend(words(after));
    let answers = at_once(requests).await?.into_iter();
    Ok(answers.skip(skipped).take(statements.len()).collect())
}

/// The tables of one ledger.
#[derive(Clone)]
pub(super) struct Tables {
    schema: String,
    ledger: LedgerId,
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables")
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

/// The columns of an entry.
const ENTRY: &str = "seq, at, kind, subject, receipt, body, prev, digest, sealed";

impl Tables {
    /// The tables in this schema, whose name needs no quoting but may be a word of SQL.
    pub(super) fn of(schema: &str, ledger: LedgerId) -> Self {
        Self {
            schema: schema.to_owned(),
            ledger,
        }
    }

    /// A statement in which `@` stands before the names of tables.
    fn statement(&self, words: &str, values: Vec<Value>) -> Statement {
        Statement {
            words: words.replace('@', &format!("\"{}\".", self.schema)),
            values,
        }
    }

    pub(super) fn ledger(&self) -> LedgerId {
        self.ledger
    }

    /// The ledger that a connection finds in this schema; `None`: there is none.
    pub(super) async fn find(&self, client: &Client) -> Result<Option<LedgerId>, Error> {
        let has =
            "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'ledger')";
        if !client.query_one(has, &[&self.schema]).await?.try_get(0)? {
            return Ok(None);
        }
        let whose = format!("SELECT id FROM \"{}\".ledger", self.schema);
        let rows = client.query(&whose, &[]).await?;
        let id = rows.first().and_then(|row| bytes(row, 0).ok());
        Ok(id.map(LedgerId::from_bytes))
    }

    /// Whose ledger it is; whoever asks in a transaction is the only one to append until its end.
    pub(super) fn lock(&self) -> Statement {
        self.statement("SELECT id FROM @ledger FOR UPDATE", Vec::new())
    }

    pub(super) fn head(&self) -> Statement {
        let last = "SELECT seq, digest FROM @entry ORDER BY seq DESC LIMIT 1";
        self.statement(last, Vec::new())
    }

    pub(super) fn head_of(&self, rows: &[Row]) -> Result<Head, StoreError> {
        let Some(last) = rows.first() else {
            return Ok(Head::of_empty(self.ledger));
        };
        Ok(Head {
            ledger: self.ledger,
            seq: unsigned(get(last, 0)?)?,
            digest: Digest::from_bytes(bytes(last, 1)?),
        })
    }

    pub(super) fn receipts(&self, subject: Subject) -> Statement {
        self.statement(
            "SELECT id, entry, rule, purposes, kinds, providers, given_at, expires_at, ended_at, ended_by,
                    (SELECT epoch FROM @person AS person WHERE person.id = $1)
             FROM @receipt WHERE subject = $1 ORDER BY entry",
            vec![of(subject.as_bytes())],
        )
    }

    pub(super) fn holds(&self, subject: Subject) -> Statement {
        self.statement(
            "SELECT id, class, reason, by, until FROM @hold WHERE subject = $1 ORDER BY number",
            vec![of(subject.as_bytes())],
        )
    }

    pub(super) fn artefacts(&self, subject: Subject) -> Statement {
        self.statement(
            "SELECT entry, receipt, provider FROM @artefact WHERE subject = $1 ORDER BY entry",
            vec![of(subject.as_bytes())],
        )
    }

    pub(super) fn entries(&self, after: u64, limit: usize) -> Result<Statement, StoreError> {
        let words = format!("SELECT {ENTRY} FROM @entry WHERE seq > $1 ORDER BY seq LIMIT $2");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values: Vec<Value> = vec![Box::new(signed(after)?), Box::new(limit)];
        Ok(self.statement(&words, values))
    }

    pub(super) fn entries_of(&self, subject: Subject) -> Statement {
        let words = format!("SELECT {ENTRY} FROM @entry WHERE subject = $1 ORDER BY seq");
        self.statement(&words, vec![of(subject.as_bytes())])
    }

    pub(super) fn persons(&self) -> Statement {
        self.statement("SELECT count(*) FROM @person", Vec::new())
    }

    pub(super) fn written(&self, source: &Digest) -> Statement {
        let words = "SELECT entry FROM @source WHERE name = $1";
        self.statement(words, vec![of(source.as_bytes())])
    }

    pub(super) fn follower(&self, name: &str) -> Statement {
        let words = "SELECT name, subject, receipt FROM @follower WHERE name = $1";
        self.statement(words, vec![Box::new(name.to_owned())])
    }

    pub(super) fn followers(&self, subject: Subject) -> Statement {
        let words = "SELECT name, subject, receipt FROM @follower WHERE subject = $1 ORDER BY name";
        self.statement(words, vec![of(subject.as_bytes())])
    }

    pub(super) fn untold(&self, after: &str, limit: usize) -> Statement {
        let words = "SELECT name, subject, receipt FROM @follower WHERE is_owed AND name > $1
                     ORDER BY name LIMIT $2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.statement(words, vec![Box::new(after.to_owned()), Box::new(limit)])
    }

    /// What a change writes.
    pub(super) fn writes(&self, change: &Change) -> Result<Vec<Statement>, StoreError> {
        let mut all = Vec::new();
        for entry in &change.entries {
            all.push(self.statement(
                "INSERT INTO @entry (seq, at, kind, subject, receipt, body, prev, digest, sealed)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                vec![
                    Box::new(signed(entry.seq)?),
                    Box::new(entry.at.as_microsecond()),
                    Box::new(i16::from(entry.kind.number())),
                    of(entry.subject.as_bytes()),
                    maybe(entry.receipt),
                    of(entry.body.as_bytes()),
                    of(entry.prev.as_bytes()),
                    of(entry.digest.as_bytes()),
                    Box::new(entry.sealed.clone()),
                ],
            ));
            all.push(self.statement(
                "INSERT INTO @person (id, epoch) VALUES ($1, 0) ON CONFLICT DO NOTHING",
                vec![of(entry.subject.as_bytes())],
            ));
        }
        for row in &change.receipts {
            all.push(self.statement(
                "INSERT INTO @receipt
                     (id, subject, entry, rule, purposes, kinds, providers, given_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                vec![
                    of(row.id.as_bytes()),
                    of(row.subject.as_bytes()),
                    Box::new(signed(row.entry)?),
                    Box::new(row.rule.as_ref().map(|rule| rule.as_str().to_owned())),
                    joined(row.purposes.iter().map(Purpose::as_str)),
                    joined(row.kinds.iter().map(DataKind::as_str)),
                    joined(row.providers.iter().map(ProviderName::as_str)),
                    Box::new(row.given_at.as_microsecond()),
                    Box::new(row.expires_at.as_microsecond()),
                ],
            ));
        }
        for (id, at, reason) in &change.ended {
            all.push(self.statement(
                "UPDATE @receipt SET ended_at = $2, ended_by = $3 WHERE id = $1",
                vec![
                    of(id.as_bytes()),
                    Box::new(at.as_microsecond()),
                    Box::new(i16::from(reason.number())),
                ],
            ));
        }
        if let Some((subject, epoch)) = change.epoch {
            all.push(self.statement(
                "UPDATE @person SET epoch = $2 WHERE id = $1",
                vec![of(subject.as_bytes()), Box::new(signed(epoch)?)],
            ));
        }
        if let Some(hold) = &change.held {
            all.push(self.statement(
                "INSERT INTO @hold (id, subject, class, reason, by, until)
                 VALUES ($1, $2, $3, $4, $5, $6)",
                vec![
                    of(hold.id.as_bytes()),
                    of(hold.subject.as_bytes()),
                    Box::new(i16::from(hold.class.number())),
                    Box::new(hold.reason.as_str().to_owned()),
                    Box::new(hold.by.as_str().to_owned()),
                    Box::new(hold.until.map(Timestamp::as_microsecond)),
                ],
            ));
        }
        if let Some((subject, hold)) = change.released {
            all.push(self.statement(
                "DELETE FROM @hold WHERE id = $1 AND subject = $2",
                vec![of(hold.as_bytes()), of(subject.as_bytes())],
            ));
        }
        self.artefact_writes(change, &mut all)?;
        if let Some(source) = &change.source {
            all.push(self.statement(
                "INSERT INTO @source (name, entry) VALUES ($1, $2)",
                vec![of(source.as_bytes()), Box::new(signed(change.head().seq)?)],
            ));
        }
        self.follower_writes(change, &mut all);
        Ok(all)
    }

    fn artefact_writes(&self, change: &Change, all: &mut Vec<Statement>) -> Result<(), StoreError> {
        if let Some((entry, receipt, provider)) = &change.artefact {
            all.push(self.statement(
                "INSERT INTO @artefact (entry, subject, receipt, provider)
                 SELECT $1, subject, id, $3 FROM @receipt WHERE id = $2",
                vec![
                    Box::new(signed(*entry)?),
                    of(receipt.as_bytes()),
                    Box::new(provider.as_str().to_owned()),
                ],
            ));
        }
        if let Some((_, entry)) = change.ended_artefact {
            all.push(self.statement(
                "DELETE FROM @artefact WHERE entry = $1",
                vec![Box::new(signed(entry)?)],
            ));
        }
        Ok(())
    }

    fn follower_writes(&self, change: &Change, all: &mut Vec<Statement>) {
        if let Some(follower) = &change.follower {
            all.push(self.statement(
                "INSERT INTO @follower (name, subject, receipt) VALUES ($1, $2, $3)
                 ON CONFLICT (name) DO UPDATE SET receipt = excluded.receipt",
                vec![
                    Box::new(follower.name.clone()),
                    of(follower.subject.as_bytes()),
                    maybe(follower.receipt),
                ],
            ));
        }
        if let Some((from, to)) = change.moved {
            all.push(self.statement(
                "UPDATE @follower SET receipt = $2 WHERE receipt = $1",
                vec![of(from.as_bytes()), of(to.as_bytes())],
            ));
        }
        for receipt in &change.owed {
            all.push(self.statement(
                "UPDATE @follower SET is_owed = true WHERE receipt = $1",
                vec![of(receipt.as_bytes())],
            ));
        }
        if let Some(told) = &change.told {
            all.push(self.statement(
                "UPDATE @follower SET is_owed = false WHERE name = $1",
                vec![Box::new(told.clone())],
            ));
        }
    }

    /// Writes a change in a transaction that has the ledger's lock, if it was planned for what is stored. `before` is sent ahead of it, and
    /// `after` behind it: both words of ours.
    pub(super) async fn write(
        &self,
        database: &Transaction,
        change: &Change,
        writes: &[Statement],
        before: Option<&str>,
        after: Option<&str>,
    ) -> Outcome<()> {
        let mut checks = vec![self.lock(), self.head()];
        let followed = change.follower.as_ref();
        checks.extend(followed.map(|follower| self.follower(&follower.name)));
        let mut found = ask(database, before, &checks, None)
            .await?
            .into_iter()
            .skip(1);
        let head = self.head_of(&found.next().unwrap_or_default());
        // Of a head that cannot be read, whoever asks for it is told.
        if head.is_ok_and(|head| head != change.expected) {
            return Err(Failure::Overtaken);
        }
        // No entry tells that somebody else began to follow meanwhile under the same name.
        if let Some((known, new)) = found.next().unwrap_or_default().first().zip(followed)
            && follower(known).is_ok_and(|known| known.subject != new.subject)
        {
            return Err(Failure::Overtaken);
        }
        ask(database, None, writes, after).await.map(drop)
    }
}

/// What a store says of a failure.
pub(super) fn failed(failure: Failure) -> StoreError {
    match failure {
        Failure::Overtaken => StoreError::Conflict,
        Failure::Database(error) => match error.code() {
            Some(&SqlState::T_R_DEADLOCK_DETECTED | &SqlState::T_R_SERIALIZATION_FAILURE) => {
                StoreError::Conflict
            }
            _ => match PostgresError::of(&error) {
                error if error.is_unreachable() => StoreError::Unreachable(error.to_string()),
                error => StoreError::Failed(error.to_string()),
            },
        },
        Failure::Pool(why) => StoreError::Unreachable(why.to_owned()),
        Failure::Refused(error) => StoreError::Failed(error.to_string()),
    }
}

fn of(bytes: &[u8]) -> Value {
    Box::new(bytes.to_vec())
}

fn maybe(receipt: Option<ReceiptId>) -> Value {
    Box::new(receipt.map(|receipt| receipt.as_bytes().to_vec()))
}

fn joined<'a>(codes: impl Iterator<Item = &'a str>) -> Value {
    Box::new(codes.collect::<Vec<_>>().join(" "))
}

/// The value of a column.
pub(super) fn get<'r, T: tokio_postgres::types::FromSql<'r>>(
    row: &'r Row,
    column: usize,
) -> Result<T, StoreError> {
    row.try_get(column)
        .map_err(|_| StoreError::Unreadable("a column"))
}

/// The bytes of a column, exactly so many.
pub(super) fn bytes<const N: usize>(row: &Row, column: usize) -> Result<[u8; N], StoreError> {
    let bytes: &[u8] = get(row, column)?;
    bytes
        .try_into()
        .map_err(|_| StoreError::Unreadable("a column"))
}

fn maybe_receipt(row: &Row, column: usize) -> Result<Option<ReceiptId>, StoreError> {
    match get::<Option<&[u8]>>(row, column)? {
        Some(_) => Ok(Some(ReceiptId::from_bytes(bytes(row, column)?))),
        None => Ok(None),
    }
}

pub(super) fn time(microseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(microseconds).map_err(|_| StoreError::Unreadable("a time"))
}

fn signed(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Unreadable("a place"))
}

pub(super) fn unsigned(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Unreadable("a place"))
}

fn small(row: &Row, column: usize) -> Result<u8, StoreError> {
    let number: i16 = get(row, column)?;
    u8::try_from(number).map_err(|_| StoreError::Unreadable("a number"))
}

pub(super) fn entry(row: &Row) -> Result<Entry, StoreError> {
    let kind = EntryKind::from_number(small(row, 2)?);
    Ok(Entry {
        seq: unsigned(get(row, 0)?)?,
        at: time(get(row, 1)?)?,
        kind: kind.ok_or(StoreError::Unreadable("a kind of entry"))?,
        subject: Subject::from_bytes(bytes(row, 3)?),
        receipt: maybe_receipt(row, 4)?,
        body: Digest::from_bytes(bytes(row, 5)?),
        prev: Digest::from_bytes(bytes(row, 6)?),
        digest: Digest::from_bytes(bytes(row, 7)?),
        sealed: get(row, 8)?,
    })
}

pub(super) fn follower(row: &Row) -> Result<Follower, StoreError> {
    Ok(Follower {
        name: get(row, 0)?,
        subject: Subject::from_bytes(bytes(row, 1)?),
        receipt: maybe_receipt(row, 2)?,
    })
}

/// The person's epoch and receipts.
pub(super) fn receipts(
    subject: Subject,
    rows: &[Row],
) -> Result<(u64, Vec<ReceiptRow>), StoreError> {
    let epoch = match rows.first() {
        Some(row) => get::<Option<i64>>(row, 10)?,
        None => None,
    };
    let rows = rows.iter().map(|row| receipt(subject, row));
    Ok((
        unsigned(epoch.unwrap_or(0))?,
        rows.collect::<Result<_, _>>()?,
    ))
}

fn receipt(subject: Subject, row: &Row) -> Result<ReceiptRow, StoreError> {
    let ended = match (get::<Option<i64>>(row, 8)?, get::<Option<i16>>(row, 9)?) {
        (None, None) => None,
        (Some(at), Some(_)) => {
            let by = EndReason::from_number(small(row, 9)?);
            let by = by.ok_or(StoreError::Unreadable("why a receipt ended"))?;
            Some((time(at)?, by))
        }
        _ => return Err(StoreError::Unreadable("when a receipt ended")),
    };
    Ok(ReceiptRow {
        id: ReceiptId::from_bytes(bytes(row, 0)?),
        subject,
        entry: unsigned(get(row, 1)?)?,
        rule: codes(row, 2, Rule::new)?.pop(),
        purposes: codes(row, 3, Purpose::new)?,
        kinds: codes(row, 4, DataKind::new)?,
        providers: codes(row, 5, ProviderName::new)?,
        given_at: time(get(row, 6)?)?,
        expires_at: time(get(row, 7)?)?,
        ended,
    })
}

/// The codes of a column, none if it is null.
fn codes<T, E>(
    row: &Row,
    column: usize,
    code: impl Fn(&str) -> Result<T, E>,
) -> Result<Vec<T>, StoreError> {
    let text: Option<&str> = get(row, column)?;
    let words = text.unwrap_or_default().split(' ');
    let codes = words.filter(|word| !word.is_empty()).map(code);
    let codes = codes.collect::<Result<_, _>>();
    codes.map_err(|_| StoreError::Unreadable("the codes of a receipt"))
}

pub(super) fn hold(subject: Subject, row: &Row) -> Result<Hold, StoreError> {
    let code = |column| {
        let code = Code::new(get(row, column)?);
        code.map_err(|_| StoreError::Unreadable("a code of a hold"))
    };
    let class = Class::from_number(small(row, 1)?);
    Ok(Hold {
        id: HoldId::from_bytes(bytes(row, 0)?),
        subject,
        class: class.ok_or(StoreError::Unreadable("a class"))?,
        reason: code(2)?,
        by: code(3)?,
        until: get::<Option<i64>>(row, 4)?.map(time).transpose()?,
    })
}

/// An artefact: its entry, its receipt and its provider.
pub(super) fn artefact(row: &Row) -> Result<(u64, ReceiptId, ProviderName), StoreError> {
    let provider = ProviderName::new(get(row, 2)?);
    Ok((
        unsigned(get(row, 0)?)?,
        ReceiptId::from_bytes(bytes(row, 1)?),
        provider.map_err(|_| StoreError::Unreadable("a provider"))?,
    ))
}
