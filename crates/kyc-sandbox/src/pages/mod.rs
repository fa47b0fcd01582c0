//! The pages on which a person acts: rendered here, without scripts and without anything from elsewhere.

pub(crate) mod aggregator;
pub(crate) mod digilocker;
pub(crate) mod form;
pub(crate) mod forms;
pub(crate) mod layout;
pub(crate) mod veriff;
