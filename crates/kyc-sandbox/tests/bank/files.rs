//! The files that replies bring or lead to: whole, and of the accounts that the other replies tell of.

use kyc_sandbox::settings::ExcelForm;
use kyc_sandbox::{FinproSettings, Settings};
use serde_json::{Value, json};

use crate::served::{Account, MINUTE, TODAY, bytes, call, consent, finpass, finpro, sandbox, text};

/// The texts of a PDF of one page, after each of its objects was found where its table says.
fn page(pdf: &[u8]) -> String {
    let pdf = std::str::from_utf8(pdf).unwrap();
    assert!(pdf.starts_with("%PDF-1.4\n") && pdf.ends_with("%%EOF\n"));
    let (_, table) = pdf.split_once("xref\n0 6\n").unwrap();
    for (number, entry) in (1..=5).zip(table.lines().skip(1)) {
        let at: usize = entry[..10].parse().unwrap();
        assert!(pdf[at..].starts_with(&format!("{number} 0 obj\n")));
    }
    let (_, start) = pdf.split_once("startxref\n").unwrap();
    let start: usize = start.lines().next().unwrap().parse().unwrap();
    assert!(pdf[start..].starts_with("xref\n"));
    let texts = pdf.split(" Td (").skip(1);
    let texts = texts.map(|part| part.split_once(") Tj").unwrap().0);
    texts.collect::<Vec<_>>().join("\n")
}

/// Whether a page tells of an account: whose it is, and its newest row.
fn tells(page: &str, account: &Account) {
    let newest = account.rows.last().unwrap();
    let day = newest.at.date().to_string();
    for part in [&account.holders[0], &account.number, &day] {
        assert!(page.contains(part.as_str()), "{part}: {page}");
    }
    let narration = newest.narration.replace('(', "\\(").replace(')', "\\)");
    assert!(page.contains(&narration), "{narration}: {page}");
    assert!(page.lines().count() < 40, "a page has room for no more");
}

#[tokio::test]
async fn a_statement_of_finpro_is_a_page_of_its_accounts() {
    let sandbox = sandbox(TODAY, Settings::default());
    let consent = consent(&sandbox, "9001000008", json!({})).await;
    let accounts = finpro(&sandbox, &consent).await;
    assert_eq!(accounts.len(), 3);
    let path = "/finpro/getallfidataPdf";
    for (link, account) in consent.links.iter().zip(&accounts) {
        let body = json!({"consentID": consent.id, "linkRefNumber": [link]});
        let one = page(&bytes(&sandbox, "POST", path, body.clone()).await);
        tells(&one, account);
        assert!(one.contains(&account.bank));
        // Only what happened in the range.
        let mut before = body;
        before["transactionsStartDate"] = json!("2026-01-01T00:00:00+05:30");
        before["transactionsEndDate"] = json!("2026-01-31T23:59:59+05:30");
        let january = page(&bytes(&sandbox, "POST", path, before).await);
        assert!(january.contains("2026-01-") && !january.contains("2026-10-"));
    }
    let all = json!({"consentID": consent.id, "linkRefNumber": consent.links});
    let all = page(&bytes(&sandbox, "POST", path, all).await);
    for account in &accounts {
        tells(&all, account);
    }
}

#[tokio::test]
async fn the_statement_of_somebody_without_a_script_has_the_rows_of_the_data() {
    let sandbox = sandbox(TODAY, Settings::default());
    let consent = consent(&sandbox, "9000000001", json!({})).await;
    let body = json!({"consentID": consent.id, "linkRefNumber": [consent.links[0]]});
    let page = page(&bytes(&sandbox, "POST", "/finpro/getallfidataPdf", body).await);
    for part in ["INVENTED PERSON", "+2000.00", "-760.50", "1239.50"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn the_links_of_finpass_s_report_lead_to_statements_of_its_accounts() {
    let sandbox = sandbox(TODAY, Settings::default());
    for mobile in ["9001000008", "9000000001"] {
        let accounts = match mobile {
            "9001000008" => finpass(&sandbox, mobile).await,
            _ => vec![Account::default(), Account::default()],
        };
        const AA: &str = "/finpass/api/v1/services/account-aggregator";
        let init = json!({"mobile_number": mobile, "consent_type": "loan_underwriting"});
        let opened = call(&sandbox, &format!("{AA}/init"), init).await;
        sandbox.advance(MINUTE).await;
        let body = json!({"client_id": opened["data"]["client_id"]});
        let reply = call(&sandbox, &format!("{AA}/fetch-statement-pdf"), body).await;
        let reports = reply["data"]["reports"].as_array().unwrap();
        assert_eq!(reports.len(), accounts.len());
        for (report, account) in reports.iter().zip(&accounts) {
            let link = text(&report["statement_report_link"]);
            let path = link.strip_prefix("http://localhost").unwrap();
            let page = page(&bytes(&sandbox, "GET", path, Value::Null).await);
            match mobile {
                "9001000008" => tells(&page, account),
                _ => assert!(page.contains(&text(&report["account_number"]))),
            }
        }
    }
}

#[tokio::test]
async fn the_link_to_a_spreadsheet_leads_to_the_file_that_is_replied_otherwise() {
    for mobile in ["9001000008", "9000000001"] {
        let mut files = Vec::new();
        for form in [ExcelForm::Link, ExcelForm::File] {
            let finpro = FinproSettings::default().with_excel_form(form);
            let sandbox = sandbox(TODAY, Settings::default().with_finpro(finpro));
            let consent = consent(&sandbox, mobile, json!({})).await;
            for links in [None, Some(&consent.links[..1])] {
                let mut body = json!({"consentID": consent.id, "journeyID": "j"});
                if let Some(links) = links {
                    body["linkRefNumber"] = json!(links);
                }
                let reply = bytes(&sandbox, "POST", "/finpro/analytics/excel", body).await;
                let file = match form {
                    ExcelForm::Link => {
                        let reply: Value = serde_json::from_slice(&reply).unwrap();
                        let link = text(&reply["data"]["data"]["s3Url"]);
                        let path = link.strip_prefix("http://localhost").unwrap();
                        bytes(&sandbox, "GET", path, Value::Null).await
                    }
                    _ => reply,
                };
                assert!(file.starts_with(b"PK\x03\x04"));
                let has = |name: &str| file.windows(name.len()).any(|w| w == name.as_bytes());
                assert!(has("xl/workbook.xml") && has("xl/worksheets/sheet2.xml"));
                files.push(file);
            }
        }
        assert!(files[0] == files[2] && files[1] == files[3], "{mobile}");
    }
}
