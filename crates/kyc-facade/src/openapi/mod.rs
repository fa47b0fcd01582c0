//! OpenAPI 3.1 documents of a provider's operations, generated from its clients' catalogues, and the members of a request
//! as data.

mod document;
mod members;
mod operation;
mod prose;

pub use document::{Components, Document, DocumentError};
pub use members::{FileEncoding, FileMember, Kind, Member, Place, members};
pub use operation::{OperationObject, Parameter};
pub use prose::{headline, plain, prose};
