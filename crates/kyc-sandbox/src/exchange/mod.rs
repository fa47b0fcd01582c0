//! One request in, one reply out: the parts that all operations share.

mod body;
mod declare;
mod faults;
mod form;
mod json;
mod reply;
mod request;
mod routes;

pub use declare::{ContentType, EmptyText, ExtraFields, NullOptional, RepeatedHeaders};
pub(crate) use declare::{choices, fault_settings, settings};
pub(crate) use faults::{ActiveFaults, Faults};
pub use faults::{Failure, Fault, FaultId, FaultKind, ParseFaultIdError};
pub(crate) use form::Part;
pub(crate) use json::Json;
pub(crate) use reply::{Reply, reason};
pub(crate) use request::{BodyProblem, Closing, ConnectionInfo, Header, ReceivedRequest, decoded};
pub use routes::Operation;
pub(crate) use routes::{Admission, ProviderApi, Route, operations, router, settle};
