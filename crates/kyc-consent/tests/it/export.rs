//! An exported ledger, of which no byte can be changed unnoticed.

use std::sync::LazyLock;

use kyc_consent::{ExportError, Head, HeadKey, MisfitReason, Scope, verify_export};
use proptest::prelude::*;

use crate::support::{code, consenting, ledger, need, notice};

/// A ledger with bodies, and its head.
static EXPORT: LazyLock<(Vec<u8>, Head)> = LazyLock::new(|| {
    let (ledger, clock) = ledger();
    let (subject, _) = consenting(&ledger);
    ledger.request(subject, &notice()).unwrap();
    clock.by(1);
    let proof = ledger.prove(&need(subject)).unwrap();
    ledger.record_use(&proof, "order", "ok").unwrap();
    ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    let mut export = Vec::new();
    let head = ledger.export(true, &mut export).unwrap();
    (export, head)
});

fn lines() -> Vec<&'static str> {
    std::str::from_utf8(&EXPORT.0)
        .unwrap()
        .split_inclusive('\n')
        .collect()
}

fn reason(export: &str, anchors: &[Head]) -> Option<(u64, MisfitReason)> {
    match verify_export(export.as_bytes(), anchors) {
        Err(ExportError::Misfit(misfit)) => Some((misfit.seq, misfit.reason)),
        Ok(_) => None,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn an_exported_ledger_fits_its_head() {
    let (export, head) = &*EXPORT;
    assert_eq!(verify_export(export, &[*head]), Ok(*head));
    assert_eq!(head.seq, 4);
    let (empty, _) = ledger();
    let mut export = Vec::new();
    let head = empty.export(false, &mut export).unwrap();
    assert_eq!(verify_export(&export, &[]), Ok(head));
}

#[test]
fn without_bodies_it_says_nothing_that_is_sealed() {
    let (ledger, _) = ledger();
    let (subject, receipt) = consenting(&ledger);
    let mut export = Vec::new();
    let head = ledger.export(false, &mut export).unwrap();
    assert_eq!(verify_export(&export, &[]), Ok(head));
    let text = String::from_utf8(export).unwrap();
    assert!(text.contains(&subject.to_string()) && text.contains(&receipt.id().to_string()));
    assert!(!text.contains("underwriting") && !text.contains("lender"));
}

#[test]
fn every_byte_is_noticed() {
    let (export, head) = &*EXPORT;
    for at in 0..export.len() {
        let mut altered = export.clone();
        altered[at] ^= 1 << (at % 8);
        assert!(verify_export(&altered, &[]).is_err(), "byte {at}");
    }
    for end in (0..export.len()).step_by(7) {
        assert!(
            verify_export(&export[..end], &[*head]).is_err(),
            "cut at {end}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_altered_byte_is_noticed(at in any::<prop::sample::Index>(), byte: u8) {
        let (export, _) = &*EXPORT;
        let at = at.index(export.len());
        let mut altered = export.clone();
        prop_assume!(altered[at] != byte);
        altered[at] = byte;
        prop_assert!(verify_export(&altered, &[]).is_err());
    }

    #[test]
    fn any_byte_more_or_less_is_noticed(at in any::<prop::sample::Index>(), byte: u8) {
        let (export, _) = &*EXPORT;
        let at = at.index(export.len());
        let mut longer = export.clone();
        longer.insert(at, byte);
        prop_assert!(verify_export(&longer, &[]).is_err());
        let mut shorter = export.clone();
        shorter.remove(at);
        prop_assert!(verify_export(&shorter, &[]).is_err());
    }
}

#[test]
fn lines_that_are_missing_moved_or_doubled_are_named() {
    let lines = lines();
    let without: String = lines
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != 3)
        .map(|(_, line)| *line)
        .collect();
    assert_eq!(reason(&without, &[]), Some((3, MisfitReason::Missing)));
    let mut moved = lines.clone();
    moved.swap(2, 4);
    assert_eq!(
        reason(&moved.concat(), &[]),
        Some((2, MisfitReason::Reordered))
    );
    let mut doubled = lines.clone();
    doubled.insert(3, lines[2]);
    assert_eq!(
        reason(&doubled.concat(), &[]),
        Some((3, MisfitReason::Inserted))
    );
    assert_eq!(
        reason(&lines[..4].concat(), &[]),
        Some((4, MisfitReason::Truncated))
    );
}

#[test]
fn a_ledger_that_was_cut_and_given_a_new_head_is_found_by_one_that_was_signed() {
    let (ledger, clock) = ledger();
    let (subject, _) = consenting(&ledger);
    clock.by(1);
    let mut earlier = Vec::new();
    ledger.export(true, &mut earlier).unwrap();
    ledger.request(subject, &notice()).unwrap();
    let key = HeadKey::new([3; 32]);
    let signed = ledger.head().unwrap().sign(&key);
    let kept = signed.open(&key).unwrap();
    assert!(verify_export(&earlier, &[]).is_ok());
    let text = String::from_utf8(earlier).unwrap();
    assert_eq!(reason(&text, &[kept]), Some((2, MisfitReason::Truncated)));
}
