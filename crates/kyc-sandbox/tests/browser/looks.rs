//! The style of all pages on which a person acts.

use kyc_sandbox::Settings;

use crate::browser::{Width, visit};

/// Everything that such a page can have.
const PAGE: &str = r#"<head><title>Consent</title><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/style.css"></head><body>
<header class="strip"><p><strong>Sandbox.</strong> Invented people. Do not type real data.</p><p>We would have sent 123456.</p></header>
<main><p class="service">DigiLocker</p><h1>What do you share with a-lender-with-a-very-long-name.example.test?</h1>
<p class="error" role="alert">The one-time password is wrong.</p>
<dl><dt>Purpose</dt><dd>Loan underwriting</dd><dt>Valid until</dt><dd>2030-01-01T00:00:00.000Z</dd></dl>
<form method="post"><fieldset><legend>Documents</legend>
<label class="choice"><input type="checkbox" name="a" checked> Aadhaar</label>
<label class="choice"><input type="checkbox" name="b" disabled> PAN: the issuer has none</label></fieldset>
<label for="otp">One-time password</label><input id="otp" type="text" name="otp">
<label for="bank">Bank</label><select id="bank" name="bank"><option>Invented Bank</option></select>
<button class="primary">Allow</button><button class="danger">Deny</button><a class="button" href="/">Back</a></form>
<p class="muted">Nothing is shared before you allow it.</p></main></body>"#;

#[tokio::test(flavor = "multi_thread")]
async fn the_style_of_pages_is_accessible_and_narrow() {
    visit("the_style_of_pages", Width::Phone, Settings::default(), async |page| {
        for (feature, value) in [
            ("prefers-color-scheme", "light"),
            ("prefers-color-scheme", "dark"),
            ("forced-colors", "active"),
        ] {
            page.prefers(feature, value).await;
            page.open("/style.css").await;
            let script = format!(
                "document.open(); document.write({:?}); document.close(); document.documentElement.lang = 'en';",
                format!("<!DOCTYPE html><html lang=\"en\">{PAGE}</html>")
            );
            page.run(&script).await;
            page.sees("Nothing is shared").await;
            page.fits().await;
            page.is_accessible().await;
            page.picture(&format!("style-{value}")).await;
        }
    })
    .await;
}
