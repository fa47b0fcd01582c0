//! Where a session is: every pair of states, and facts in another order.

use veriff_sessions::{Change, SessionProgress, SessionState, SessionStatus, Verdict};

use SessionState::{
    Abandoned, Approved, Created, Declined, Expired, ResubmissionRequested, Review, Started,
    Submitted,
};

const ALL: [SessionState; 9] = [
    Created,
    Started,
    Submitted,
    Review,
    ResubmissionRequested,
    Approved,
    Declined,
    Expired,
    Abandoned,
];

/// A session of attempt `a` in this state.
fn at(state: SessionState) -> SessionProgress {
    let mut session = SessionProgress::new();
    let change = session.observe(Some("a"), state);
    let expected = if state == Created {
        Change::Known
    } else {
        Change::Now(state)
    };
    assert_eq!(change, expected);
    session
}

/// What each state does with each fact of the same attempt: `n`ow, `k`nown, `l`ate, `u`ndocumented.
#[test]
fn the_table_says_of_every_pair_which_is_newer() {
    for (from, expected) in [
        (Created, "knnnnnnnn"),
        (Started, "lknnnnnnn"),
        (Submitted, "llknnnnnn"),
        (Review, "lllknnnnn"),
        (ResubmissionRequested, "llllkuunn"),
        (Approved, "llllukuuu"),
        (Declined, "lllluukuu"),
        (Expired, "llllluuku"),
        (Abandoned, "llllluuuk"),
    ] {
        for (to, expected) in ALL.into_iter().zip(expected.chars()) {
            let mut session = at(from);
            let change = session.observe(Some("a"), to);
            let found = match change {
                Change::Now(state) => {
                    assert_eq!(state, to);
                    'n'
                }
                Change::Known => 'k',
                Change::Late => 'l',
                other => {
                    assert_eq!(other, Change::Undocumented { from, to });
                    'u'
                }
            };
            assert_eq!(found, expected, "{from:?} {to:?}");
            assert_eq!(session.state(), if found == 'n' { to } else { from });
        }
    }
    // A final decision stays, whatever is told afterwards.
    for from in [Approved, Declined, Expired, Abandoned] {
        assert!(from.is_final());
        for to in ALL {
            let mut session = at(from);
            session.observe(None, to);
            session.observe(Some("b"), to);
            assert_eq!(session.state(), from);
        }
    }
}

/// Every order of the facts of a session with two attempts, each told twice, ends in its decision or says what is odd.
#[test]
fn arrival_does_not_decide() {
    let facts = [
        ("a", Submitted),
        ("a", Started),
        ("a", ResubmissionRequested),
        ("a", Submitted),
        ("b", Submitted),
        ("a", ResubmissionRequested),
        ("b", Started),
        ("b", Approved),
        ("a", Started),
        ("b", Review),
    ];
    let mut session = SessionProgress::new();
    let changes = facts.map(|(attempt, state)| session.observe(Some(attempt), state));
    use Change::{Known, Late, Now};
    let expected = [
        Now(Submitted),
        Late,
        Now(ResubmissionRequested),
        Late,
        Now(Submitted),
        Late,
        Late,
        Now(Approved),
        Late,
        Late,
    ];
    assert_eq!(changes, expected);
    assert_eq!(session.attempt(), Some("b"));
    assert_eq!(session.observe(Some("b"), Approved), Known);

    // Whether an attempt that nothing announced is an earlier one or a later one, no fact says.
    let mut session = at(Submitted);
    let change = session.observe(Some("b"), Started);
    let (from, to) = (Submitted, Started);
    assert_eq!(change, Change::Undocumented { from, to });
    assert_eq!((session.state(), session.attempt()), (Submitted, Some("a")));
}

#[test]
fn a_fact_without_an_attempt_is_about_the_current_one() {
    let mut session = at(ResubmissionRequested);
    assert_eq!(session.observe(None, Started), Change::Late);
    // There is no way to it but another attempt.
    assert_eq!(session.observe(None, Declined), Change::Now(Declined));
    assert_eq!(session.attempt(), None);
    assert_eq!(session.observe(Some("a"), Submitted), Change::Late);
}

#[test]
fn status_and_code_tell_a_state_as_a_pair() {
    let status = |text: &str| SessionStatus::from(text);
    for (text, code, state) in [
        ("started", 7001, Started),
        ("submitted", 7002, Submitted),
        ("approved", 9001, Approved),
        ("declined", 9102, Declined),
        ("resubmission_requested", 9103, ResubmissionRequested),
        ("review", 9121, Review),
        ("expired", 9104, Expired),
        ("abandoned", 9104, Abandoned),
    ] {
        let status = status(text);
        assert_eq!(SessionState::of(Some(&status), Some(code)), Some(state));
        assert_eq!(SessionState::of(Some(&status), None), Some(state));
        let alone = SessionState::of(None, Some(code));
        assert_eq!(alone, (code != 9104).then_some(state));
        for other in [7001, 7002, 9001, 9102, 9103, 9104, 9121, 9151] {
            let found = SessionState::of(Some(&status), Some(other));
            assert_eq!(found, (other == code).then_some(state), "{text} {other}");
        }
    }
    assert_eq!(
        SessionState::of(Some(&status("created")), None),
        Some(Created)
    );
    assert_eq!(
        SessionState::of(Some(&status("inflow_completed")), None),
        None
    );
    assert_eq!(SessionState::of(None, None), None);
    assert_eq!(SessionState::decided(Verdict::Abandoned), Some(Abandoned));
    assert_eq!(SessionState::decided(Verdict::ExpiredOrAbandoned), None);
    assert_eq!(SessionState::decided(Verdict::Unclear), None);
}

#[test]
fn an_attempt_is_printed_if_it_looks_like_an_id() {
    let mut session = SessionProgress::new();
    session.observe(Some("person@example.test"), Started);
    assert!(!format!("{session:?}").contains("person@"));
}
