//! The states of consents and data sessions: every pair of them, and the order of facts.

use finpro_fiu::{ConsentState, ConsentStatus, FiEventStatus, Observation, Progress, SessionState};
use provider_core::jiff::Timestamp;

use ConsentState::{Active, Expired, Paused, Pending, Rejected, Resumed, Revoked};
use Observation::{Contradiction, Late, Moved, MovedAcross, MovedUnlisted, Unchanged};

fn at(second: i64) -> Option<Timestamp> {
    Some(Timestamp::from_second(second).unwrap())
}

/// A consent that was led to this state.
fn consent(state: ConsentState) -> Progress<ConsentState> {
    let mut consent = Progress::default();
    consent.observe(state, None);
    assert_eq!(consent.state(), state);
    consent
}

#[test]
fn every_pair_of_consent_states_is_in_the_table_or_reported() {
    let columns = [Pending, Active, Paused, Resumed, Rejected, Revoked, Expired];
    for (from, expected) in [
        (
            Pending,
            [
                Unchanged,
                Moved,
                MovedAcross,
                MovedAcross,
                Moved,
                MovedAcross,
                MovedUnlisted,
            ],
        ),
        (
            Active,
            [
                Late,
                Unchanged,
                Moved,
                MovedAcross,
                Contradiction,
                Moved,
                Moved,
            ],
        ),
        (
            Paused,
            [
                Late,
                Late,
                Unchanged,
                Moved,
                Contradiction,
                Moved,
                MovedUnlisted,
            ],
        ),
        (
            Resumed,
            [
                Late,
                Unchanged,
                Moved,
                Unchanged,
                Contradiction,
                Moved,
                Moved,
            ],
        ),
        (
            Rejected,
            [
                Late,
                Contradiction,
                Contradiction,
                Contradiction,
                Unchanged,
                Contradiction,
                Contradiction,
            ],
        ),
        (
            Revoked,
            [
                Late,
                Late,
                Late,
                Late,
                Contradiction,
                Unchanged,
                Contradiction,
            ],
        ),
        (
            Expired,
            [
                Late,
                Late,
                Late,
                Late,
                Contradiction,
                Contradiction,
                Unchanged,
            ],
        ),
    ] {
        for (fact, expected) in columns.into_iter().zip(expected) {
            let mut consent = consent(from);
            let moves = matches!(expected, Moved | MovedAcross | MovedUnlisted);
            assert_eq!(consent.observe(fact, None), expected, "{from:?} {fact:?}");
            assert_eq!(consent.state(), if moves { fact } else { from });
        }
    }
}

#[test]
fn the_order_of_arrival_decides_nothing_that_the_table_decides() {
    // A webhook that overtakes another, and one that comes with an earlier time: the table decides.
    let mut progress = Progress::<ConsentState>::default();
    assert_eq!(progress.observe(Revoked, at(1)), MovedAcross);
    assert_eq!(progress.observe(Active, at(2)), Late);
    assert_eq!((progress.state(), progress.since()), (Revoked, at(1)));

    // A pause and its end lead to one another: their times decide, and without one of them their arrival.
    for (second, expected) in [
        (Some(3), Late),
        (Some(5), Moved),
        (Some(9), Moved),
        (None, Moved),
    ] {
        let mut progress = consent(Paused);
        progress.observe(Resumed, at(5));
        let fact = second.and_then(at);
        assert_eq!(progress.observe(Paused, fact), expected, "{second:?}");
    }
}

#[test]
fn a_list_s_active_after_a_pause_is_its_end_if_it_is_newer() {
    let mut progress = Progress::<ConsentState>::default();
    progress.observe(Active, at(1));
    progress.observe(Paused, at(2));
    assert_eq!(progress.observe(Active, at(1)), Late);
    assert_eq!(progress.observe(Active, at(3)), Moved);
    assert_eq!(progress.state(), Resumed);
    assert_eq!(progress.observe(Active, at(4)), Unchanged);
    assert!(progress.state().is_active());
}

#[test]
fn a_session_ends_once_and_its_data_is_deleted_after_it_was_there() {
    use SessionState::{Deleted, Denied, Expired, Failed, Pending, Ready};

    let columns = [Pending, Ready, Denied, Failed, Expired, Deleted];
    for (from, expected) in [
        (
            Pending,
            [Unchanged, Moved, Moved, Moved, Moved, MovedAcross],
        ),
        (
            Ready,
            [
                Late,
                Unchanged,
                Contradiction,
                Contradiction,
                Contradiction,
                Moved,
            ],
        ),
        (
            Denied,
            [
                Late,
                Contradiction,
                Unchanged,
                Contradiction,
                Contradiction,
                Contradiction,
            ],
        ),
        (
            Failed,
            [
                Late,
                Contradiction,
                Contradiction,
                Unchanged,
                Contradiction,
                Contradiction,
            ],
        ),
        (
            Expired,
            [
                Late,
                Contradiction,
                Contradiction,
                Contradiction,
                Unchanged,
                Contradiction,
            ],
        ),
        (
            Deleted,
            [
                Late,
                Late,
                Contradiction,
                Contradiction,
                Contradiction,
                Unchanged,
            ],
        ),
    ] {
        for (fact, expected) in columns.into_iter().zip(expected) {
            let mut session = Progress::default();
            session.observe(from, None);
            assert_eq!(session.observe(fact, None), expected, "{from:?} {fact:?}");
        }
    }
}

#[test]
fn every_documented_word_is_a_state_and_no_other_is() {
    for status in ConsentStatus::KNOWN {
        assert!(
            ConsentState::of_status(&ConsentStatus::from(*status)).is_some(),
            "{status}"
        );
    }
    for status in FiEventStatus::KNOWN {
        assert!(
            FiEventStatus::from(*status).session_state().is_some(),
            "{status}"
        );
    }
    for (event, state) in [
        ("CONSENT_APPROVED", Active),
        ("CONSENT_REJECTED", Rejected),
        ("CONSENT_PAUSED", Paused),
        ("CONSENT_RESUMED", Resumed),
        ("CONSENT_REVOKED", Revoked),
        ("CONSENT_EXPIRED", Expired),
    ] {
        assert_eq!(ConsentState::of_event(event), Some(state));
    }
    for word in ["", "active", "CONSENT_DELETED", "DATA_READY"] {
        assert_eq!(ConsentState::of_event(word), None);
        assert_eq!(ConsentState::of_status(&ConsentStatus::from(word)), None);
    }
    assert_eq!(FiEventStatus::from("ACTIVE").session_state(), None);
}
