//! The sandbox: serving it, and steering one that runs.

pub(crate) mod clock;
pub(crate) mod faults;
mod forward;
pub(crate) mod listen;
pub(crate) mod people;
pub(crate) mod read;
mod receivers;
mod registration;
pub(crate) mod running;
pub(crate) mod serve;
pub(crate) mod trigger;
mod verify;
pub(crate) mod webhooks;

pub(crate) use self::running::Running;
