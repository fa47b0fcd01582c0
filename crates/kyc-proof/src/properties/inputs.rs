//! Inputs that are parsed once.

use std::fmt::Debug;

use anyhow::Result;
use consent_hmac::SessionId;
use finpro_profile::{AaId, UserConsentId};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use provider_core::{Email, InvalidRequest, Mobile, Pan, PathId, RequestId};

use super::Trial;
use super::values::{hostile, nearly};

/// That a text is taken as it is, and read again as the same, or refused in the words that refuse the empty text or a
/// control character.
fn taken_or_refused<T: Debug + PartialEq>(
    text: &str,
    parse: impl Fn(&str) -> std::result::Result<T, InvalidRequest>,
    expose: impl Fn(&T) -> &str,
) -> TestCaseResult {
    match parse(text) {
        Ok(value) => {
            prop_assert_eq!(expose(&value), text);
            prop_assert_eq!(parse(expose(&value)), Ok(value));
        }
        Err(error) => {
            let known = ["", "\0"].map(|text| parse(text).err());
            prop_assert!(known.contains(&Some(error)), "other words");
        }
    }
    Ok(())
}

pub(super) fn inputs_are_taken_or_refused(trial: &Trial) -> Result<()> {
    let cases = prop_oneof![
        nearly("[0-9]{10}"),
        nearly("[A-Z]{5}[0-9]{4}[A-Z]"),
        nearly("[a-z.]{1,8}@[a-z.]{1,8}"),
        nearly("[A-Za-z0-9_-]{1,128}"),
        nearly("[a-z]{49,51}"),
        hostile(),
    ];
    let says = "an input is taken unchanged, or refused in words that do not depend on it";
    trial.holds(says, cases, |text| {
        taken_or_refused(&text, Mobile::parse, Mobile::expose)?;
        taken_or_refused(&text, Pan::parse, Pan::expose)?;
        taken_or_refused(&text, Email::parse, Email::expose)?;
        taken_or_refused(&text, |text| PathId::parse("id", text), PathId::as_str)?;
        taken_or_refused(&text, SessionId::parse, SessionId::as_str)?;
        taken_or_refused(&text, RequestId::parse, RequestId::as_str)?;
        taken_or_refused(&text, AaId::parse, AaId::as_str)?;
        taken_or_refused(&text, UserConsentId::parse, UserConsentId::as_str)
    })
}
