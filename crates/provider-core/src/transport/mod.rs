//! How one exchange crosses the network.

#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod builder;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod connecting;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod connection_failure;
#[cfg(feature = "hyper")]
mod connector;
#[cfg(feature = "hyper")]
mod hyper;
#[cfg(feature = "hyper")]
mod interim;
#[cfg(any(feature = "hyper", feature = "reqwest", feature = "webhook"))]
mod reply_body;
#[cfg(feature = "reqwest")]
mod reqwest;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
mod resolver;
mod seam;
mod streamed;
#[cfg(all(feature = "rustls", any(feature = "hyper", feature = "reqwest")))]
mod tls;

#[cfg(feature = "hyper")]
pub use self::hyper::HyperTransport;
#[cfg(feature = "reqwest")]
pub use self::reqwest::ReqwestTransport;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub use builder::TransportBuilder;
#[cfg(feature = "webhook")]
pub(crate) use reply_body::ResponseBody;
#[cfg(any(feature = "hyper", feature = "reqwest"))]
pub use resolver::Resolver;
pub(crate) use seam::DEADLINE;
pub use seam::{ExchangeLimits, Transport};
pub use streamed::{ReplyBody, StreamedResponse};
