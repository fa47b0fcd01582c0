//! The console: what happens in a sandbox, as it happens, for people.

mod masking;
