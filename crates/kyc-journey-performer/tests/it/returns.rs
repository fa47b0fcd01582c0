//! What a browser's return is to a journey.

use kyc_journey::{DataClass, Event, Fact, Leg, Provider, ReturnEnd};
use kyc_journey_performer::Returns;
use provider_core::jiff::Timestamp;

use crate::correlation;

fn event(provider: Provider, url: &str) -> Option<Event> {
    let leg = match provider {
        Provider::Deepvue => Leg::Documents,
        Provider::Veriff => Leg::Verification,
        Provider::Finpass | Provider::FinPro => Leg::Accounts,
    };
    Returns::new().event(provider, correlation(leg), url, Timestamp::UNIX_EPOCH)
}

/// The session that it names, how it ended, and what it brought.
fn read(provider: Provider, url: &str) -> (Option<String>, ReturnEnd, Option<String>) {
    let event = event(provider, url).unwrap();
    let Fact::Returned(returned) = event.fact else {
        panic!("{event:?}");
    };
    let correlation = returned.source.correlation.unwrap();
    assert_eq!(event.leg, Some(correlation.leg));
    let brought = event.payload.map(|payload| {
        assert_eq!(payload.class, DataClass::Codes);
        payload.content.expose().to_owned()
    });
    let session = returned.source.reference.map(|id| id.as_str().to_owned());
    (session, returned.end, brought)
}

#[test]
fn a_return_of_digilocker_names_its_session_its_end_and_the_code() {
    let some = |text: &str| Some(text.to_owned());
    for (query, expected) in [
        (
            "?code=c%2B1&state=t-1",
            (some("t-1"), ReturnEnd::Approved, some("c+1")),
        ),
        (
            "?digilocker_code=c&transaction_id=t-1#_",
            (some("t-1"), ReturnEnd::Approved, some("c")),
        ),
        // Whether that is enough, the plan says.
        ("?code=c", (None, ReturnEnd::Approved, some("c"))),
        (
            "?error=access_denied&state=t-1",
            (some("t-1"), ReturnEnd::Denied, None),
        ),
        (
            "?error=server_error&state=t-1",
            (some("t-1"), ReturnEnd::Unclear, None),
        ),
        (
            "?code=c&error=access_denied&state=t-1",
            (some("t-1"), ReturnEnd::Unclear, None),
        ),
        (
            "?code=c&state=t-1&state=t-2",
            (None, ReturnEnd::Unclear, None),
        ),
        (
            "?code=c&code=d&state=t-1",
            (some("t-1"), ReturnEnd::Unclear, None),
        ),
        ("?utm_source=mail", (None, ReturnEnd::Unclear, None)),
    ] {
        let url = format!("https://lender.example.test/kyc/return/x{query}");
        assert_eq!(read(Provider::Deepvue, &url), expected, "{query}");
    }
}

#[test]
fn a_return_of_finpro_is_kept_for_finpro_to_read_and_others_are_a_reason_to_look() {
    let url = "https://lender.example.test/kyc/return/x?ecres=QUJD+Rg==&resdate=1&fi=QUJD#f";
    let kept = Some("?ecres=QUJD+Rg==&resdate=1&fi=QUJD".to_owned());
    assert_eq!(
        read(Provider::FinPro, url),
        (None, ReturnEnd::Unclear, kept)
    );
    for provider in [Provider::Finpass, Provider::Veriff] {
        let url = "https://lender.example.test/kyc/return/x?client_id=c&status=approved";
        assert_eq!(read(provider, url), (None, ReturnEnd::Unclear, None));
    }
}

#[test]
fn a_preview_of_the_link_is_no_return_and_neither_is_a_flood() {
    let base = "https://lender.example.test/kyc/return/x";
    for provider in Provider::ALL {
        for url in [
            base.to_owned(),
            format!("{base}?"),
            format!("{base}#?code=c"),
        ] {
            assert_eq!(event(*provider, &url), None, "{url}");
        }
        let flood = format!("{base}?code={}", "c".repeat(20_000));
        assert_eq!(event(*provider, &flood), None);
    }
}

#[test]
fn the_same_return_is_the_same_event_and_its_key_opens_nothing() {
    let key = |url: &str| event(Provider::Deepvue, url).unwrap().key;
    let once = key("https://lender.example.test/kyc/return/x?code=c&state=t-1");
    assert_eq!(once, key("?code=c&state=t-1"));
    assert_ne!(once, key("?code=c&state=t-2"));
    assert!(!once.as_str().contains("5eed"), "{once:?}");
    let other = Returns::new().event(
        Provider::Deepvue,
        correlation(Leg::Accounts),
        "?code=c&state=t-1",
        Timestamp::UNIX_EPOCH,
    );
    assert_ne!(other.unwrap().key, once);
}
