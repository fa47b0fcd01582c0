//! The README's pictures, made again by `cargo test -p kyc-sandbox --test browser -- --ignored`. Those that are kept have a
//! palette of 64 colours (`pngquant 64`), so that they are small.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::browser::{Lender, Page, Width, visit};
use crate::{aggregator, digilocker, veriff};

async fn keep(page: &Page, name: &str) {
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures");
    page.save(&pictures.join(format!("{name}.png"))).await;
}

#[ignore = "it writes files of the repository"]
#[tokio::test(flavor = "multi_thread")]
async fn the_pictures_of_the_readme() {
    visit(
        "pictures",
        Width::Picture,
        veriff::settings(),
        async |page| {
            let lender = Lender::start().await;
            digilocker::open(page, &lender, json!(null)).await;
            digilocker::to_consent(page).await;
            keep(page, "digilocker-consent").await;

            veriff::open(page, "https://lender.example.test/back").await;
            veriff::to_pictures(page).await;
            page.screen("The front of your document").await;
            keep(page, "veriff-picture").await;

            let (_, link) = aggregator::ask(page, &lender, "9812300000").await;
            page.follow(&link).await;
            aggregator::to_review(page).await;
            keep(page, "aggregator-review").await;
            page.press("Approve").await;
            page.screen("Approved").await;
            page.sandbox.advance(Duration::from_secs(60)).await;
            page.set_width(Width::Desktop).await;
            page.open_console().await;
            page.open("/j/j_3").await;
            page.sees("approves").await;
            keep(page, "console-journey").await;
        },
    )
    .await;
}
