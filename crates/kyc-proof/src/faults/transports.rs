//! The transports that every operation is tried over.

use std::sync::Arc;
use std::time::Duration;

use provider_core::{Error, HyperTransport, ReqwestTransport, Transport, TransportBuilder};

/// What a cell asks of a transport.
pub(crate) struct Wanted<'w> {
    pub(crate) roots: Roots<'w>,
    pub(crate) connect_timeout: Duration,
}

/// Whom it trusts.
pub(crate) enum Roots<'w> {
    /// Nobody: it has no TLS.
    None,
    /// These authorities.
    Pem(&'w str),
    /// The platform's.
    Platform,
}

/// A way to make one.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) make: fn(&Wanted<'_>) -> Result<Arc<dyn Transport>, Error>,
}

/// Every transport. A new one is a line here.
pub(crate) const TRANSPORTS: &[Kind] = &[
    Kind {
        name: "hyper",
        make: |wanted| Ok(Arc::new(set(HyperTransport::builder(), wanted).build()?)),
    },
    Kind {
        name: "reqwest",
        make: |wanted| Ok(Arc::new(set(ReqwestTransport::builder(), wanted).build()?)),
    },
];

/// The most bytes of a body that each of them reads by default.
pub(crate) const BODY_CAP: u64 = 8 << 20;

fn set<T>(builder: TransportBuilder<T>, wanted: &Wanted<'_>) -> TransportBuilder<T> {
    let builder = builder.connect_timeout(wanted.connect_timeout);
    match wanted.roots {
        Roots::None => builder.without_tls(),
        Roots::Pem(pem) => builder.root_certificates(pem.as_bytes()),
        Roots::Platform => builder,
    }
}
