//! Checks of Indian identifiers and of consent terms, before a call that costs money. Pure.
//!
//! They look at the form alone: an identifier that passes need not exist, nor belong to the person. A client applies them to
//! every request, see [`Lints`]; [`Client::lint`](crate::Client::lint) applies them without a call, and
//! [`Findings`] to any text.

mod aadhaar;
mod account;
mod digits;
mod fair_use;
mod findings;
mod gstin;
mod lints;
mod mobile;
mod pan;
mod rule;
mod vua;

pub use aadhaar::mask_aadhaar;
pub use fair_use::{ConsentTerms, ConsentType, FetchType, Period, PeriodUnit};
pub use findings::{Finding, Findings};
pub use lints::{Lints, OnFinding};
pub use pan::HolderClass;
pub use rule::{Certainty, Rule};

/// What checks find of a value.
#[cfg(test)]
fn found(check: impl Fn(&mut Findings<'_>)) -> Vec<Rule> {
    let lints = Lints::default();
    let mut findings = Findings::new(&lints);
    check(&mut findings);
    findings.into_iter().map(|finding| finding.rule()).collect()
}
