//! Receives webhooks: the raw bytes are verified, then parsed, and each event is handled once.
//!
//! A provider's crate brings a [`Scheme`]: how it signs, and what its events are. A [`Receiver`] has the rest: a cap and a
//! deadline for the body, secrets that end at a date, a memory of what was handled, and the status of each answer, which is a
//! table: see [`Reply`].
//!
//! ```
//! # use provider_core::webhook::{Reply, Scheme, Verified};
//! # async fn put(_: bytes::Bytes, _: provider_core::webhook::Meta) -> Result<(), std::io::Error> { Ok(()) }
//! /// Stores, and answers. What takes long is done later, from what was stored.
//! async fn hook<P: Scheme>(event: Verified<P>) -> Reply {
//!     event.once(|raw, meta| put(raw, meta)).await
//! }
//! ```
//!
//! In axum, `Verified<P>` is an extractor (feature `axum-08`); in a stack of tower, the receiver is a layer (feature `tower`);
//! anywhere else, [`Receiver::handle`] takes an `http::Request`, and [`Receiver::verify`] headers and bytes.
//!
//! Where a webhook does not come within its time, a [`Reconciler`] asks the provider instead.
//!
//! Verification and parsing are apart: an authentic webhook of an unknown kind, or one that cannot be read, is kept all the
//! same. A receiver without secrets refuses everything, and nothing makes it open.

#[cfg(feature = "axum-08")]
mod axum;
mod body;
mod deadline;
mod diagnosis;
mod event_key;
mod receiver;
mod reconciler;
mod refusal;
mod reply;
mod scheme;
mod secrets;
mod seen;
mod self_test;
mod signature;
mod token;
#[cfg(feature = "tower")]
mod tower;
mod verified;

pub use body::read_post;
pub use event_key::EventKey;
#[doc(no_inline)]
pub use http_body;
pub use receiver::Receiver;
pub use reconciler::{Ask, Asked, Pace, Reconciler, TooManyExpected};
pub use refusal::{MismatchCause, Refusal, Unreadable};
pub use reply::Reply;
pub use scheme::{Authentic, Scheme, decode, only_header};
pub use secrets::{KeyForm, Secrets, Signed, SigningKey, Tag};
pub use seen::{BoxError, Claim, RecentEvents, SeenEvents};
pub use self_test::SelfTestFailure;
pub use signature::{Encoding, HeaderSignature, SignedText};
pub use token::PathToken;
#[cfg(feature = "tower")]
pub use tower::WebhookService;
pub use verified::{Meta, Verified};
