//! The browser's return: every candidate form, and the states of a session.

use deepvue_digilocker::provider_core::{Observation, Progress, VerificationError};
use deepvue_digilocker::{
    BrowserReturn, DigilockerState, ReturnForm, TransactionId, UnclearReturn,
};

use DigilockerState::{Authorized, CodeReceived, Denied, Expired, Opened};
use Observation::{Contradiction, Late, Moved, MovedAcross, MovedUnlisted, Unchanged};

fn session() -> TransactionId {
    TransactionId::parse("t-1").unwrap()
}

/// What a return says: the code, or what else.
fn read(form: &ReturnForm, url: &str) -> Result<String, Option<UnclearReturn>> {
    match form.read(url, &session()).unwrap() {
        BrowserReturn::Approved(code) => Ok(code.expose().to_owned()),
        BrowserReturn::Denied => Err(None),
        BrowserReturn::Unclear(reason) => Err(Some(reason)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_candidate_form_of_an_approval_is_read() {
    for url in [
        "https://lender.example.test/back?code=c%2B1&state=t-1",
        "https://lender.example.test/back?case=7&state=t-1&code=c%2B1#_=_",
        "/back?digilocker_code=c%2B1&transaction_id=t-1",
        "?code=c%2B1&digilocker_code=c%2B1&state=t-1&transaction_id=t-1",
        "code=c%2b1&state=%74-1&error=&error_description=",
        "&&code=c%2B1&&state=t-1&other=%E0%A4%85",
    ] {
        assert_eq!(
            read(&ReturnForm::default(), url).as_deref(),
            Ok("c+1"),
            "{url}"
        );
    }
}

#[test]
fn a_denial_is_told_from_what_is_unclear() {
    let failed = |word: &str| Err(Some(UnclearReturn::Failed(word.into())));
    let unclear = |reason| Err(Some(reason));
    for (url, expected) in [
        ("?error=access_denied&state=t-1", Err(None)),
        (
            "?error=ACCESS_DENIED&error_description=made+up&state=t-1",
            Err(None),
        ),
        ("?error=access_denied", unclear(UnclearReturn::NoSession)),
        ("?error=server_error&state=t-1", failed("server_error")),
        ("?error=CANARY+CANARY&state=t-1", failed("CANARY CANARY")),
        ("", unclear(UnclearReturn::Silent)),
        (
            "https://lender.example.test/back",
            unclear(UnclearReturn::Silent),
        ),
        ("?state=t-1", unclear(UnclearReturn::Silent)),
        ("?code=&state=t-1", unclear(UnclearReturn::Silent)),
        ("?Code=c&state=t-1", unclear(UnclearReturn::Silent)),
        ("#code=c&state=t-1", unclear(UnclearReturn::Silent)),
        ("?code=c", unclear(UnclearReturn::NoSession)),
        ("?code=c&state=", unclear(UnclearReturn::NoSession)),
        (
            "?code=c&error=access_denied&state=t-1",
            unclear(UnclearReturn::Contradictory),
        ),
        (
            "?code=c&code=d&state=t-1",
            unclear(UnclearReturn::Contradictory),
        ),
        (
            "?code=c&digilocker_code=d&state=t-1",
            unclear(UnclearReturn::Contradictory),
        ),
        (
            "?error=a&error=b&state=t-1",
            unclear(UnclearReturn::Contradictory),
        ),
        ("?code=%zz&state=t-1", unclear(UnclearReturn::Malformed)),
        ("?code=%+1&state=t-1", unclear(UnclearReturn::Malformed)),
        ("?code=%ff&state=t-1", unclear(UnclearReturn::Malformed)),
        ("?code=c%0d%0a&state=t-1", unclear(UnclearReturn::Malformed)),
    ] {
        assert_eq!(read(&ReturnForm::default(), url), expected, "{url}");
    }
    let long = format!("?code={}&state=t-1", "c".repeat(17_000));
    assert_eq!(
        read(&ReturnForm::default(), &long),
        unclear(UnclearReturn::TooLong)
    );
    let many = format!("?code=c&state=t-1{}", "&a=b".repeat(100));
    assert_eq!(
        read(&ReturnForm::default(), &many),
        unclear(UnclearReturn::TooLong)
    );
    let long = format!("?code={}&state=t-1", "c".repeat(5_000));
    assert_eq!(
        read(&ReturnForm::default(), &long),
        unclear(UnclearReturn::Malformed)
    );
    for url in ["?code=CANARY&state=t-1", "?error=CANARY+CANARY&state=t-1"] {
        let printed = format!("{:?}", BrowserReturn::read(url, &session()));
        assert!(!printed.contains("CANARY"), "{printed}");
    }
}

#[test]
fn a_return_of_another_session_is_refused_whatever_it_says() {
    for url in [
        "?code=c&state=t-2",
        "?code=c&state=t-11",
        "?code=c&state=T-1",
        "?code=c&state=t-1&transaction_id=t-2",
        "?code=c&state=t-1&state=t-2",
        "?error=access_denied&state=t-2",
        "?state=t-2",
    ] {
        for form in [ReturnForm::default(), ReturnForm::default().without_state()] {
            let found = form.read(url, &session()).unwrap_err();
            assert_eq!(found, VerificationError::OtherRequest, "{url}");
        }
    }
}

#[test]
fn a_form_is_changed_by_whoever_knows_better() {
    let form = ReturnForm::default()
        .set_code_name("dl_code")
        .set_state_name("session")
        .set_error_name("err");
    assert_eq!(
        read(&form, "?dl_code=c&session=t-1&state=x").as_deref(),
        Ok("c")
    );
    assert_eq!(read(&form, "?err=access_denied&session=t-1"), Err(None));
    assert_eq!(
        read(&form, "?code=c&session=t-1"),
        Err(Some(UnclearReturn::Silent))
    );
    let form = ReturnForm::default().without_state();
    assert_eq!(read(&form, "?code=c").as_deref(), Ok("c"));
    assert_eq!(read(&form, "?error=access_denied"), Err(None));
}

#[test]
fn every_pair_of_states_is_in_the_table_or_reported() {
    let columns = [Opened, CodeReceived, Authorized, Denied, Expired];
    for (from, expected) in [
        (
            Opened,
            [Unchanged, Moved, MovedAcross, MovedUnlisted, MovedUnlisted],
        ),
        (
            CodeReceived,
            [Late, Unchanged, Moved, Contradiction, MovedUnlisted],
        ),
        (Authorized, [Late, Late, Unchanged, Contradiction, Moved]),
        (
            Denied,
            [Late, Contradiction, Contradiction, Unchanged, Contradiction],
        ),
        (Expired, [Late, Late, Late, Contradiction, Unchanged]),
    ] {
        for (fact, expected) in columns.into_iter().zip(expected) {
            let mut session = Progress::default();
            session.observe(from, None);
            assert_eq!(session.observe(fact, None), expected, "{from:?} {fact:?}");
            let stays = matches!(expected, Unchanged | Late | Contradiction);
            assert_eq!(session.state(), if stays { from } else { fact });
        }
    }
}

#[test]
fn a_return_is_read_before_its_session_is_known() {
    let read = |query| {
        let (session, said) = ReturnForm::default().read_unmatched(query);
        (session.map(|session| session.as_str().to_owned()), said)
    };
    let some = |id: &str| Some(id.to_owned());
    let is_code = |said: &BrowserReturn| matches!(said, BrowserReturn::Approved(code) if code.expose() == "c");
    for (query, session) in [
        ("?code=c&state=t-1", some("t-1")),
        ("?code=c&state=t-1&transaction_id=t-1", some("t-1")),
        ("?code=c", None),
    ] {
        let (named, said) = read(query);
        assert!(is_code(&said), "{query}: {said:?}");
        assert_eq!(named, session, "{query}");
    }
    assert_eq!(
        read("?error=access_denied&state=t-2"),
        (some("t-2"), BrowserReturn::Denied)
    );
    let unclear = BrowserReturn::Unclear;
    let two = unclear(UnclearReturn::Contradictory);
    assert_eq!(read("?code=c&state=t-1&state=t-2"), (None, two));
    let long = format!("?code=c&state={}", "t".repeat(600));
    assert_eq!(read(&long), (None, unclear(UnclearReturn::Malformed)));
    let flood = format!("?code={}", "c".repeat(20_000));
    assert_eq!(read(&flood), (None, unclear(UnclearReturn::TooLong)));
}
