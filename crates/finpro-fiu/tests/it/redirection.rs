//! Web redirection: the end of a journey, and the sandbox's refusals.

use finpro_fiu::{
    ConsentHandle, DecryptRedirection, EncryptRedirection, Journey, JourneyEnd, ProductId,
    RequestConsentV3, ReturnUrl, Vua,
};
use kyc_sandbox::Sandbox;
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

#[test]
fn a_member_that_breaks_a_rule_is_named_before_anything_is_sent() {
    assert_eq!(refused(&EncryptRedirection::new([])), "consentHandle");
    let zeros = handle("00000000-0000-0000-0000-000000000000");
    assert_eq!(
        refused(&EncryptRedirection::new([handle(HANDLE), zeros])),
        "consentHandle"
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
    let client = client(Sandbox::default().transport());
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
    for (ecres, end) in [("AbCd", JourneyEnd::Accepted), ("7", JourneyEnd::NoAccount)] {
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
