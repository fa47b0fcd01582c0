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
mod returns;
mod seams;
mod stored;
#[cfg(feature = "veriff")]
mod veriff;
#[cfg(feature = "webhook")]
#[allow(
    dead_code,
    unused_imports,
    reason = "not used without a provider feature"
)]
mod webhooks;

pub use applicant::{Addresses, Applicant, Applicants, NoApplicant};
pub use clients::ProviderClients;
pub use returns::Returns;
pub use seams::{ConsentLog, Notices};
pub use stored::StoredApplicants;
#[cfg(feature = "veriff")]
pub use veriff::VeriffSettings;
#[cfg(feature = "webhook")]
pub use webhooks::Webhooks;
