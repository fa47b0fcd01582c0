#![doc = include_str!("../README.md")]

mod applicant;
#[allow(dead_code, reason = "not used without a provider feature")]
mod asked;
mod clients;
#[cfg(feature = "deepvue")]
mod deepvue;
#[allow(dead_code, reason = "not used without a provider feature")]
mod failure;
#[cfg(feature = "finpass")]
mod finpass;
#[cfg(feature = "finpro")]
mod finpro;
#[cfg(feature = "consent")]
mod ledger;
mod returns;
#[cfg(feature = "consent")]
mod sealer;
mod seams;
mod stored;
#[cfg(feature = "veriff")]
mod veriff;
#[cfg(feature = "webhook")]
#[allow(
    dead_code,
    unused_imports,
    unused_mut,
    unused_variables,
    reason = "not used without a provider feature"
)]
mod webhooks;
#[cfg(feature = "consent")]
mod withdrawals;

pub use applicant::{Addresses, Applicant, Applicants, NoApplicant};
pub use clients::ProviderClients;
#[cfg(feature = "consent")]
pub use ledger::{LedgerConsents, gate_rules, record_request, withdraw_unshared};
pub use returns::Returns;
#[cfg(feature = "consent")]
pub use sealer::PersonSealer;
pub use seams::{ConsentLog, Consents, Notices, ProviderCall, Unproved};
pub use stored::StoredApplicants;
#[cfg(feature = "veriff")]
pub use veriff::VeriffSettings;
#[cfg(feature = "webhook")]
pub use webhooks::Webhooks;
#[cfg(feature = "consent")]
pub use withdrawals::{NotWithdrawn, OneDatabase, Withdrawals};
