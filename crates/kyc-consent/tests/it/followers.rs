//! What goes on under a receipt and is told of its withdrawal, and what is recorded once.

use kyc_consent::{
    Artefact, ConsentLedger, EntryKind, Follower, Ground, LedgerError, NoConsentReason, Receipt,
    Scope, Subject,
};
use provider_core::Mobile;
use rusqlite::Connection;

use crate::files::Home;
use crate::support::{YEAR, code, consenting, ledger, mobile, need, notice, provider, terms};

fn names(followers: Vec<Follower>) -> Vec<String> {
    followers
        .into_iter()
        .map(|follower| follower.name)
        .collect()
}

fn untold(ledger: &ConsentLedger) -> Vec<String> {
    names(ledger.untold("").unwrap())
}

/// In memory, and in files.
fn ledgers() -> [(ConsentLedger, Option<Home>); 2] {
    let home = Home::new();
    [(ledger().0, None), (home.open(), Some(home))]
}

#[test]
fn a_receipt_and_its_follower_are_written_at_once() {
    for (ledger, _home) in ledgers() {
        let (subject, first) = consenting(&ledger);
        let receipt = Receipt::new(subject, terms()).unwrap();
        let unknown = ledger.give_to("a", &receipt).unwrap_err();
        assert!(matches!(unknown, LedgerError::Unknown("follower")));
        ledger.follow("a", subject, Some(first.id())).unwrap();
        for _ in 0..2 {
            ledger.give_to("a", &receipt).unwrap();
        }
        assert_eq!(ledger.head().unwrap().seq, 2);
        let follower = ledger.follower("a").unwrap().unwrap();
        assert_eq!(follower.receipt, Some(receipt.id()));
        let scope = Scope::Receipt(receipt.id());
        ledger.withdraw(subject, scope, &code("app")).unwrap();
        assert_eq!(untold(&ledger), ["a"]);
        let ended = ledger.give_to("a", &receipt).unwrap_err();
        assert!(matches!(ended, LedgerError::State(_)), "{ended}");
        let stranger = Receipt::new(Subject::random().unwrap(), terms()).unwrap();
        let other = ledger.give_to("a", &stranger).unwrap_err();
        assert!(matches!(other, LedgerError::State(_)), "{other}");
    }
}

#[test]
fn a_withdrawal_owes_whatever_follows_its_receipts_a_word() {
    for (ledger, home) in ledgers() {
        let (subject, receipt) = consenting(&ledger);
        let other = Receipt::new(subject, terms()).unwrap();
        ledger.give(&other).unwrap();
        for (name, receipt) in [
            ("b", Some(receipt.id())),
            ("a", Some(receipt.id())),
            ("c", Some(other.id())),
            ("d", None),
        ] {
            ledger.follow(name, subject, receipt).unwrap();
            // Again, as after a crash.
            ledger.follow(name, subject, receipt).unwrap();
        }
        assert_eq!(ledger.head().unwrap().seq, 2, "followers are no entries");
        assert!(untold(&ledger).is_empty());
        let scope = Scope::Receipt(receipt.id());
        ledger.withdraw(subject, scope, &code("app")).unwrap();
        // Whoever was to tell them died: the next one finds them.
        let ledger = home.as_ref().map_or(ledger, Home::open);
        assert_eq!(untold(&ledger), ["a", "b"]);
        let owed = ledger.untold("a").unwrap();
        assert_eq!((owed.len(), owed[0].name.as_str()), (1, "b"));
        ledger.told(&owed[0]).unwrap();
        ledger.told(&owed[0]).unwrap();
        assert_eq!(untold(&ledger), ["a"]);
        // A second withdrawal finds nothing more to withdraw, and owes nobody twice.
        ledger.withdraw(subject, scope, &code("app")).unwrap();
        assert_eq!(untold(&ledger), ["a"]);
        assert_eq!(
            names(ledger.followers(subject).unwrap()),
            ["a", "b", "c", "d"]
        );
        ledger.verify(&[]).unwrap();
    }
}

#[test]
fn a_follower_of_a_renewed_receipt_follows_the_new_one() {
    for (ledger, _home) in ledgers() {
        let (subject, receipt) = consenting(&ledger);
        ledger.follow("a", subject, Some(receipt.id())).unwrap();
        let renewed = Receipt::new(subject, terms()).unwrap();
        ledger.renew(receipt.id(), &renewed).unwrap();
        let follower = ledger.follower("a").unwrap().unwrap();
        assert_eq!(follower.receipt, Some(renewed.id()));
        assert!(untold(&ledger).is_empty());
        // Whoever begins it again, as after a crash, takes nothing from it.
        ledger.follow("a", subject, None).unwrap();
        ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
        assert_eq!(untold(&ledger), ["a"]);
    }
}

#[test]
fn nobody_follows_what_is_another_s_or_over() {
    for (ledger, _home) in ledgers() {
        let (subject, receipt) = consenting(&ledger);
        let other = ledger
            .subject(&Mobile::parse("9000000002").unwrap())
            .unwrap();
        assert!(matches!(
            ledger.follow("a", other, Some(receipt.id())),
            Err(LedgerError::Unknown(_))
        ));
        ledger.follow("a", subject, None).unwrap();
        assert!(matches!(
            ledger.follow("a", other, None),
            Err(LedgerError::State(_))
        ));
        ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
        assert!(matches!(
            ledger.follow("a", subject, Some(receipt.id())),
            Err(LedgerError::State(_))
        ));
        for name in ["", "a b", &"a".repeat(65)] {
            let error = ledger.follow(name, subject, None).unwrap_err();
            assert!(error.to_string().contains("follower"), "{error}");
        }
    }
}

#[test]
fn what_has_a_name_is_recorded_once() {
    for (ledger, home) in ledgers() {
        let (subject, receipt) = consenting(&ledger);
        let artefact = Artefact {
            provider: provider("finpro"),
            id: "made-up".to_owned(),
            text: None,
        };
        let record = |ledger: &ConsentLedger| {
            let once = |place| ledger.once(place);
            once("j/1/0").request(subject, &notice()).unwrap();
            let entry = once("j/2/1").record_artefact(subject, receipt.id(), &artefact);
            entry.unwrap()
        };
        let entry = record(&ledger);
        assert_eq!(record(&ledger), entry);
        let ledger = home.as_ref().map_or(ledger, Home::open);
        assert_eq!(record(&ledger), entry);
        assert_eq!(ledger.artefact(entry).unwrap(), artefact);
        let kinds: Vec<_> = ledger.history(subject).unwrap();
        let kinds: Vec<_> = kinds.iter().map(|(entry, _)| entry.kind).collect();
        let once = [EntryKind::Given, EntryKind::Requested, EntryKind::Artefact];
        assert_eq!(kinds, once);
        // Another name is another thing.
        ledger.once("j/3/0").request(subject, &notice()).unwrap();
        assert_eq!(ledger.verify(&[]).unwrap().seq, 4);
    }
}

#[test]
fn an_artefact_that_is_over_is_not_to_be_revoked() {
    for (ledger, home) in ledgers() {
        let (subject, receipt) = consenting(&ledger);
        let finpro = provider("finpro");
        for id in ["one", "other"] {
            let artefact = Artefact {
                provider: finpro.clone(),
                id: id.to_owned(),
                text: None,
            };
            ledger
                .record_artefact(subject, receipt.id(), &artefact)
                .unwrap();
        }
        ledger.end_artefact(subject, &finpro, "one").unwrap();
        ledger.end_artefact(subject, &finpro, "one").unwrap();
        ledger.end_artefact(subject, &finpro, "unknown").unwrap();
        let ledger = home.as_ref().map_or(ledger, Home::open);
        let left = ledger.state(subject).unwrap().artefacts;
        assert_eq!(left.len(), 1);
        assert_eq!(ledger.artefact(left[0].0).unwrap().id, "other");
        assert_eq!(ledger.verify(&[]).unwrap().seq, 4);
    }
}

#[test]
fn what_undoes_something_is_proved_by_any_consent_that_is_over() {
    let (ledger, clock) = ledger();
    let (subject, receipt) = consenting(&ledger);
    let error = ledger.prove_withdrawal(&need(subject)).unwrap_err();
    assert_eq!(error.reason, NoConsentReason::NothingWithdrawn);
    clock.by(YEAR);
    let proof = ledger.prove_withdrawal(&need(subject)).unwrap();
    assert_eq!(proof.ground(), &Ground::Withdrawal(receipt.id()));
    let stranger = Subject::random().unwrap();
    assert!(ledger.prove_withdrawal(&need(stranger)).is_err());
}

#[test]
fn a_ledger_of_the_first_schema_is_upgraded_and_loses_nothing() {
    let home = Home::new();
    let ledger = home.open();
    let (subject, receipt) = consenting(&ledger);
    let before = ledger.state(subject).unwrap();
    drop(ledger);
    let connection = Connection::open(&home.files.ledger).unwrap();
    connection
        .execute_batch("ALTER TABLE person ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
             UPDATE person SET epoch = ifnull((SELECT max(epoch) FROM receipt WHERE subject = id), 0);
             ALTER TABLE receipt DROP COLUMN epoch;
             DROP TABLE follower; DROP TABLE source; PRAGMA user_version = 1")
        .unwrap();
    connection.close().unwrap();
    let ledger = home.open();
    assert_eq!(ledger.state(subject).unwrap(), before);
    ledger.follow("a", subject, Some(receipt.id())).unwrap();
    ledger.withdraw(subject, Scope::All, &code("app")).unwrap();
    assert_eq!(untold(&ledger), ["a"]);
    assert_eq!(ledger.find(&mobile()).unwrap(), Some(subject));
    ledger.verify(&[]).unwrap();
}
