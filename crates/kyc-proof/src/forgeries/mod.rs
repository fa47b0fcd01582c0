//! Replies that were altered or made up: each is refused with its own error, after one request, and its body is never read.
//!
//! Rows are numbered as those of the fault matrix, which has what happens to bytes on a socket; here is the rest, without a network. A
//! legal variant and a documented limit stand in the same table, with the reason. Pairs of headers, rotated secrets and genuine replies in
//! a place that is not theirs are in consent-hmac's tests.

mod replies;
pub(crate) mod veriff;
mod webhook;

use std::fmt;

use anyhow::{Result, anyhow};
use provider_core::{Error, ErrorKind, Outcome, VerificationError};

use crate::Settings;

pub(crate) fn run(settings: &Settings) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut table = Table::default();
    runtime.block_on(replies::run(&mut table))?;
    webhook::run(&mut table, settings);
    table.print()
}

/// The result of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is believed: by a rule, or by a limit that is documented.
    Accepted,
    /// It is not, and was not read.
    Refused(VerificationError),
}

use Verdict::{Accepted, Refused};

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Accepted => f.pad("accepted"),
            Refused(error) => f.pad(&format!("{error:?}")),
        }
    }
}

/// One result of a call, with how many requests the peer saw.
struct Called {
    result: std::result::Result<(), Error>,
    requests: usize,
}

impl Called {
    /// The verdict, if there was one request.
    fn verdict(&self) -> Result<Verdict> {
        let verdict = match &self.result {
            Ok(()) => Accepted,
            Err(error) => judge(error)?,
        };
        // What is not recognised at all is a gateway's, and repeated where that does no harm.
        let is_page = |error: &Error| error.kind() == ErrorKind::Unrecognized;
        let page = self.result.as_ref().err().filter(|error| is_page(error));
        let expected = page.map_or(1, |error| error.attempts() as usize);
        match self.requests {
            requests if requests == expected => Ok(verdict),
            requests => Err(anyhow!("{verdict} after {requests} requests")),
        }
    }
}

/// The verdict of a failure.
fn judge(error: &Error) -> Result<Verdict> {
    // Who has read the body, as a success or as a refusal, says so.
    let unread = error.decode().is_none() && error.fault().is_none();
    let found = (error.kind(), error.outcome(), error.verification());
    match found {
        (ErrorKind::Verification, Outcome::Unknown, Some(reason))
            if unread && error.attempts() == 1 && !error.is_retryable() =>
        {
            Ok(Refused(*reason))
        }
        // Neither a signature nor a member of the provider's envelope.
        (ErrorKind::Unrecognized, Outcome::Unknown, _) if error.fault().is_none() => {
            Ok(Refused(VerificationError::MissingSignature))
        }
        _ => Err(anyhow!("{error:?}")),
    }
}

/// What was tried, in the order of the first of each sort.
#[derive(Default)]
struct Table(Vec<Row>);

/// Replies that were altered in one way.
struct Row {
    /// Numbered as in the fault matrix.
    number: &'static str,
    what: String,
    expected: Verdict,
    replies: usize,
    /// Those that came to something else.
    wrong: Vec<Verdict>,
}

impl Table {
    /// Adds one reply.
    fn add(&mut self, number: &'static str, what: &str, expected: Verdict, found: Verdict) {
        let same =
            |row: &Row| (row.number, row.what.as_str(), row.expected) == (number, what, expected);
        let at = self.0.iter().position(same).unwrap_or_else(|| {
            self.0.push(Row {
                number,
                what: what.to_owned(),
                expected,
                replies: 0,
                wrong: Vec::new(),
            });
            self.0.len() - 1
        });
        let row = &mut self.0[at];
        row.replies += 1;
        if found != expected {
            row.wrong.push(found);
        }
    }

    /// Prints the rows and their sums; fails if anything came to something else than expected.
    fn print(&self) -> Result<()> {
        let (mut forged, mut refused, mut legal) = (0, 0, 0);
        for Row {
            number,
            what,
            expected,
            replies,
            wrong,
        } in &self.0
        {
            println!("  {number:<8}{what:<69}{expected:<19}{replies:>9}");
            if *expected == Accepted {
                legal += replies;
            } else {
                forged += replies;
                refused += replies - wrong.iter().filter(|found| **found == Accepted).count();
            }
            if let Some(found) = wrong.first() {
                println!("          WRONG: {found}, and {} more", wrong.len() - 1);
            }
        }
        println!(
            "  {forged} forged replies, {refused} refused; {legal} legal ones or documented limits"
        );
        if self.0.iter().all(|row| row.wrong.is_empty()) {
            Ok(())
        } else {
            Err(anyhow!("a reply came to something else than it should"))
        }
    }
}
