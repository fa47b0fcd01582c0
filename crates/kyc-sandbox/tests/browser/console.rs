//! The console in a browser.

use std::time::{Duration, UNIX_EPOCH};

use kyc_sandbox::settings::PeopleAct;
use kyc_sandbox::{Sandbox, Settings, credentials};

use crate::browser::{ENTER, Width, call, visit};

/// Persons wait for somebody to act in their place, so that rows are those of calls alone.
fn settings() -> Settings {
    Settings::default().with_people_act(PeopleAct::OnPages)
}

/// A call of Finpass, with these credentials.
async fn finpass(sandbox: &Sandbox, key: &str) {
    let headers = [
        ("x-api-key", key),
        ("x-api-secret", credentials::FINPASS_API_SECRET),
    ];
    let path = "/finpass/api/v1/services/account-aggregator/init";
    let body = r#"{"mobile_number":"9000000003","consent_type":"loan_underwriting"}"#;
    call(sandbox, ("POST", path), &headers, body.to_owned()).await;
}

/// A sandbox whose clock stands.
pub(crate) fn still() -> Settings {
    let now = UNIX_EPOCH.checked_add(Duration::from_secs(1_795_737_600));
    Settings::default().with_fixed_time(now)
}

async fn init(sandbox: &Sandbox) {
    finpass(sandbox, credentials::FINPASS_API_KEY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_as_things_happen() {
    visit("rows_come", Width::Desktop, settings(), async |page| {
        page.open_console().await;
        page.sees("Nothing has happened yet").await;
        page.sees("Live").await;
        init(&page.sandbox).await;
        page.find("li.row[data-number='1']").await;
        page.sees("j_1").await;
        assert!(!page.text().await.contains("Nothing has happened yet"));

        // What comes while it is paused is counted, and comes when it goes on.
        page.press("Pause").await;
        init(&page.sandbox).await;
        page.sees("1 new row").await;
        assert_eq!(page.count("li.row").await, 1);
        page.press("Go on").await;
        page.find("li.row[data-number='2']").await;

        // So does what comes while somebody reads further down.
        for _ in 0..60 {
            init(&page.sandbox).await;
        }
        page.find("li.row[data-number='62']").await;
        page.run("window.scrollTo(0, 2000)").await;
        init(&page.sandbox).await;
        page.sees("1 new row").await;
        assert_eq!(page.count("li.row[data-number='63']").await, 0);
        page.run("window.scrollTo(0, 0)").await;
        page.find("li.row[data-number='63']").await;
        let order = "return [...document.querySelectorAll('li.row')].map(r => +r.dataset.number)";
        let order: Vec<u64> = serde_json::from_value(page.run(order).await).unwrap();
        assert!(order.is_sorted_by(|a, b| a > b), "{order:?}");
        assert_eq!(order.len(), 63);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_said_and_what_was_missed_comes() {
    visit(
        "a_lost_connection",
        Width::Desktop,
        settings(),
        async |page| {
            let served = page
                .sandbox
                .serve("127.0.0.1:0".parse().unwrap())
                .await
                .unwrap();
            let address = served.address();
            let here = page.at(address);
            here.open_console().await;
            here.sees("Live").await;
            init(&page.sandbox).await;
            here.find("li.row[data-number='1']").await;
            served.shutdown().await;
            here.sees("The connection is lost.").await;
            init(&page.sandbox).await;
            let again = page.sandbox.serve(address).await.unwrap();
            here.find("li.row[data-number='2']").await;
            assert_eq!(here.count("li.row").await, 2);
            again.shutdown().await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_done_by_keys_alone() {
    const ESCAPE: &str = "\u{e00c}";
    visit("keys", Width::Desktop, settings(), async |page| {
        init(&page.sandbox).await;
        finpass(&page.sandbox, "wrong").await;
        page.open_console().await;
        page.keys("j").await;
        assert!(
            page.focused().await.contains("401"),
            "{}",
            page.focused().await
        );
        page.keys("j").await;
        page.keys("j").await;
        assert!(
            page.focused().await.contains("200"),
            "the last row keeps the focus"
        );
        page.keys("k").await;
        page.keys(ENTER).await;
        page.sees("Refused before the operation looked at it").await;
        assert_eq!(page.path().await, "/r/2");
        page.keys(ESCAPE).await;
        page.sees("What happened, newest first").await;
        page.keys("/").await;
        page.find("#filter:focus").await;
        page.keys("status:200").await;
        page.keys(ENTER).await;
        page.sees("Everything").await;
        assert_eq!(page.count("li.row").await, 1);
        assert_eq!(page.path().await, "/?filter=status%3A200");
        page.keys("?").await;
        page.sees("to the button that replays").await;

        page.keys("j").await;
        page.keys(ENTER).await;
        page.sees("answered as documented").await;
        page.keys("r").await;
        assert_eq!(page.focused().await, "Replay: send the same bytes");
        assert_eq!(
            page.sandbox.ledger().total().requests,
            2,
            "no key sends by itself"
        );
        page.keys(ENTER).await;
        page.sees("again from").await;
        assert_eq!(page.path().await, "/r/3");
        assert_eq!(page.sandbox.ledger().total().effects, 2);

        page.keys("m").await;
        page.sees("Everything is masked.").await;
        page.keys("m").await;
        page.sees("Personal data is masked.").await;
        page.keys("g").await;
        page.keys("l").await;
        page.sees("again from").await;
        assert_eq!(page.path().await, "/r/3");

        // A value is shown by a button, which keys reach.
        page.run("document.querySelector('[value=\"request-body:1\"]').focus()")
            .await;
        page.keys(ENTER).await;
        page.sees("9000000003").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_call_is_sent_with_what_was_masked() {
    visit("edit", Width::Phone, settings(), async |page| {
        init(&page.sandbox).await;
        page.open_console().await;
        page.open("/r/1").await;
        page.press("Edit and replay").await;
        page.sees("Edit and replay call 1").await;
        let body = page.run("return document.getElementById('body').value").await;
        assert_eq!(
            body,
            r#"{"mobile_number":"«mobile number 1»","consent_type":"loan_underwriting"}"#
        );
        page.run("const b = document.getElementById('body'); b.value = b.value.replace('loan_underwriting', 'other')").await;
        page.press("Send").await;
        page.sees("edited and signed again").await;
        page.sees("90••••••03").await;
        page.sees("\"other\"").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_accessible_and_narrow() {
    visit("every_page", Width::Desktop, settings(), async |page| {
        page.open_console().await;
        page.is_accessible().await;
        page.picture("console-empty").await;
        page.press("Run the person approve").await;
        page.sees("approve").await;
        init(&page.sandbox).await;
        finpass(&page.sandbox, "wrong").await;
        page.sandbox.advance(Duration::from_secs(86_400)).await;
        page.open("/").await;
        let journey = page
            .find(".journeys a")
            .await
            .attr("href")
            .await
            .unwrap()
            .unwrap();
        let pages = [
            ("stream", "/"),
            ("filter", "/?filter=colour:red"),
            ("call", "/r/5"),
            ("refused", "/r/6"),
            ("signed", "/r/3"),
            ("edit", "/r/3/edit"),
            ("journey", &journey),
            ("problem", "/r/999"),
        ];
        for width in [Width::Desktop, Width::Phone] {
            page.set_width(width).await;
            for (feature, value) in [
                ("prefers-color-scheme", "light"),
                ("prefers-color-scheme", "dark"),
                ("forced-colors", "active"),
            ] {
                page.prefers(feature, value).await;
                for (name, path) in pages {
                    page.open(path).await;
                    page.run("for (const d of document.querySelectorAll('details')) d.open = true")
                        .await;
                    page.fits().await;
                    page.is_accessible().await;
                    page.picture(&format!("console-{name}-{value}-{width:?}"))
                        .await;
                }
            }
        }
        // The switch says the contrary of the system.
        page.prefers("prefers-color-scheme", "light").await;
        page.open("/console/theme/dark?back=/r/5").await;
        assert_eq!(page.path().await, "/r/5");
        let ground = page
            .run("return getComputedStyle(document.body).backgroundColor")
            .await;
        assert_eq!(ground, "rgb(22, 24, 28)");
        page.is_accessible().await;
    })
    .await;
}
