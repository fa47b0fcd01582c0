//! Web redirection: the end of a journey, and the sandbox's refusals.

use finpro_fiu::{
    ConsentHandle, DecryptRedirection, EncryptRedirection, Journey, JourneyEnd, ProductId,
    RequestConsentV3, ReturnParameters, ReturnUrl, Vua,
};
use kyc_sandbox::settings::UnknownName;
use kyc_sandbox::{FinproSettings, Sandbox, Settings};
use provider_core::testing::{ScriptedTransport, Step};
use provider_core::{ErrorKind, Pan};
use serde_json::{Value, json};

use crate::{answer, client, refused};

const HANDLE: &str = "3b9e7a50-51c4-4c0e-8f5d-0c6a2e94d18b";

fn handle(text: &str) -> ConsentHandle {
    ConsentHandle::parse(text).unwrap()
}

#[test]
fn status_and_code_are_read_as_a_pair() {
    use JourneyEnd::{
        Accepted, ConsentNotFound, DiscoveryFailed, LeftPending, Malformed, NoAccount,
        NotAuthenticated, NothingDiscovered, Rejected, TimedOut, Unclear,
    };

    let end = |status: &Value, code: &Value| {
        let json = json!({"status": status, "errorcode": code});
        serde_json::from_value::<Journey>(json).unwrap().end()
    };
    let (success, failure) = (json!("S"), json!("F"));
    for (code, expected) in [
        (0, Accepted),
        (1, Rejected),
        (2, ConsentNotFound),
        (3, Malformed),
        (4, NotAuthenticated),
        (5, LeftPending),
        (6, TimedOut),
        (7, NoAccount),
        (8, DiscoveryFailed),
        (9, NothingDiscovered),
        (10, Unclear),
    ] {
        let (right, wrong) = if code == 0 {
            (&success, &failure)
        } else {
            (&failure, &success)
        };
        for code in [json!(code), json!(code.to_string())] {
            assert_eq!(end(right, &code), expected, "{code}");
            assert_eq!(end(&Value::Null, &code), expected, "{code}");
            assert_eq!(end(wrong, &code), Unclear, "{code}");
        }
    }
    for (status, code, expected) in [
        (success.clone(), Value::Null, Accepted),
        (failure, Value::Null, Unclear),
        (Value::Null, Value::Null, Unclear),
        (success.clone(), json!("no code"), Unclear),
        (success, json!([0]), Unclear),
        (json!("s"), json!(0), Unclear),
        (json!(["S"]), json!(0), Unclear),
    ] {
        assert_eq!(end(&status, &code), expected, "{status} {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_customer_is_redirected_to_a_web_address_only() {
    for (url, is_one) in [
        ("https://aa.example.test/?fi=a", true),
        ("javascript:1", false),
        ("aa.example.test", false),
        (" ", false),
    ] {
        for name in ["webRedirectionUrl", "webRedirectionURL"] {
            let body = json!({"ver": "1", "data": {name: url}}).to_string();
            let asked = answer(EncryptRedirection::new([handle(HANDLE)]), 200, &body).await;
            let kind = asked.err().map(|error| error.kind());
            assert_eq!(kind, (!is_one).then_some(ErrorKind::Decode), "{url}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_parameters_of_a_return_are_sent_as_the_aggregator_meant_them() {
    for (url, ecres, fi) in [
        ("https://a.test/done?ecres=a&resdate=1&fi=b", "a", "b"),
        (
            "https://a.test/done?state=x&fi=b%3D&resdate=1&ecres=a%2Bc+d#ecres=z",
            "a+c+d",
            "b=",
        ),
        ("ecres=a=&resdate=1&fi=b", "a=", "b"),
        ("app://done?ecres=%C3%A9&resdate=1&fi=b", "é", "b"),
        ("?ecres=%2525&resdate=1&fi=b", "%25", "b"),
    ] {
        let transport = ScriptedTransport::new([Step::respond(500, "")]);
        let returned = ReturnParameters::of_url(url).unwrap();
        let request = DecryptRedirection::of_return(returned);
        let _ = client(transport.clone()).decrypt_redirection(request).await;
        let expected = json!({"webRedirectionURL": {"ecres": ecres, "resdate": "1", "fi": fi}});
        assert_eq!(transport.only().json(), expected, "{url}");
    }
}

#[test]
fn a_return_that_is_not_whole_or_not_of_this_session_is_refused() {
    for (query, field, rule) in [
        ("resdate=1&fi=b", "ecres", "is required"),
        ("ECRES=a&resdate=1&fi=b", "ecres", "is required"),
        ("ecres=a&fi=b", "resdate", "is required"),
        ("ecres=a&resdate=1", "fi", "is required"),
        ("", "ecres", "is required"),
        ("ecres=a&resdate=1&fi=", "fi", "must not be empty"),
        ("ecres&resdate=1&fi=b", "ecres", "must not be empty"),
        (
            "ecres=a&ecres=a&resdate=1&fi=b",
            "ecres",
            "must not appear twice",
        ),
        (
            "ecres=%&resdate=1&fi=b",
            "url",
            "must be percent-encoded UTF-8",
        ),
        (
            "ecres=%2&resdate=1&fi=b",
            "url",
            "must be percent-encoded UTF-8",
        ),
        (
            "ecres=%+1&resdate=1&fi=b",
            "url",
            "must be percent-encoded UTF-8",
        ),
        (
            "ecres=%zz&resdate=1&fi=b",
            "url",
            "must be percent-encoded UTF-8",
        ),
        (
            "ecres=%é&resdate=1&fi=b",
            "url",
            "must be percent-encoded UTF-8",
        ),
        (
            "ecres=%ff&resdate=1&fi=b",
            "url",
            "must be percent-encoded UTF-8",
        ),
    ] {
        let error = ReturnParameters::of_url(&format!("https://a.test/?{query}")).unwrap_err();
        assert_eq!((error.field(), error.rule()), (field, rule), "{query}");
        assert!(ReturnParameters::of_url(query).is_err());
    }
    let whole = "ecres=CANARY&resdate=1&fi=b";
    for (state, taken) in [
        ("&state=s-1", true),
        ("&state=s%2d1", true),
        ("&state=s-2", false),
        ("&state=s-1x", false),
        ("&state=s-", false),
        ("&state=", false),
        ("&state=s-1&state=s-1", false),
        ("", false),
    ] {
        let url = format!("https://a.test/?{whole}{state}");
        let found = ReturnParameters::of_url_in_state(&url, "state", "s-1");
        assert_eq!(found.is_ok(), taken, "{state}");
        if let Err(error) = found {
            assert_eq!(error.field(), "state");
        }
    }
    let error = ReturnParameters::of_url_in_state("fi=b&state=s-1", "state", "s-1").unwrap_err();
    assert_eq!(error.field(), "ecres");
    let printed = format!("{:?}", ReturnParameters::of_url(whole).unwrap());
    assert!(!printed.contains("CANARY"));
}

#[test]
fn a_journey_ends_only_for_the_consents_that_it_names() {
    let other = "0f9a41d6-6a55-4d0c-9a53-3c1b7a9b0e11";
    for (srcref, end) in [
        (json!(HANDLE), JourneyEnd::Accepted),
        (json!(HANDLE.to_uppercase()), JourneyEnd::Accepted),
        (json!([other, HANDLE]), JourneyEnd::Accepted),
        (json!(other), JourneyEnd::Unclear),
        (json!([]), JourneyEnd::Unclear),
        (json!(""), JourneyEnd::Unclear),
        (json!(null), JourneyEnd::Unclear),
    ] {
        let journey = json!({"status": "S", "errorcode": "0", "srcref": srcref});
        let journey: Journey = serde_json::from_value(journey).unwrap();
        assert_eq!(journey.end_of(&handle(HANDLE)), end, "{srcref}");
        assert_eq!(journey.end(), JourneyEnd::Accepted);
    }
}

#[test]
fn a_member_that_breaks_a_rule_is_named_before_anything_is_sent() {
    assert_eq!(refused(&EncryptRedirection::new([])), "consentHandle");
    let zeros = handle("00000000-0000-0000-0000-000000000000");
    assert_eq!(
        refused(&EncryptRedirection::new([handle(HANDLE), zeros])),
        "consentHandle[1]"
    );
    for (ecres, resdate, fi, field) in [
        ("", "a", "b", "webRedirectionURL.ecres"),
        ("a", "", "b", "webRedirectionURL.resdate"),
        ("a", "b", "", "webRedirectionURL.fi"),
    ] {
        assert_eq!(refused(&DecryptRedirection::new(ecres, resdate, fi)), field);
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_without_its_url_is_none() {
    for data in [
        r#"{}"#,
        r#"{"webRedirectionURL":" "}"#,
        r#"{"webRedirectionURL":null}"#,
        "null",
    ] {
        let body = format!(r#"{{"ver":"1","status":"success","data":{data}}}"#);
        let request = EncryptRedirection::new([handle(HANDLE)]);
        let error = answer(request, 200, &body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_sandbox_sends_customers_on_and_refuses_as_documented() {
    let settings = FinproSettings::default().with_unknown_aggregator(UnknownName::Accepted);
    let settings = Settings::default().with_finpro(settings);
    let client = client(Sandbox::new(settings).transport());
    let ask = async |vua: &str| {
        let product = ProductId::parse("LOAN-1").unwrap();
        let request = RequestConsentV3::new(product, Vua::parse(vua).unwrap());
        let asked = client
            .request_consent_v3(request)
            .await
            .unwrap()
            .into_value();
        asked.data.consent_handle
    };
    let [first, second] = [
        ask("9000000001@onemoney").await,
        ask("9000000001@finvu").await,
    ];
    let request = EncryptRedirection::new([first.clone(), second])
        .set_redirect_url(ReturnUrl::parse("https://lender.example.test/done").unwrap())
        .set_pan(Pan::parse("AAAAA0000A").unwrap());
    let url = client
        .encrypt_redirection(request)
        .await
        .unwrap()
        .into_value()
        .data;
    assert!(url.web_redirection_url.expose().contains("ecreq="));

    let unregistered = ask("9000000001@nowhere").await;
    let other = ask("9000000002@onemoney").await;
    for (handles, code) in [
        (vec![handle(HANDLE)], "FP0024"),
        (vec![first, other], "FP0024"),
        (vec![unregistered], "FP0029"),
    ] {
        let error = client
            .encrypt_redirection(EncryptRedirection::new(handles))
            .await
            .unwrap_err();
        assert_eq!(error.fault().unwrap().code(), Some(code));
        assert!(error.fault().unwrap().meaning().is_some(), "{code}");
    }
    let foreign = DecryptRedirection::new("AbCd", "010120300000000", "fi");
    let error = client.decrypt_redirection(foreign).await.unwrap_err();
    assert_eq!(error.fault().unwrap().code(), Some("InvalidRequest"));
    for (ecres, end) in [("0", JourneyEnd::Accepted), ("7", JourneyEnd::NoAccount)] {
        let request = DecryptRedirection::new(ecres, "010120300000000", "fi");
        let journey = client
            .decrypt_redirection(request)
            .await
            .unwrap()
            .into_value()
            .data;
        assert_eq!((journey.end(), journey.srcref.len()), (end, 1));
    }
}
