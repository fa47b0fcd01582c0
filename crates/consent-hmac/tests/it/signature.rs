//! Signatures: published vectors, check values, and refused signatures. Pure.

use consent_hmac::provider_core::VerificationError;
use consent_hmac::provider_core::jiff::Timestamp;
use consent_hmac::{SharedSecret, SharedSecrets, Signature, Signer, Verifier};
use kyc_sandbox::credentials::VERIFF_OLD_SECRET;
use sha2::{Digest, Sha256};

use crate::sandbox::secret;

/// The secret of the vectors, as text and as the 16 bytes of the UUID.
const SECRET: &str = "abcdef12-abcd-abcd-abcd-abcdef012345";
const SECRET_AS_UUID: [u8; 16] = [
    0xab, 0xcd, 0xef, 0x12, 0xab, 0xcd, 0xab, 0xcd, 0xab, 0xcd, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45,
];

const D: &str = r#"{"type":"ine","approved":true,"text":"User agrees to share their INE details"}"#;
const D_SIGNATURE: &str = "8d59f58d580b3d4d43cfd980621aa0b03bab567960634566e9f10de5ab7aaff4";

/// Messages and signatures with [`SECRET`], one per line: `fixtures/veriff/signatures.jsonl`.
fn vectors() -> Vec<(String, String)> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/signatures.jsonl");
    let lines = std::fs::read_to_string(file).unwrap();
    let vectors = lines.lines().map(|line| {
        let vector: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |field: &str| vector[field].as_str().unwrap().to_owned();
        assert_eq!(text("key"), SECRET);
        (text("message"), text("signature"))
    });
    vectors.collect()
}

fn signature(hex: &str) -> Signature {
    Signature::from_hex(hex).unwrap()
}

#[test]
fn every_vector_is_signed_and_verified() {
    let signer = Signer::new(&SharedSecret::new(SECRET).unwrap());
    let verifier = Verifier::new(&SharedSecret::new(SECRET).unwrap());
    let vectors = vectors();
    for (message, expected) in &vectors {
        assert_eq!(signer.sign(message.as_bytes()).to_string(), *expected);
        verifier
            .verify(message.as_bytes(), &signature(expected))
            .unwrap();
    }
    assert!(vectors.contains(&(D.to_owned(), D_SIGNATURE.to_owned())));
}

#[test]
fn white_space_is_part_of_the_message() {
    let spaced = D.replace(':', ": ").replace(',', ", ");
    assert_eq!(spaced.len(), 83);
    let made = Signer::new(&secret()).sign(spaced.as_bytes()).to_string();
    assert_eq!(
        made,
        "2e17b5283e4cd29df8011c67b990cf392fbdafea72169929bedb6ebc54c8d803"
    );
    assert_ne!(made, D_SIGNATURE);
    assert_eq!(
        Verifier::new(&secret()).verify(spaced.as_bytes(), &signature(D_SIGNATURE)),
        Err(VerificationError::SignatureMismatch)
    );
}

#[test]
fn the_secret_is_text_and_not_a_uuid_s_bytes() {
    let wrong_key = "44efdd4cc32333ae91e8b113f7e21ff3ed4db08bd11ceeb92785616f03dfe7c5";
    let as_uuid = Signer::with_key(&SECRET_AS_UUID).unwrap();
    assert_eq!(as_uuid.sign(D.as_bytes()).to_string(), wrong_key);
    assert_ne!(
        Signer::new(&secret()).sign(D.as_bytes()).to_string(),
        wrong_key
    );
    assert_eq!(
        Verifier::new(&secret()).verify(D.as_bytes(), &signature(wrong_key)),
        Err(VerificationError::SignatureMismatch)
    );
}

#[test]
fn the_legacy_scheme_is_not_accepted() {
    let wrong_scheme = "a6138b589cf54ef37f0880682de37690e74920d73441a86f4832e58e685267a7";
    let legacy = Sha256::new()
        .chain_update(D)
        .chain_update(SECRET)
        .finalize();
    let legacy: String = legacy.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(legacy, wrong_scheme);
    assert_ne!(
        Signer::new(&secret()).sign(D.as_bytes()).to_string(),
        wrong_scheme
    );
    assert_eq!(
        Verifier::new(&secret()).verify(D.as_bytes(), &signature(wrong_scheme)),
        Err(VerificationError::SignatureMismatch)
    );
}

#[test]
fn rfc_4231_case_2() {
    let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let message = b"what do ya want for nothing?";
    let made = Signer::with_key(b"Jefe").unwrap().sign(message);
    assert_eq!(made.to_string(), expected);
    let verifier = Verifier::with_key(b"Jefe").unwrap();
    verifier.verify(message, &made).unwrap();
}

#[test]
fn a_key_is_not_empty() {
    assert!(Signer::with_key(b"").is_err());
    assert!(Verifier::with_key(b"").is_err());
    for text in [
        "",
        " CANARY",
        "CANARY\n",
        "CAN\u{0}ARY",
        "\u{feff}CANARY",
        "CANARY\u{200b}",
        "CAN,ARY",
    ] {
        let error = SharedSecret::new(text).unwrap_err();
        assert_eq!(error.field(), "shared secret", "{text:?}");
        assert!(text.is_empty() || !error.to_string().contains(text));
    }
    // A key may have any length and script.
    for text in ["s", "clé-privée", "long ".repeat(50).trim()] {
        let secret = SharedSecret::new(text.to_owned()).unwrap();
        let made = Signer::new(&secret).sign(b"x");
        Verifier::new(&secret).verify(b"x", &made).unwrap();
        let raw = Signer::with_key(text.as_bytes()).unwrap().sign(b"x");
        assert_eq!(made.to_string(), raw.to_string());
    }
}

#[test]
fn of_a_list_the_first_signs_and_all_verify() {
    let secrets = SharedSecrets::parse("new,old").unwrap();
    let made = |text: &str| Signer::new(&SharedSecret::new(text).unwrap()).sign(b"x");
    let signed = secrets.signer().sign(b"x");
    assert_eq!(signed.to_string(), made("new").to_string());
    for text in ["new", "old"] {
        assert!(secrets.verifier().verify(b"x", &made(text)).is_ok());
    }
    assert!(secrets.verifier().verify(b"x", &made("other")).is_err());
    for text in ["", ",", "CANARY,", "CANARY,,b", "CANARY, b"] {
        let error = SharedSecrets::parse(text).unwrap_err();
        assert_eq!(error.field(), "shared secret", "{text:?}");
        assert!(!format!("{error} {secrets:?}").contains("CANARY"));
    }
}

#[test]
fn a_signature_is_64_hexadecimal_digits_of_either_case() {
    let upper = D_SIGNATURE.to_ascii_uppercase();
    let mixed = format!("{}{}", &upper[..32], &D_SIGNATURE[32..]);
    for text in [D_SIGNATURE, &upper, &mixed] {
        assert_eq!(signature(text).to_string(), D_SIGNATURE);
    }
    for text in [
        "",
        "8d",
        &D_SIGNATURE[1..],
        &D_SIGNATURE[2..],
        &format!("{D_SIGNATURE}8"),
        &format!("{D_SIGNATURE}8d"),
        &format!("sha256={D_SIGNATURE}"),
        &format!("0x{}", &D_SIGNATURE[2..]),
        &format!(" {}", &D_SIGNATURE[1..]),
        &format!("{D_SIGNATURE} "),
        &format!("{D_SIGNATURE}\n"),
        &D_SIGNATURE.replace('8', "g"),
        &D_SIGNATURE.replacen("8d", "é", 1),
        // The same 32 bytes in base64.
        "jVn1jVgLPU1Dz9mAYhqgsDurVnlgY0Vm6fEN5at6r/Q=",
    ] {
        assert_eq!(
            Signature::from_hex(text).unwrap_err(),
            VerificationError::MalformedSignature,
            "{text:?}"
        );
    }
}

#[test]
fn every_bit_of_message_and_signature_matters() {
    let verifier = Verifier::new(&secret());
    let right = hex::decode_to_array(D_SIGNATURE);
    for bit in 0..D.len() * 8 {
        let mut message = D.as_bytes().to_vec();
        message[bit / 8] ^= 1 << (bit % 8);
        let found = verifier.verify(&message, &signature(D_SIGNATURE));
        assert_eq!(
            found,
            Err(VerificationError::SignatureMismatch),
            "bit {bit}"
        );
    }
    for bit in 0..right.len() * 8 {
        let mut bytes = right;
        bytes[bit / 8] ^= 1 << (bit % 8);
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let found = verifier.verify(D.as_bytes(), &signature(&text));
        assert_eq!(
            found,
            Err(VerificationError::SignatureMismatch),
            "bit {bit}"
        );
    }
    for length in 0..D.len() {
        let found = verifier.verify(&D.as_bytes()[..length], &signature(D_SIGNATURE));
        assert_eq!(
            found,
            Err(VerificationError::SignatureMismatch),
            "{length} bytes"
        );
    }
}

#[test]
fn each_secret_of_a_list_verifies_and_no_other_does() {
    let secrets = ["first", "second", "third", VERIFF_OLD_SECRET, SECRET]
        .map(|text| SharedSecret::new(text).unwrap());
    let [first, rest @ ..] = &secrets;
    let verifier = rest
        .iter()
        .fold(Verifier::new(first), |verifier, secret| verifier.or(secret));
    for secret in &secrets {
        verifier
            .verify(b"x", &Signer::new(secret).sign(b"x"))
            .unwrap();
    }
    let other = Signer::new(&SharedSecret::new("other").unwrap()).sign(b"x");
    assert_eq!(
        verifier.verify(b"x", &other),
        Err(VerificationError::SignatureMismatch)
    );
    // The same secret twice is equivalent to once.
    Verifier::new(first)
        .or(first)
        .verify(b"x", &Signer::new(first).sign(b"x"))
        .unwrap();
}

#[test]
fn a_verifier_respects_the_expiry_of_a_secret() {
    let old = SharedSecret::new("the-previous-secret").unwrap();
    let with_old = Signer::new(&old).sign(D.as_bytes());
    let found = |until| {
        Verifier::new(&secret())
            .or_until(&old, until)
            .verify(D.as_bytes(), &with_old)
    };
    assert_eq!(found(Timestamp::MAX), Ok(()));
    let lately = Timestamp::from_second(1_700_000_000).unwrap();
    for past in [Timestamp::MIN, lately] {
        assert_eq!(found(past), Err(VerificationError::SignatureMismatch));
    }
}

#[test]
fn a_secret_can_come_from_the_environment() {
    // Cargo sets this one for every test, and a test cannot set variables of its own without unsafe code.
    let read = SharedSecrets::from_environment("CARGO_PKG_NAME").unwrap();
    let given = SharedSecret::new(env!("CARGO_PKG_NAME")).unwrap();
    Verifier::new(&given)
        .verify(b"x", &read.signer().sign(b"x"))
        .unwrap();
    let missing = SharedSecrets::from_environment("KYC_NOT_SET").unwrap_err();
    assert_eq!(missing.field(), "KYC_NOT_SET");
}

#[test]
fn no_secret_is_printed() {
    let made_up = SharedSecret::new("CANARY").unwrap();
    let signer = Signer::new(&made_up);
    let verifier = Verifier::new(&made_up).or(&made_up);
    let begun = verifier.begin_at(signer.sign(b"x"), Timestamp::UNIX_EPOCH);
    let printed = format!(
        "{made_up:?} {made_up:#?} {signer:?} {signer:#?} {verifier:?} {verifier:#?} {begun:?} {:?}",
        SharedSecret::new("CANARY\n").unwrap_err()
    );
    assert!(!printed.contains("CANARY"), "{printed}");
    for instead in [
        "SharedSecret(***)",
        "Signer(***)",
        "Verifier(2 secrets)",
        "BodyVerification(2 secrets)",
    ] {
        assert!(printed.contains(instead), "{printed}");
    }
    // A signature is public, so it may be printed.
    let signature = signer.sign(b"x");
    assert_eq!(format!("{signature:?}"), format!("Signature({signature})"));
}

/// Decodes hexadecimal digits independently of the crate's own parser.
mod hex {
    pub(super) fn decode_to_array(text: &str) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).unwrap();
        }
        bytes
    }
}
