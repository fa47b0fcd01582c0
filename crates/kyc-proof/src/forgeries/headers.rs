//! The two documented pairs of headers in every combination, against a rule written down a second time.

use anyhow::Result;
use consent_hmac::Veriff;
use provider_core::VerificationError::{
    ConflictingHeaders, MalformedSignature, MissingSignature, OtherClient, SignatureMismatch,
};
use provider_core::jiff::SignedDuration;

use super::Table;
use super::Verdict::{self, Accepted, Refused};
use super::veriff::{
    API_KEY, Headers, NOW, OTHER_CLIENT, OTHER_SECRET, REPLY, SECRET, VRF, VRF_CLIENT, X, X_CLIENT,
    call, check, integration, reply, secret, sign,
};

/// What a header holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Absent,
    Right,
    Wrong,
    Malformed,
}

use State::{Absent, Malformed, Right, Wrong};

impl State {
    const ALL: [Self; 4] = [Absent, Right, Wrong, Malformed];
}

pub(super) async fn run(table: &mut Table) -> Result<()> {
    let what = "pairs of headers, each absent, right, wrong or malformed";
    let rotating = |until| integration().or_verify_until(&secret(OTHER_SECRET), until);
    let second = SignedDuration::from_secs(1);
    for (veriff, unsigned, other) in [
        (
            integration(),
            Refused(MissingSignature),
            Refused(SignatureMismatch),
        ),
        (
            integration().accept_unsigned_replies(),
            Accepted,
            Refused(SignatureMismatch),
        ),
        (rotating(NOW + second), Refused(MissingSignature), Accepted),
        (
            rotating(NOW),
            Refused(MissingSignature),
            Refused(SignatureMismatch),
        ),
    ] {
        for states in combinations() {
            one(table, what, &veriff, states, [unsigned, other]).await?;
        }
    }
    Ok(())
}

/// One combination at an integration with these verdicts of no signature and of one with the other secret.
async fn one(
    table: &mut Table,
    what: &str,
    veriff: &Veriff,
    [x_client, vrf_client, x, vrf]: [State; 4],
    verdicts: [Verdict; 2],
) -> Result<()> {
    let expected = rule([x_client, vrf_client], [x, vrf], verdicts);
    let headers = [
        client(X_CLIENT, x_client),
        client(VRF_CLIENT, vrf_client),
        signature(X, x),
        signature(VRF, vrf),
    ];
    let headers: Headers = headers.into_iter().flatten().collect();
    let raw = reply(&headers, REPLY.as_bytes());
    table.add("-", what, expected, check(veriff, &raw, NOW));
    let called = call(veriff.clone(), raw, NOW).await?;
    table.add("-", what, expected, called.verdict()?);
    Ok(())
}

/// Every state of four headers: 256.
fn combinations() -> impl Iterator<Item = [State; 4]> {
    (0..256_usize).map(|number| [0, 2, 4, 6].map(|shift| State::ALL[number >> shift & 3]))
}

/// Whose reply it is comes first, then whether the signatures agree, then whether the one of them is right.
fn rule(clients: [State; 2], signatures: [State; 2], [unsigned, other]: [Verdict; 2]) -> Verdict {
    if clients.contains(&Wrong) || clients.contains(&Malformed) {
        return Refused(OtherClient);
    }
    let one = match signatures {
        [Absent, one] | [one, Absent] => one,
        [one, other] if one == other => one,
        _ => return Refused(ConflictingHeaders),
    };
    match one {
        Absent => unsigned,
        Malformed => Refused(MalformedSignature),
        Wrong => other,
        Right => Accepted,
    }
}

fn client(name: &'static str, state: State) -> Option<(&'static str, Vec<u8>)> {
    let value = match state {
        Absent => return None,
        Right => API_KEY,
        Wrong => OTHER_CLIENT,
        Malformed => "",
    };
    Some((name, value.into()))
}

fn signature(name: &'static str, state: State) -> Option<(&'static str, Vec<u8>)> {
    let value = match state {
        Absent => return None,
        Right => sign(SECRET, REPLY.as_bytes()),
        Wrong => sign(OTHER_SECRET, REPLY.as_bytes()),
        Malformed => String::new(),
    };
    Some((name, value.into_bytes()))
}
