//! One operation as HTTP: what is sent, what comes back, and what may be believed of it.

mod allowance;
mod attempt;
mod base_url;
mod body;
mod endpoint;
mod fault;
mod json;
mod operation;
mod provider;
mod raw_response;
mod request_id;
mod response;
mod verified;

pub use allowance::Allowance;
pub use attempt::Attempt;
pub(crate) use base_url::is_loopback;
pub use base_url::{BaseUrl, Segment};
pub use body::Body;
pub use endpoint::{Endpoint, ResponseError, post_json};
pub use fault::{Fault, FaultClass};
pub use json::{DecodeError, DecodeErrorCategory};
pub use operation::{Idempotency, Operation};
pub use provider::Provider;
pub use raw_response::RawResponse;
pub use request_id::RequestId;
pub use response::Response;
pub use verified::{Authenticity, VerificationError, Verified};
