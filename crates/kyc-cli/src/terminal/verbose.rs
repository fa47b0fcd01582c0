//! `-v`: the logs of the calls on stderr.

use tracing_subscriber::filter::{FilterExt as _, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Shows the logs of our own crates, which hold no secret and no personal value; those of other crates may.
pub(crate) fn show(times: u8) {
    let level = match times {
        0 => return,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(std::io::stderr)
        // The spans around an event have its fields, which would stand twice in a line.
        .with_filter(ours(level).and(filter_fn(|metadata| metadata.is_event())));
    tracing_subscriber::registry().with(lines).init();
}

/// The targets of our crates, which begin with its names.
fn ours(level: LevelFilter) -> Targets {
    Targets::new()
        .with_target("provider_core", level)
        .with_target("kyc_", level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_that_logs_is_shown() {
        let [error, debug] =
            [LevelFilter::ERROR, LevelFilter::DEBUG].map(|level| level.into_level().unwrap());
        let crates = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let mut shown = 0;
        for entry in std::fs::read_dir(crates).unwrap() {
            let entry = entry.unwrap();
            let manifest = std::fs::read_to_string(entry.path().join("Cargo.toml"));
            if manifest.is_ok_and(|manifest| manifest.contains("tracing")) {
                let target = entry.file_name().to_str().unwrap().replace('-', "_");
                assert!(
                    ours(LevelFilter::DEBUG).would_enable(&target, &debug),
                    "{target}"
                );
                shown += 1;
            }
        }
        assert!(shown > 5, "{shown}");
        for target in ["hyper_util", "rustls", "sqlx"] {
            assert!(
                !ours(LevelFilter::TRACE).would_enable(target, &error),
                "{target}"
            );
        }
    }
}
