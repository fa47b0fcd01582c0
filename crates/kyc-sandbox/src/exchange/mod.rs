//! One request in, one reply out: the parts that all operations share.

mod archive;
pub(crate) mod body;
mod declare;
mod faults;
mod form;
mod host;
mod json;
mod reply;
mod request;
mod routes;
mod setting_value;
pub(crate) mod status;

pub(crate) use archive::{archive, crc32};
pub use declare::{ContentType, EmptyText, ExtraFields, NullOptional, RepeatedHeaders};
pub(crate) use declare::{choices, fault_settings, named, settings};
pub(crate) use faults::{ActiveFaults, Faults};
pub use faults::{Failure, Fault, FaultError, FaultId, FaultKind, ParseFaultIdError};
pub(crate) use form::Part;
pub(crate) use host::is_own_host;
pub(crate) use json::Json;
pub(crate) use reply::{Reply, reason};
pub(crate) use request::{
    BodyProblem, Closing, ConnectionInfo, Header, ReceivedRequest, decoded, query,
};
pub use routes::Operation;
pub(crate) use routes::{Admission, ProviderApi, Route, operations, router, settle};
pub use setting_value::{SettingError, SettingName};
pub(crate) use setting_value::{SettingValue, kebab, not_as_text, parsed, plain};
