//! The sandbox: serving it, and steering one that runs.

pub(crate) mod clock;
pub(crate) mod faults;
pub(crate) mod listen;
pub(crate) mod people;
mod running;
pub(crate) mod serve;
pub(crate) mod trigger;
pub(crate) mod webhooks;

pub(crate) use self::clock::Clock;
pub(crate) use self::faults::Faults;
pub(crate) use self::listen::Listen;
pub(crate) use self::people::People;
pub(crate) use self::running::Running;
pub(crate) use self::trigger::Trigger;
pub(crate) use self::webhooks::Webhooks;
