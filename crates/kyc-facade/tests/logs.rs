//! What an onboarding logs. A process of its own, because a subscriber is for a whole process.
#![cfg(feature = "finpass")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt;
use std::sync::{Arc, Mutex};

use kyc_facade::finpass::{ApiKey, ApiSecret, Finpass, FinpassClient};
use kyc_facade::provider_core::testing::{ScriptedTransport, Step};
use kyc_facade::provider_core::{Mobile, TransportErrorKind};
use kyc_facade::{Applicant, Kyc};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// Each event as a line: level, target, the spans around it, message.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        let spans = context.event_scope(event).into_iter().flatten();
        let spans: Vec<_> = spans.map(|span| span.name()).collect();
        let (level, target) = (event.metadata().level(), event.metadata().target());
        let line = format!("{level} {target} [{}] {}", spans.join(" in "), message.0);
        self.0.lock().unwrap().push(line);
    }
}

#[tokio::test]
async fn an_onboarding_is_a_span_around_the_warnings_of_its_calls() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::registry().with(lines.clone());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let finpass = Finpass::new(ApiKey::new("a").unwrap(), ApiSecret::new("b").unwrap());
    let interrupted = Step::Fail(TransportErrorKind::Interrupted);
    let client = FinpassClient::builder(finpass)
        .transport(Arc::new(ScriptedTransport::new([interrupted])))
        .build()
        .unwrap();
    let kyc = Kyc::builder().finpass(client).build();
    let applicant = Applicant::new(Mobile::parse("9000000001").unwrap());
    let report = kyc.onboard(applicant).await;
    assert_eq!(report.unsettled().count(), 1);
    let lines = lines.0.lock().unwrap();
    let of = |level: &str| -> Vec<_> {
        let of_level = |line: &&String| line.starts_with(level);
        lines.iter().filter(of_level).map(String::as_str).collect()
    };
    assert_eq!(
        of("WARN"),
        ["WARN provider_core [call in onboarding] call ended"]
    );
    assert_eq!(
        of("INFO"),
        ["INFO kyc_facade [onboarding] onboarding ended"]
    );
    assert!(of("DEBUG").contains(&"DEBUG kyc_facade [onboarding] step failed"));
}
