//! The console's pages and what is done on them.

use kyc_sandbox::{AggregatorConsentStatus, DecisionStatus, Sandbox, Settings, credentials};

use super::finpass::HEADERS as FINPASS;
use super::finpro::HEADERS as FINPRO;
use super::{Reply, send, sign, with};

const INIT: &str = "/finpass/api/v1/services/account-aggregator/init";
const BODY: &str = r#"{"mobile_number":"9001030000","consent_type":"loan_underwriting"}"#;

fn sandbox() -> Sandbox {
    Sandbox::new(Settings::default().with_deterministic_ids(true))
}

async fn get(sandbox: &Sandbox, path: &str) -> Reply {
    send(sandbox, "GET", path, &[], "").await
}

/// What a browser keeps that opened the link with the token.
async fn cookie(sandbox: &Sandbox) -> String {
    let link = format!("/?token={}", sandbox.control_token());
    let opened = get(sandbox, &link).await;
    let set = opened.header("set-cookie").unwrap();
    set.split_once(';').unwrap().0.to_owned()
}

/// As somebody who opened the link with the token.
async fn known(sandbox: &Sandbox, method: &str, path: &str, form: &str) -> Reply {
    let cookie = cookie(sandbox).await;
    let headers = [
        ("cookie", cookie.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    send(sandbox, method, path, &headers, form).await
}

async fn init(sandbox: &Sandbox) -> Reply {
    send(sandbox, "POST", INIT, FINPASS, BODY).await
}

#[tokio::test]
async fn the_first_screen_shows_journeys_and_what_happens() {
    let sandbox = sandbox();
    let empty = get(&sandbox, "/").await;
    assert_eq!(empty.status, 200);
    assert!(empty.text.contains("Nothing has happened yet"));
    let policy = empty.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"));
    assert!(!policy.contains("unsafe"));
    assert!(!empty.text.contains("<script>") && !empty.text.contains("style="));

    init(&sandbox).await;
    let page = get(&sandbox, "/").await.text;
    for part in [
        "finpass initialize",
        r#"<span class="person">deny</span>"#,
        r#"href="/r/1""#,
        r#"href="/j/j_1""#,
        "finpass: waiting",
        "session opened, waits for the person",
        "http://localhost/veriff",
        "2030-01-01T00:00:00.000Z",
        "stands still",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("9001030000"));
}

#[tokio::test]
async fn the_token_in_the_link_becomes_a_cookie_that_scripts_cannot_read() {
    let sandbox = sandbox();
    let wrong = get(&sandbox, "/?token=wrong").await;
    assert_eq!(wrong.status, 401);
    assert_eq!(wrong.header("set-cookie"), None);
    let right = get(&sandbox, &format!("/?token={}", sandbox.control_token())).await;
    assert_eq!((right.status, right.header("location")), (303, Some("/")));
    let set = right.header("set-cookie").unwrap();
    assert!(
        set.ends_with("; HttpOnly; SameSite=Strict; Path=/"),
        "{set}"
    );
    assert!(!set.contains(sandbox.control_token()), "{set}");
    let again = get(&sandbox, &format!("/?token={}", sandbox.control_token())).await;
    assert_eq!(again.header("set-cookie"), Some(set));
}

#[tokio::test]
async fn who_did_not_bring_the_token_sees_and_cannot_act() {
    let sandbox = sandbox();
    init(&sandbox).await;
    for path in [
        "/console/clock",
        "/console/faults",
        "/console/faults/off",
        "/console/run",
        "/r/1/replay",
        "/r/1/edit",
        "/r/1/unmask",
        "/w/w_0001/resend",
        "/j/j_1/act",
    ] {
        let refused = send(&sandbox, "POST", path, &[], "by=7d").await;
        assert_eq!(refused.status, 401, "{path}");
    }
    let cookie = cookie(&sandbox).await;
    let foreign = [
        ("cookie", cookie.as_str()),
        ("origin", "http://elsewhere.example.test"),
    ];
    let refused = send(&sandbox, "POST", "/r/1/replay", &foreign, "").await;
    assert_eq!(refused.status, 403);
    assert_eq!(sandbox.ledger().total().requests, 1);
    for path in ["/", "/r/1", "/j/j_1"] {
        let page = get(&sandbox, path).await.text;
        assert!(
            !page.contains(r#"method="post" action="/console"#),
            "{path}"
        );
        assert!(!page.contains("Replay: send"), "{path}");
        assert!(page.contains("You see and cannot act"), "{path}");
    }
    let elsewhere = Sandbox::new(Settings::default().with_allow_other_machines(true));
    assert_eq!(
        get(&elsewhere, "/").await.status,
        401,
        "other machines can reach it"
    );
    assert_eq!(get(&elsewhere, "/console.css").await.status, 200);
    let link = format!("/?token={}", elsewhere.control_token());
    assert_eq!(get(&elsewhere, &link).await.status, 303);
}

#[tokio::test]
async fn a_call_is_shown_masked_and_why_it_was_answered_so() {
    let sandbox = sandbox();
    let reply = init(&sandbox).await;
    let client_id = reply.json()["data"]["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let page = known(&sandbox, "GET", "/r/1", "").await.text;
    for part in [
        "initialize answered as documented",
        "session opened, waits for the person",
        "90••••••00",
        "sand… (19 characters)",
        "65 bytes, no newline last",
        "$FINPASS_API_SECRET",
        "kyc finpass initialize --data -",
        &format!(r#"title="invented by the sandbox">{client_id}"#),
    ] {
        assert!(page.contains(part), "{part}");
    }
    for secret in [
        "9001030000",
        credentials::FINPASS_API_KEY,
        credentials::FINPASS_API_SECRET,
    ] {
        assert!(!page.contains(secret), "{secret}");
    }
    let masked = [("cookie", "kyc_sandbox_mask=all")];
    let page = send(&sandbox, "GET", "/r/1", &masked, "").await.text;
    assert!(!page.contains(&client_id) && page.contains("Everything is masked."));
    for (path, status) in [
        ("/r/2", 404),
        ("/r/x", 404),
        ("/r/0", 404),
        ("/w/w_0001", 404),
        ("/j/j_9", 404),
    ] {
        assert_eq!(get(&sandbox, path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn one_value_is_shown_for_a_while_to_who_may_and_that_is_a_row() {
    let sandbox = sandbox();
    init(&sandbox).await;
    let done = known(&sandbox, "POST", "/r/1/unmask", "field=request-body%3A1").await;
    assert_eq!((done.status, done.header("location")), (303, Some("/r/1")));
    let page = known(&sandbox, "GET", "/r/1", "").await.text;
    assert!(page.contains(r#"<span class="unmasked">9001030000</span>"#));
    assert_eq!(page.matches("9001030000").count(), 1, "no copy has it");
    assert!(!page.contains(credentials::FINPASS_API_SECRET));
    assert!(
        !get(&sandbox, "/r/1").await.text.contains("9001030000"),
        "others do not see it"
    );
    let stream = get(&sandbox, "/?filter=is:console").await.text;
    assert!(stream.contains("unmasked a value of the request-body of /r/1 for 30 s"));
    assert!(!stream.contains("9001030000"));
    let odd = known(&sandbox, "POST", "/r/1/unmask", "field=%3Cb%3E").await;
    assert_eq!(odd.status, 303);
}

#[tokio::test]
async fn a_real_looking_number_is_warned_of() {
    let sandbox = sandbox();
    let pan = format!("ABC{}1234F", "PE");
    let body =
        format!(r#"{{"mobile_number":"9001030000","consent_type":"x","pan_number":"{pan}"}}"#);
    send(&sandbox, "POST", INIT, FINPASS, body).await;
    let page = get(&sandbox, "/r/1").await.text;
    assert!(page.contains("This may be a real person. Nothing here needs one."));
    assert!(!page.contains(&pan));
    assert!(
        get(&sandbox, "/")
            .await
            .text
            .contains("may be a real person")
    );
    init(&sandbox).await;
    assert!(
        !get(&sandbox, "/r/2")
            .await
            .text
            .contains("This may be a real person")
    );
}

#[tokio::test]
async fn markup_in_any_field_is_text() {
    let sandbox = sandbox();
    let odd = "<script>alert(1)</script>";
    let headers = with(FINPASS, "user-agent", odd);
    let body = format!(r#"{{"{odd}":"{odd}","mobile_number":"{odd}"}}"#);
    send(&sandbox, "POST", INIT, &headers, body).await;
    send(
        &sandbox,
        "GET",
        "/finpass/%3Cscript%3E?a=%3Cscript%3E",
        &[],
        "",
    )
    .await;
    for path in [
        "/",
        "/r/1",
        "/r/1/edit",
        "/r/2",
        "/?filter=%3Cscript%3Ealert(1)%3C/script%3E",
        "/?filter=%3Cscript%3E:1",
        "/latest?filter=%3Cscript%3E:1",
        "/j/%3Cscript%3E",
    ] {
        let page = known(&sandbox, "GET", path, "").await.text;
        assert!(!page.contains("<script>"), "{path}");
    }
}

#[tokio::test]
async fn the_nearest_operation_and_what_differs_are_said() {
    let sandbox = sandbox();
    send(&sandbox, "GET", INIT, FINPASS, "").await;
    let page = get(&sandbox, "/r/1").await.text;
    assert!(page.contains("Nearest operation") && page.contains("The method is GET, not POST."));
    send(&sandbox, "POST", INIT, &FINPASS[..1], BODY).await;
    let page = get(&sandbox, "/r/2").await.text;
    assert!(page.contains("The header `x-api-secret` is missing."));
    assert!(page.contains("Refused before the operation looked at it"));
    assert!(!page.contains("The header `x-api-key` is missing."));
}

#[tokio::test]
async fn a_wrong_signature_is_explained() {
    let sandbox = sandbox();
    let body = r#"{"type": "ine", "approved": true, "text": "I agree."}"#;
    let compact = body.replace(": ", ":").replace(", ", ",");
    let signature = sign(credentials::VERIFF_SHARED_SECRET, compact.as_bytes());
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", signature.as_str()),
        ("content-type", "application/json"),
    ];
    let path = "/veriff/v1/sessions/d69a07cf-4434-4d36-be6c-d22af7dc01fb/consents";
    assert_eq!(
        send(&sandbox, "POST", path, &headers, body).await.status,
        401
    );
    let page = get(&sandbox, "/r/1").await.text;
    assert!(
        page.contains("Probable cause: The body was parsed and written again before it was signed")
    );
    assert!(page.contains("differ from byte 8 on"));
    assert!(!page.contains(&signature) && !page.contains(credentials::VERIFF_SHARED_SECRET));
    assert!(
        get(&sandbox, "/?filter=is:unverified")
            .await
            .text
            .contains("/r/1")
    );

    // Edited, it is signed again.
    let sent = known(&sandbox, "POST", "/r/1/edit", "target=/v1/sessions/%C2%ABtoken+1%C2%BB/consents&body=%7B%22type%22%3A%22ine%22%2C%22approved%22%3Afalse%2C%22text%22%3A%22%C2%ABtext+1%C2%BB%22%7D").await;
    assert_eq!((sent.status, sent.header("location")), (303, Some("/r/2")));
    let consents = sandbox.consents("d69a07cf-4434-4d36-be6c-d22af7dc01fb");
    assert_eq!(consents.len(), 1, "{}", get(&sandbox, "/r/2").await.text);
    assert!(!consents[0].approved());
    let page = get(&sandbox, "/r/2").await.text;
    assert!(page.contains("edited and signed again") && page.contains("It matches."));
}

#[tokio::test]
async fn of_long_bodies_only_their_beginnings_are_kept_and_nothing_is_made_of_those() {
    let sandbox = sandbox();
    let signed = |text: &str| {
        let signature = sign(credentials::VERIFF_SHARED_SECRET, text.as_bytes());
        [
            ("x-auth-client", credentials::VERIFF_API_KEY.to_owned()),
            ("x-hmac-signature", signature),
        ]
    };
    let veriff = async |method: &str, path: &str, text: &str, body: &str| {
        let headers = signed(text);
        let headers = headers
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        send(&sandbox, method, path, &headers, body).await
    };
    let path = "/veriff/v1/sessions/aea9ba6d-1b47-47fc-a4fc-f72b6d3584a7/media";
    let content = "AAAA".repeat(50_000);
    let body = format!(r#"{{"image":{{"context":"face","content":"{content}"}}}}"#);
    let uploaded = veriff("POST", path, &body, &body).await;
    assert_eq!(uploaded.status, 200);
    let kept = |length: usize| format!("{length} bytes, of which the first 64 KiB are kept.");

    let page = known(&sandbox, "GET", "/r/1", "").await.text;
    assert!(page.contains(&kept(body.len())));
    assert!(page.contains("It cannot be sent again: its body is not kept whole."));
    for absent in [
        "Replay: send",
        "/r/1/edit",
        "Signed is",
        "As curl",
        "As kyc",
    ] {
        assert!(!page.contains(absent), "{absent}");
    }
    for (method, path, status) in [
        ("POST", "/r/1/replay", 400),
        ("POST", "/r/1/edit", 400),
        ("GET", "/r/1/edit", 404),
    ] {
        let refused = known(&sandbox, method, path, "target=/&body=").await;
        assert_eq!(refused.status, status, "{method} {path}");
    }
    assert_eq!(sandbox.ledger().total().requests, 1);

    // Of a long reply too; its request is whole.
    let image = uploaded.json()["image"]["id"].clone();
    let id = image.as_str().unwrap();
    let file = veriff("GET", &format!("/veriff/v1/media/{id}"), id, "").await;
    assert_eq!((file.status, file.text.len()), (200, 150_000));
    let page = known(&sandbox, "GET", "/r/2", "").await.text;
    for part in [&kept(150_000), "Replay: send", "It matches.", "As curl"] {
        assert!(page.contains(part), "{part}");
    }
}

#[tokio::test]
async fn a_call_is_replayed_byte_for_byte() {
    let sandbox = sandbox();
    init(&sandbox).await;
    let replayed = known(&sandbox, "POST", "/r/1/replay", "").await;
    assert_eq!(
        (replayed.status, replayed.header("location")),
        (303, Some("/r/2"))
    );
    assert_eq!(sandbox.ledger().total().effects, 2);
    let page = get(&sandbox, "/r/2").await.text;
    assert!(page.contains(r#"again from <a href="/r/1">call 1</a>"#));
    assert!(page.contains("65 bytes, no newline last"));
    assert!(
        get(&sandbox, "/?filter=is:replay")
            .await
            .text
            .contains("replay of 1")
    );
    assert_eq!(known(&sandbox, "POST", "/r/9/replay", "").await.status, 404);
}

#[tokio::test]
async fn clock_and_faults_are_steered_by_forms() {
    let sandbox = sandbox();
    let moved = known(&sandbox, "POST", "/console/clock", "by=7d").await;
    assert_eq!(moved.status, 303);
    assert!(
        get(&sandbox, "/")
            .await
            .text
            .contains("2030-01-08T00:00:00.000Z")
    );
    let refused = known(&sandbox, "POST", "/console/clock", "by=soon").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("must be a length such as 90s"));
    assert!(refused.text.contains(r#"name="by" value="soon""#));
    let refused = known(&sandbox, "POST", "/console/clock", "mode=fast&factor=no").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains(r#"name="factor" value="no""#));
    let fast = known(&sandbox, "POST", "/console/clock", "mode=fast&factor=60").await;
    assert_eq!(fast.status, 303);
    assert!(
        get(&sandbox, "/")
            .await
            .text
            .contains("runs 60 times as fast")
    );

    let form =
        "provider=finpass&operation=initialize&kind=status&value=503&first=2&after=yes&journey=";
    assert_eq!(
        known(&sandbox, "POST", "/console/faults", form)
            .await
            .status,
        303
    );
    assert_eq!(init(&sandbox).await.status, 503);
    let page = known(&sandbox, "GET", "/", "").await.text;
    assert!(page.contains("f_1: finpass initialize answers 503, after the effect, 1 more times"));
    assert!(page.contains("1 fault is on."));
    assert!(
        get(&sandbox, "/latest?filter=is:call")
            .await
            .header("location")
            .is_some()
    );
    known(&sandbox, "POST", "/console/faults/off", "id=f_1").await;
    assert!(sandbox.faults().is_empty());
    // What was filled in is not lost.
    let form = "provider=veriff&operation=decision&kind=status&value=99&first=3&percent=&seed=&journey=&page=yes";
    let refused = known(&sandbox, "POST", "/console/faults", form).await;
    assert_eq!(refused.status, 400);
    for kept in [
        r#"<option value="veriff" selected>"#,
        r#"<option value="decision" selected>"#,
        r#"name="value" value="99""#,
        r#"name="first" value="3""#,
        r#"name="page" value="yes" checked"#,
    ] {
        assert!(refused.text.contains(kept), "{kept}: {}", refused.text);
    }
    assert!(!refused.text.contains(r#"name="after" value="yes" checked"#));
}

#[tokio::test]
async fn a_consent_and_a_verification_are_decided_in_the_person_s_place() {
    let sandbox = sandbox();
    let body = r#"{"partyIdentifierType":"MOBILE","partyIdentifierValue":"9001000000","productID":"LOAN-1","accountID":"a","vua":"9001000000@onemoney"}"#;
    let asked = send(&sandbox, "POST", "/finpro/v2/requestconsent", FINPRO, body).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let handle = asked.json()["data"]["consent_handle"]
        .as_str()
        .unwrap()
        .to_owned();
    let page = known(&sandbox, "GET", "/j/j_1", "").await.text;
    assert!(
        page.contains(&handle) && page.contains("This cannot be taken back."),
        "{page}"
    );
    let form = |decision: &str| format!("id={handle}&decision={decision}");
    let done = known(&sandbox, "POST", "/j/j_1/act", &form("deny")).await;
    assert_eq!(
        (done.status, done.header("location")),
        (303, Some("/j/j_1"))
    );
    assert!(
        !sandbox.decide_consent(&handle, AggregatorConsentStatus::Active),
        "it is final"
    );
    let again = known(&sandbox, "POST", "/j/j_1/act", &form("approve")).await;
    assert_eq!(again.status, 400);
    assert!(
        get(&sandbox, "/?filter=is:console")
            .await
            .text
            .contains("deny in the person")
    );

    let body = r#"{"verification":{"vendorData":"x"}}"#;
    let signature = sign(credentials::VERIFF_SHARED_SECRET, body.as_bytes());
    let headers = [
        ("x-auth-client", credentials::VERIFF_API_KEY),
        ("x-hmac-signature", signature.as_str()),
        ("content-type", "application/json"),
    ];
    let created = send(&sandbox, "POST", "/veriff/v1/sessions", &headers, body).await;
    let session = created.json()["verification"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let form = format!("id={session}&decision=approve");
    assert_eq!(
        known(&sandbox, "POST", "/j/j_1/act", &form).await.status,
        400,
        "of another journey"
    );
    assert_eq!(
        known(&sandbox, "POST", "/j/j_2/act", &form).await.status,
        303
    );
    let path = format!("/veriff/v1/sessions/{session}/decision");
    let signature = sign(credentials::VERIFF_SHARED_SECRET, session.as_bytes());
    let headers = with(&headers, "x-hmac-signature", &signature);
    let decision = send(&sandbox, "GET", &path, &headers, "").await.json();
    assert_eq!(
        decision["verification"]["status"],
        DecisionStatus::Approved.pair().0
    );
}

#[tokio::test]
async fn the_person_approve_fills_an_empty_screen() {
    let sandbox = sandbox();
    assert!(
        known(&sandbox, "GET", "/", "")
            .await
            .text
            .contains("Run the person approve")
    );
    assert_eq!(
        known(&sandbox, "POST", "/console/run", "").await.status,
        303
    );
    let counts = sandbox.ledger().total();
    assert_eq!(
        (
            counts.requests,
            counts.by_status.keys().all(|status| *status < 300)
        ),
        (4, true)
    );
    assert!(get(&sandbox, "/").await.text.contains("approve"));
}

#[tokio::test]
async fn filters_stand_in_the_address_and_what_is_none_is_said_so() {
    let sandbox = sandbox();
    init(&sandbox).await;
    send(&sandbox, "POST", INIT, &FINPASS[1..], BODY).await;
    let failed = get(&sandbox, "/?filter=status:%3E%3D400").await.text;
    assert!(failed.contains(r#"href="/r/2""#) && !failed.contains(r#"href="/r/1""#));
    assert!(failed.contains(r#"aria-current="true">Failed</a>"#));
    let person = get(&sandbox, "/?filter=person:deny+-is:unverified")
        .await
        .text;
    assert!(person.contains(r#"href="/r/1""#) && !person.contains(r#"href="/r/2""#));
    let odd = get(&sandbox, "/?filter=colour:red").await.text;
    assert!(odd.contains("There is no `colour:`.") && odd.contains(r#"href="/r/1""#));
    let latest = get(&sandbox, "/latest?filter=status:200").await;
    assert_eq!(latest.header("location"), Some("/r/1"));
    assert_eq!(get(&sandbox, "/latest?filter=status:500").await.status, 404);
    assert_eq!(get(&sandbox, "/latest?filter=is:odd").await.status, 400);
}

#[tokio::test]
async fn looks_are_remembered_and_lead_back_to_the_sandbox_only() {
    let sandbox = sandbox();
    let dark = get(&sandbox, "/console/theme/dark?back=/r/1").await;
    assert_eq!((dark.status, dark.header("location")), (303, Some("/r/1")));
    let cookie = dark
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let page = send(&sandbox, "GET", "/", &[("cookie", &cookie)], "")
        .await
        .text;
    assert!(page.contains(r#"data-theme="dark""#));
    for back in [
        "//elsewhere.example.test",
        "http://elsewhere.example.test",
        "/%5C/elsewhere",
        "/%0d%0ax:y",
        "",
    ] {
        let reply = get(&sandbox, &format!("/console/theme/light?back={back}")).await;
        assert_eq!(reply.header("location"), Some("/"), "{back}");
    }
}

#[tokio::test]
async fn rows_of_several_days_say_their_day_and_what_steers_is_above_the_journeys() {
    let sandbox = sandbox();
    init(&sandbox).await;
    known(&sandbox, "POST", "/console/clock", "by=2d").await;
    init(&sandbox).await;
    let page = known(&sandbox, "GET", "/", "").await.text;
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}: {page}"));
    assert!(place(">2030-01-03 00:00:00.000<") < place(">2030-01-01 00:00:00.000<"));
    assert!(place("Switch a fault on") < place("Move the clock"));
    assert!(place("Move the clock") < place(r#"<h2 id="journeys-title">"#));
}

#[tokio::test]
async fn why_a_call_was_answered_so_is_a_sentence() {
    let sandbox = sandbox();
    let headers = crate::deepvue::HEADERS;
    let below = |operation: &str| format!("/deepvue/v1/kyc/digilocker/{operation}");
    let body = r#"{"consent":"Y","purpose":"kyc"}"#;
    let path = below("initiate-session");
    let opened = send(&sandbox, "POST", &path, headers, body).await.json();
    let id = opened["transaction_id"].as_str().unwrap();
    let body =
        format!(r#"{{"consent":"Y","purpose":"kyc","initial_deepvue_transaction_id":"{id}"}}"#);
    send(&sandbox, "POST", &below("eaadhaar"), headers, body).await;
    let page = known(&sandbox, "GET", "/r/2", "").await.text;
    let why = "<p>The person&#39;s code was not exchanged.</p>";
    let page = page.replace('\'', "&#39;");
    assert!(page.contains(why), "{page}");
}
