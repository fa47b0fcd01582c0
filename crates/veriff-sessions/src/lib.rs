#![doc = include_str!("../README.md")]

mod client;
mod decision;

pub use client::SessionsClient;
#[doc(no_inline)]
pub use consent_hmac;
pub use decision::{Decision, GetDecision, PersonData, Verdict, Verification, VerificationStatus};
