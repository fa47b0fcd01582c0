#![doc = include_str!("../README.md")]

mod capability;
mod client;
mod envelope;
mod fetch_json_report;
mod fetch_pdf_report;
mod initialize;
mod journey;
mod provider;
mod refresh_data;
mod report_flow;
#[cfg(feature = "webhook")]
mod webhook;

pub use client::FinpassClient;
pub use envelope::Envelope;
pub use fetch_json_report::{
    FetchJsonReport, JsonReport, JsonReportData, ReportedAccount, ReportedFiStatus,
    ReportedProfile, ReportedSummary, ReportedTransaction, ReportedTransactions, TransactionType,
};
pub use fetch_pdf_report::{
    FetchPdfReport, PdfReport, PdfReportData, PdfStatement, PdfStatus, ReportLink,
};
pub use initialize::{
    ConsentType, ConsentUrl, Initialize, Initialized, InitializedData, SessionId,
};
pub use journey::{
    AnalysedIncome, Analysis, AnalysisData, AnalysisSummary, GetAnalysis, GetJourneyStatus,
    GetStatementResult, InitializeJourney, InitializedJourney, JourneyData, JourneyId,
    JourneyProgress, JourneyState, JourneyStatus, JourneyStatusData, JourneyUrl, StatementAccount,
    StatementResult, StatementResultData, StatementTransaction,
};
pub use provider::{ApiKey, ApiSecret, Finpass};
#[doc(no_inline)]
pub use provider_core;
#[doc(no_inline)]
pub use provider_core::RawJson;
pub use refresh_data::{DataRequestId, RefreshData, Refreshed, RefreshedData};
pub use report_flow::ReportFlow;
#[cfg(feature = "webhook")]
pub use webhook::{FinpassHints, Hint};

/// Finpass as an OpenAPI document without operations: addresses, credentials and refusals. The
/// operations are in the catalogue.
#[cfg(feature = "schema")]
pub const OPENAPI: &str = include_str!("../openapi.json");
