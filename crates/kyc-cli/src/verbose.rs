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
    let ours = Targets::new()
        .with_target("provider_core", level)
        .with_target("kyc_facade", level)
        .with_target("kyc_journey", level)
        .with_target("kyc_journey_performer", level)
        .with_target("kyc_journey_sqlite", level);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(std::io::stderr)
        // The spans around an event have its fields, which would stand twice in a line.
        .with_filter(ours.and(filter_fn(|metadata| metadata.is_event())));
    tracing_subscriber::registry().with(lines).init();
}
