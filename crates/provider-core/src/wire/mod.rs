//! One operation as HTTP: the request, the reply, and its verification.

mod allowance;
mod attempt;
mod base_url;
mod body;
mod content;
mod document;
mod endpoint;
mod fault;
mod form;
mod input;
mod json;
mod label;
pub mod lenient;
mod operation;
mod provider;
mod raw_json;
mod raw_response;
mod reply_head;
mod request;
mod request_id;
mod response;
mod route;
mod streaming;
mod transport_error;
mod verified;
mod versioned;
mod vocabulary;

pub use allowance::Allowance;
pub use attempt::Attempt;
pub use base_url::BaseUrl;
pub use body::Body;
pub use content::{Content, ContentHead};
pub(crate) use content::{begins_like_json, serialize as serialize_content};
pub use document::{DocumentFlaw, check_pdf, check_spreadsheet, check_xml};
pub use endpoint::{Endpoint, ResponseError};
pub use fault::{Fault, FaultClass};
pub use form::Form;
pub use input::{
    MAX_INPUT_BYTES, input_from_json, request_from_json, request_from_value, value_from_json,
};
#[doc(hidden)]
pub use input::{RequestMembers, deserialize_request};
#[cfg(feature = "webhook")]
pub(crate) use json::decode_plain;
pub use json::{DecodeError, DecodeErrorCategory, without_padding};
pub(crate) use json::{Recognized, recognize};
pub use label::Label;
pub use lenient::{Items, UnreadItem};
pub use operation::{Idempotency, Mark, Operation, Signs};
pub use provider::{BoxFuture, KnownMembers, Provider};
pub use raw_json::RawJson;
pub use raw_response::RawResponse;
pub use reply_head::ReplyHead;
pub use request::{BuiltRequest, RequestBuilder};
pub use request_id::RequestId;
pub use response::Response;
pub use route::{Method, Route};
pub use streaming::{BodyVerifier, StreamVerification};
pub use transport_error::{TransportError, TransportErrorKind};
pub use verified::{Authenticity, VerificationError, Verified};
pub use versioned::deserialize_versioned;
pub use vocabulary::tells_failure;
