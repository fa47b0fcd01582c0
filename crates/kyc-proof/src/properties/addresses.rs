//! The addresses of requests.

use anyhow::Result;
use kyc_proof::checks::Addressed;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use provider_core::BaseUrl;

use super::Trial;
use super::values::{hostile, path_id, shaped};

/// A legal base URL.
fn address() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        shaped("[a-z][a-z0-9]{0,10}\\.example\\.test"),
        Just("127.0.0.1".to_owned()),
        Just("[::1]".to_owned()),
        Just("localhost".to_owned()),
    ];
    let path = shaped("(/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,8}){0,2}(/v1)?/?");
    let parts = (shaped("https?"), host, option::of(0..=u16::MAX), path);
    parts.prop_map(|(scheme, host, port, path)| {
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        format!("{scheme}://{host}{port}{path}")
    })
}

pub(super) fn urls_keep_their_segments(trial: &Trial) -> Result<()> {
    let all = Addressed::all();
    let cases = (any::<Index>(), address(), path_id());
    let says = "an operation's URL keeps base, segments and origin through a URL parser";
    trial.holds(says, cases, |(which, base, id)| {
        let sent = which.get(&all).is_sent(&base, &id);
        // A provider's settings take plain http to this machine only.
        let parsed = BaseUrl::parse("BASE_URL", &base);
        let legal = parsed.is_ok_and(|base| !base.is_clear_text_to_another_machine());
        prop_assert_eq!(sent.map_err(TestCaseError::fail)?, legal);
        Ok(())
    })
}

pub(super) fn hostile_addresses_keep_their_segments(trial: &Trial) -> Result<()> {
    const LEGAL: &str = "https://provider.example.test";

    let all = Addressed::all();
    let host = prop_oneof![hostile(), shaped("a\\.test")];
    let hostile_base = (shaped("https?://"), host, hostile())
        .prop_map(|(scheme, host, path)| format!("{scheme}{host}/{path}"));
    let base = prop_oneof![hostile_base, Just(LEGAL.to_owned())];
    let cases = (any::<Index>(), base, prop_oneof![hostile(), path_id()]);
    let says = "a hostile base URL or id is refused, or keeps its segments";
    trial.holds(says, cases, |(which, base, id)| {
        let addressed = which.get(&all);
        let sent = addressed.is_sent(&base, &id).map_err(TestCaseError::fail)?;
        // Nothing else is refused than what no id can be.
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        let is_id = (1..=128).contains(&id.len()) && id.bytes().all(allowed);
        if base == LEGAL {
            prop_assert_eq!(sent, is_id || !addressed.has_id());
        }
        Ok(())
    })
}
