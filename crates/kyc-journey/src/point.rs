//! Points at which a test kills the process.

/// Every point, so that a test passes by all of them.
#[cfg(feature = "testing")]
pub const POINTS: &[&str] = &[
    "before a database is in its place",
    "after a database is in its place",
    "in a transaction",
    "before a commit",
    "after a commit",
    "before a mark",
    "after a mark",
    "after a call",
    "after an answer",
    "after an interruption",
    "before a timer",
    "after a delivery",
];

/// The variable by which a test asks for it.
#[cfg(feature = "testing")]
pub(crate) const KILL_AT: &str = "KYC_JOURNEY_KILL_AT";

/// Kills this process if a test asks for it here: the variable `KYC_JOURNEY_KILL_AT` holds the name of a point, `#`, and at which
/// of its passings, from 1. What the process has not given to the operating system is lost, as it is after `kill -9`.
#[cfg(feature = "testing")]
pub fn point(name: &'static str) {
    use std::collections::HashMap;
    use std::sync::{LazyLock, Mutex, PoisonError};

    static WANTED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var(KILL_AT).ok());
    static PASSED: LazyLock<Mutex<HashMap<&'static str, u64>>> = LazyLock::new(Mutex::default);

    debug_assert!(POINTS.contains(&name), "{name}");
    let Some(wanted) = WANTED.as_deref() else {
        return;
    };
    let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
    let count = passed.entry(name).or_default();
    *count = count.saturating_add(1);
    if wanted.split_once('#') == Some((name, count.to_string().as_str())) {
        use rustix::process::{Signal, getpid, kill_process};
        // No destructor runs, and no other thread goes on.
        let _ = kill_process(getpid(), Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}

/// A release has no such points.
#[cfg(not(feature = "testing"))]
pub const fn point(_: &'static str) {}
