#![doc = include_str!("../README.md")]

mod client;
mod decision;
mod person;
mod reply;

pub use client::SessionsClient;
#[doc(no_inline)]
pub use consent_hmac;
pub use decision::{Decision, GetDecision, Verdict, Verification};
pub use person::PersonData;
pub use reply::ReplyStatus;
