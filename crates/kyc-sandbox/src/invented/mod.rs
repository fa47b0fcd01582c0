//! Invented people and what they have: pictures and documents, the same each time, and nobody's.

mod identity;
mod pdf;
mod picture;

pub(crate) use identity::Identity;
pub(crate) use pdf::pdf;
pub(crate) use picture::{Subject, png};
