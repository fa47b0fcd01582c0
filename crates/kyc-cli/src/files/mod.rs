//! Files: those that people write, those that hold a secret, and those that take their place once they are whole.

pub(crate) mod key;
pub(crate) mod secret_file;
pub(crate) mod temporary;
pub(crate) mod written;
