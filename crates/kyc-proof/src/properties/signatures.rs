//! Veriff's signature.

use consent_hmac::{SharedSecret, Signature, Signer, Verifier};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use provider_core::VerificationError;
use provider_core::jiff::Timestamp;

use super::values::{nearly, shaped};
use crate::failure::Result;

fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..=100)
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..=200)
}

pub(super) fn what_is_signed_verifies(runner: &mut TestRunner) -> Result<()> {
    runner.run(&(key(), message()), |(key, message)| {
        let signature = Signer::with_key(&key).unwrap().sign(&message);
        let verifier = Verifier::with_key(&key).unwrap();
        prop_assert_eq!(verifier.verify(&message, &signature), Ok(()));
        let digits = signature.to_string();
        for digits in [digits.to_ascii_uppercase(), digits] {
            let read = Signature::from_hex(&digits).unwrap();
            prop_assert_eq!(verifier.verify(&message, &read), Ok(()));
            prop_assert_eq!(read.to_string(), digits.to_ascii_lowercase());
        }
        Ok(())
    })?;
    Ok(())
}

pub(super) fn one_changed_bit_does_not_verify(runner: &mut TestRunner) -> Result<()> {
    let cases = (key(), message(), 0..3, any::<Index>());
    runner.run(&cases, |(mut key, mut message, changed, at)| {
        let signature = Signer::with_key(&key).unwrap().sign(&message);
        let mut bytes = hex::decode(signature.to_string()).unwrap();
        match changed {
            0 if !message.is_empty() => flip(&mut message, at),
            1 => flip(&mut key, at),
            _ => flip(&mut bytes, at),
        }
        let signature = Signature::from_hex(hex::encode(bytes)).unwrap();
        let verdict = Verifier::with_key(&key)
            .unwrap()
            .verify(&message, &signature);
        prop_assert_eq!(verdict, Err(VerificationError::SignatureMismatch));
        Ok(())
    })?;
    Ok(())
}

fn flip(bytes: &mut [u8], at: Index) {
    let bit = at.index(bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
}

pub(super) fn secrets_that_count_verify(runner: &mut TestRunner) -> Result<()> {
    // Few secrets and few moments, so that some are the same and some fall on the very end.
    let secret = || shaped("[a-c]{1,2}");
    let others = vec((secret(), option::of(0..4_i64)), 0..=4);
    let cases = (secret(), others, secret(), message(), 0..4_i64);
    runner.run(&cases, |(first, others, signs, message, now)| {
        let shared = |text: &str| SharedSecret::new(text).unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut verifier = Verifier::new(&shared(&first));
        let mut counts = first == signs;
        for (text, until) in &others {
            verifier = match until {
                Some(until) => verifier.or_until(&shared(text), at(*until)),
                None => verifier.or(&shared(text)),
            };
            counts |= *text == signs && until.is_none_or(|until| now < until);
        }
        let signature = Signer::new(&shared(&signs)).sign(&message);
        let verdict = verifier.verify_at(&message, &signature, at(now));
        prop_assert_eq!(verdict.is_ok(), counts);
        Ok(())
    })?;
    Ok(())
}

pub(super) fn only_hexadecimal_digits_are_a_signature(runner: &mut TestRunner) -> Result<()> {
    runner.run(&nearly("[0-9a-fA-F]{64}"), |text| {
        let shaped = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match Signature::from_hex(&text) {
            Ok(read) => {
                prop_assert!(shaped);
                prop_assert_eq!(read.to_string(), text.to_ascii_lowercase());
            }
            Err(error) => {
                prop_assert!(!shaped);
                prop_assert_eq!(error, VerificationError::MalformedSignature);
            }
        }
        Ok(())
    })?;
    Ok(())
}
