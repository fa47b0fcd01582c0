//! Bank data of the sandbox, read through the types of reports and journeys.

use std::sync::Arc;
use std::time::Duration;

use finpass::provider_core::Mobile;
use finpass::provider_core::lenient::Read;
use finpass::{
    ConsentType, FetchJsonReport, FetchPdfReport, FinpassClient, GetAnalysis, GetStatementResult,
    Initialize, InitializeJourney, JourneyUrl, ReportFlow, TransactionType,
};
use kyc_sandbox::Sandbox;

use crate::sandbox::{base_url, client};

const FIRST: ReportFlow = ReportFlow::Underwriting { request_id: None };

/// Longer than a person takes at an aggregator.
const MINUTE: Duration = Duration::from_secs(60);

fn connect(sandbox: &Sandbox) -> FinpassClient {
    client(&base_url(), Arc::new(sandbox.transport()))
}

#[tokio::test]
async fn a_report_has_every_row_of_every_account() {
    let sandbox = Sandbox::default();
    let client = connect(&sandbox);
    for (mobile, accounts, is_dirty) in [
        ("9001000000", 1, false),
        ("9001000008", 3, false),
        ("9001000019", 1, true),
    ] {
        let person = Mobile::parse(mobile).unwrap();
        let open = Initialize::new(person, ConsentType::LoanUnderwriting);
        let session = client
            .initialize(open)
            .await
            .unwrap()
            .into_value()
            .data
            .client_id;
        sandbox.advance(MINUTE).await;
        let pdf = FetchPdfReport::new(session.clone(), FIRST);
        let pdf = client.fetch_pdf_report(pdf).await.unwrap().into_value();
        assert_eq!(pdf.data.reports.len(), accounts);
        let report = client
            .fetch_json_report(FetchJsonReport::new(session, FIRST))
            .await;
        let report = report
            .unwrap()
            .into_value()
            .data
            .account_aggregator_json
            .unwrap();
        assert_eq!((report.len(), report.unread_count()), (accounts, 0));
        for account in report.iter() {
            assert!(account.profile_details.as_ref().unwrap().name.is_some());
            let data = account.transaction_data.as_ref().unwrap();
            let rows = data.transaction_details.as_ref().unwrap();
            assert_eq!(rows.unread_count(), 0);
            assert!(rows.len() > 20);
            for row in rows.iter() {
                assert!(matches!(
                    row.kind,
                    Some(TransactionType::Credit | TransactionType::Debit)
                ));
                assert!(row.amount.value().is_some() && row.transaction_timestamp.is_some());
                assert!(is_dirty || row.transaction_balance.value().is_some());
            }
            let missing = rows
                .iter()
                .any(|row| matches!(row.transaction_balance, Read::Absent));
            assert_eq!(missing, is_dirty);
        }
    }
}

#[tokio::test]
async fn a_journey_has_its_statement_and_analysis() {
    let sandbox = Sandbox::default();
    let client = connect(&sandbox);
    let site = || JourneyUrl::FinpassSite;
    let person = Mobile::parse("9001000008").unwrap();
    let open = InitializeJourney::new(person, ConsentType::LoanUnderwriting, site(), site());
    let id = client
        .initialize_journey(open)
        .await
        .unwrap()
        .into_value()
        .data
        .client_id;
    sandbox.advance(MINUTE).await;
    let statement = client
        .statement_result(GetStatementResult::new(id.clone()))
        .await;
    let accounts = statement.unwrap().into_value().data.accounts;
    assert_eq!((accounts.len(), accounts.unread_count()), (3, 0));
    for account in accounts.iter() {
        let rows = account.transactions.as_ref().unwrap();
        assert!(rows.unread_count() == 0 && rows.iter().all(|row| row.date.is_some()));
        assert!(account.opening_balance.value().is_some());
    }
    let analysis = client
        .analysis_json(GetAnalysis::new(id))
        .await
        .unwrap()
        .into_value()
        .data;
    let income = analysis.income.unwrap();
    let text = income
        .average_monthly_income
        .value()
        .map(|income| income.expose().to_owned());
    assert_eq!(text.as_deref(), Some("75000.00"));
    assert_eq!(income.identified_salary_credits.unwrap().len(), 12);
    assert!(analysis.summary.unwrap().total_credits.value().is_some());
}
