//! Where the state is kept besides memory: in a file, or nowhere.
//!
//! Each collection has a room. Whatever it changes it puts there as well, and whoever answers [writes](Store::write) first.

#[cfg(feature = "state-file")]
mod database;
#[cfg(feature = "state-file")]
mod file;
#[cfg(feature = "state-file")]
pub(crate) mod form;
#[cfg(not(feature = "state-file"))]
mod nowhere;

#[cfg(feature = "state-file")]
pub use self::database::StateFileError;
#[cfg(feature = "state-file")]
pub(crate) use self::database::StateFileError as Unwritten;
#[cfg(feature = "state-file")]
pub(crate) use self::file::{Key, Room, Store, Stored};
#[cfg(not(feature = "state-file"))]
pub(crate) use self::nowhere::{Key, Room, Store, Stored, Unwritten};

/// A word of the sandbox's own, such as the name of an event.
pub(crate) type Word = &'static str;
