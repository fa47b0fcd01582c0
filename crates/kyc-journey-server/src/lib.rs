#![doc = include_str!("../README.md")]

mod api;
mod consents;
mod guard;
mod hooks;
mod keys;
mod limits;
mod openapi;
mod page;
mod peer;
mod plan;
mod problem;
mod returns;
mod routes;
mod serve;
mod server;
mod sessions;
mod state;
mod timeline;

pub use consents::{ConsentReceipts, NotWritten, WrittenReceipt};
pub use keys::{ApiToken, Digests};
pub use limits::Limits;
pub use openapi::openapi;
pub use plan::plan_from_value;
pub use serve::{Served, serve, serve_on};
pub use server::{JourneyServer, JourneyServerBuilder};
pub use timeline::{Line, Lines};
