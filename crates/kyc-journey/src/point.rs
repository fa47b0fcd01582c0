//! Points at which a test kills the process.

/// Kills this process if a test asks for it here: the variable `KYC_JOURNEY_KILL_AT` holds the name of a point, `#`, and at which
/// of its passings, from 1. What the process had not made durable is lost, as it is when a machine fails.
#[cfg(feature = "testing")]
pub fn point(name: &'static str) {
    use std::collections::HashMap;
    use std::sync::{LazyLock, Mutex, PoisonError};

    static WANTED: LazyLock<Option<String>> =
        LazyLock::new(|| std::env::var("KYC_JOURNEY_KILL_AT").ok());
    static PASSED: LazyLock<Mutex<HashMap<&'static str, u64>>> = LazyLock::new(Mutex::default);

    let Some(wanted) = WANTED.as_deref() else {
        return;
    };
    let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
    let count = passed.entry(name).or_default();
    *count = count.saturating_add(1);
    if wanted.split_once('#') == Some((name, count.to_string().as_str())) {
        // No destructor runs, and no buffer is written.
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}

#[cfg(not(feature = "testing"))]
pub const fn point(_: &'static str) {}
