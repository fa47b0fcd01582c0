//! The transports that every operation is tried over.

use std::sync::Arc;
use std::time::Duration;

use provider_core::{Error, ReqwestTransport, Transport};

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
pub(crate) const TRANSPORTS: &[Kind] = &[Kind {
    name: "reqwest",
    make: reqwest,
}];

/// The most bytes of a body that each of them reads by default.
pub(crate) const BODY_CAP: u64 = 8 << 20;

fn reqwest(wanted: &Wanted<'_>) -> Result<Arc<dyn Transport>, Error> {
    let builder = ReqwestTransport::builder().connect_timeout(wanted.connect_timeout);
    let builder = match wanted.roots {
        Roots::None => builder.without_tls(),
        Roots::Pem(pem) => builder.root_certificates(pem.as_bytes()),
        Roots::Platform => builder,
    };
    Ok(Arc::new(builder.build()?))
}
