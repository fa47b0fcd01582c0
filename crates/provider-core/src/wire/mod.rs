//! One operation as HTTP: what is sent, what comes back, and what may be believed of it.

mod allowance;
mod attempt;
mod base_url;
mod body;
mod endpoint;
mod fault;
mod input;
mod json;
pub mod lenient;
mod operation;
mod provider;
mod raw_response;
mod request;
mod request_id;
mod response;
mod route;
mod transport_error;
mod verified;

pub use allowance::Allowance;
pub use attempt::Attempt;
pub use base_url::BaseUrl;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub(crate) use base_url::is_loopback;
pub use body::Body;
pub use endpoint::{Endpoint, ResponseError};
pub use fault::{Fault, FaultClass};
pub use input::{MAX_INPUT_BYTES, input_from_json, request_from_json, request_from_value};
pub use json::{DecodeError, DecodeErrorCategory};
pub use lenient::{Items, UnreadItem};
pub use operation::{Idempotency, Mark, Operation, Signs};
pub use provider::Provider;
pub use raw_response::RawResponse;
pub use request::{BuiltRequest, RequestBuilder};
pub use request_id::RequestId;
pub use response::Response;
pub use route::{Method, Route};
pub use transport_error::{TransportError, TransportErrorKind};
pub use verified::{Authenticity, VerificationError, Verified};
