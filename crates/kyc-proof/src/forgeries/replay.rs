//! Genuine replies in a place that is not theirs.

use anyhow::Result;
use provider_core::VerificationError::OtherRequest;

use super::Table;
use super::Verdict::{self, Accepted, NoAnswer, Refused};
use super::veriff::{
    API_KEY, NOW, REPLY, SECRET, SESSION, X, X_CLIENT, call, integration, reply, sign,
};

/// A genuine reply to another session of the same integration.
const OTHER_SESSION: &str = "00000000-0000-4000-8000-00000000a0a0";

pub(super) async fn run(table: &mut Table) -> Result<()> {
    let for_session = |session: &str| REPLY.replace(SESSION, session);
    let mut near = SESSION.to_owned();
    near.replace_range(35.., "c");
    let others = [
        for_session(OTHER_SESSION),
        for_session(&near),
        for_session(&SESSION[1..]),
        for_session(&format!("{SESSION} ")),
        for_session(&format!("{SESSION}\\u0000")),
        for_session(""),
        for_session("*"),
    ];
    let ours = format!(r#""sessionId":"{SESSION}""#);
    let unclear = [
        REPLY.replace(&ours, r#""sessionId":null"#),
        REPLY.replace(&ours, &format!(r#""sessionId":["{SESSION}"]"#)),
        REPLY.replace(&ours, &format!(r#""session":"{SESSION}""#)),
        REPLY.replace(&ours, &format!(r#""sessionId":"{OTHER_SESSION}",{ours}"#)),
        REPLY.replace(&ours, &format!(r#"{ours},"sessionId":"{OTHER_SESSION}""#)),
    ];
    // Veriff signs these with the same secret for this very session: a webhook's event, a session's creation, a decision.
    let elsewhere = [
        format!(
            r#"{{"id":"{SESSION}","attemptId":"made-up","feature":"selfid","code":7002,"action":"submitted"}}"#
        ),
        format!(r#"{{"status":"success","verification":{{"id":"{SESSION}","status":"created"}}}}"#),
        format!(
            r#"{{"status":"success","verification":{{"id":"{SESSION}","code":9001,"status":"approved"}}}}"#
        ),
    ];
    let upper = [for_session(&SESSION.to_ascii_uppercase())];
    let to_another = "a genuine reply to another session";
    signed(table, to_another, Refused(OtherRequest), &others).await?;
    let without_session = "genuine, and its session is missing or repeated";
    signed(table, without_session, NoAnswer, &unclear).await?;
    let from_elsewhere = "genuine, from another operation or a webhook";
    signed(table, from_elsewhere, NoAnswer, &elsewhere).await?;
    let in_capitals = "our session in the other case: legal, a UUID has none";
    signed(table, in_capitals, Accepted, &upper).await
}

/// Replies that are all signed rightly.
async fn signed(table: &mut Table, what: &str, expected: Verdict, bodies: &[String]) -> Result<()> {
    for body in bodies {
        let signature = sign(SECRET, body.as_bytes()).into_bytes();
        let headers = vec![(X_CLIENT, API_KEY.into()), (X, signature)];
        let called = call(integration(), reply(&headers, body.as_bytes()), NOW).await?;
        table.add("F80", what, expected, called.verdict()?);
    }
    Ok(())
}
