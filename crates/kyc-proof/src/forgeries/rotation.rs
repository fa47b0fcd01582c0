//! A secret that is being replaced: who signs with what, and what is listed when.

use consent_hmac::Veriff;
use provider_core::VerificationError::SignatureMismatch;
use provider_core::jiff::{SignedDuration, Timestamp};

use super::Table;
use super::Verdict::{Accepted, Refused};
use super::veriff::{NOW, OTHER_SECRET, REPLY, X, call, reply, secret, sign, with_secret};
use crate::failure::Result;

const OLD: &str = "made-up-old-secret";
const NEW: &str = "made-up-new-secret";

/// What is listed, when the reply comes, and which of old, new and other verifies then.
struct Stage {
    what: &'static str,
    veriff: Veriff,
    now: Timestamp,
    believed: [bool; 3],
}

pub(super) async fn run(table: &mut Table) -> Result<()> {
    for stage in stages() {
        for ((secret, by), believed) in [
            (OLD, "the old"),
            (NEW, "the new"),
            (OTHER_SECRET, "another"),
        ]
        .into_iter()
        .zip(stage.believed)
        {
            let expected = if believed {
                Accepted
            } else {
                Refused(SignatureMismatch)
            };
            let what = format!("{}: signed with {by}", stage.what);
            let headers = vec![(X, sign(secret, REPLY.as_bytes()).into_bytes())];
            let raw = reply(&headers, REPLY.as_bytes());
            let called = call(stage.veriff.clone(), raw, stage.now).await?;
            table.add("F83", &what, expected, called.verdict()?);
        }
    }
    Ok(())
}

fn stages() -> Vec<Stage> {
    let alone = |text| with_secret(text, "http://localhost");
    let ending = || alone(NEW).or_verify_until(&secret(OLD), NOW);
    let nanosecond = SignedDuration::from_nanos(1);
    let later = NOW + SignedDuration::from_mins(10);
    let many = ["a", "b", "c"].iter().fold(alone(OLD), |veriff, text| {
        veriff.or_verify_with(&secret(text))
    });
    let (old_or_new, new_or_old) = (
        alone(OLD).or_verify_with(&secret(NEW)),
        alone(NEW).or_verify_with(&secret(OLD)),
    );
    let (old, both, new) = (
        [true, false, false],
        [true, true, false],
        [false, true, false],
    );
    let stages = [
        ("the old secret alone", alone(OLD), NOW, old),
        ("the old, or the new", old_or_new, NOW, both),
        ("the new, or the old", new_or_old, NOW, both),
        (
            "the new, or the old for 1 ns more",
            ending(),
            NOW - nanosecond,
            both,
        ),
        ("the new, or the old until this moment", ending(), NOW, new),
        ("the new, or the old until 10 min ago", ending(), later, new),
        (
            "the new, or the old until long ago",
            ending(),
            Timestamp::MAX,
            new,
        ),
        ("the new alone", alone(NEW), NOW, new),
        (
            "the last of five",
            many.or_verify_with(&secret(NEW)),
            NOW,
            both,
        ),
    ];
    stages
        .map(|(what, veriff, now, believed)| Stage {
            what,
            veriff,
            now,
            believed,
        })
        .into()
}
