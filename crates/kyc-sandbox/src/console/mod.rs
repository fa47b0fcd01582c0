//! The console: what happens in a sandbox, as it happens, for people.

mod copies;
mod filter;
mod masking;
mod nearest;
mod people;
mod signature;
