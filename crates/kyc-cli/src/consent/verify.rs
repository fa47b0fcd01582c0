//! `kyc consent verify`.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use kyc_consent::{Digest, Head, LedgerError, LedgerId, StoreError, verify_export};
use serde_json::{Value, json};

use crate::arguments::ConsentVerify;
use crate::failure::{EXIT_UNTRUSTED, Failure};
use crate::storage::ledger::{Ledger, failed};
use crate::storage::place::Place;
use crate::terminal::output::Output;

/// More than an export of a million entries.
const LONGEST_EXPORT: u64 = 2 * 1024 * 1024 * 1024;

pub(crate) fn run(arguments: &ConsentVerify, output: Output) -> Result<u8, Failure> {
    let anchors = arguments.head.iter().map(|text| head(text));
    let anchors = anchors.collect::<Result<Vec<_>, _>>()?;
    let found = match &arguments.export {
        Some(path) => verify_export(&read(path)?, &anchors).map_err(|error| error.to_string()),
        None => {
            let ledger = Ledger::to_read(&Place::of(&arguments.store)?)?;
            match ledger.0.verify(&anchors) {
                Err(LedgerError::Misfit(misfit)) => Err(misfit.to_string()),
                // Its pages were changed without SQLite, or the disk has lost some.
                Err(LedgerError::Store(error @ StoreError::Unreadable(_))) => {
                    Err(error.to_string())
                }
                Err(error) => return Err(failed(&error)),
                Ok(head) => Ok(head),
            }
        }
    };
    match found {
        Ok(head) if output.json => {
            let text = head_text(&head);
            let answer = json!({ "whole": true, "entries": head.seq, "head": text });
            output.answer(&answer, None)?;
            Ok(0)
        }
        Ok(head) => {
            output.told(&format!("whole, with {} entries", head.seq))?;
            output.told(&head_text(&head))?;
            Ok(0)
        }
        Err(misfit) => {
            match output.json {
                true => output.answer(&json!({ "whole": false, "misfit": misfit }), None)?,
                false => output.on_stderr(&format!("it is not what was written: {misfit}")),
            }
            Ok(EXIT_UNTRUSTED)
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    const FIELD: &str = "--export";
    let failed = |error: io::Error| Failure::file(FIELD, "read", &error);
    let file = fs::File::open(path).map_err(failed)?;
    let mut text = Vec::new();
    let mut limited = file.take(LONGEST_EXPORT.saturating_add(1));
    limited.read_to_end(&mut text).map_err(failed)?;
    match u64::try_from(text.len()).is_ok_and(|length| length <= LONGEST_EXPORT) {
        true => Ok(text),
        false => Err(Failure::configuration(
            FIELD,
            "must be no longer than 2 GiB",
        )),
    }
}

/// A head as a word that can be kept elsewhere.
pub(crate) fn head_text(head: &Head) -> String {
    format!("{}:{}:{}", head.ledger, head.seq, head.digest)
}

fn head(text: &str) -> Result<Head, Failure> {
    let read = || {
        let mut parts = text.splitn(3, ':');
        let ledger = LedgerId::parse(parts.next()?).ok()?;
        let seq = parts.next()?.parse().ok()?;
        let digest = Value::String(parts.next()?.to_owned());
        let digest: Digest = serde_json::from_value(digest).ok()?;
        Some(Head {
            ledger,
            seq,
            digest,
        })
    };
    let rule = "must be LEDGER:SEQ:DIGEST, as `kyc consent verify` prints it";
    read().ok_or_else(|| Failure::configuration("--head", rule))
}
