//! How a transport resolves the names of hosts.

use std::fmt;
use std::io;
use std::net::IpAddr;

use async_trait::async_trait;

/// Resolves the name of a host, instead of the operating system.
///
/// The operating system's resolver blocks a thread, which nobody can cancel: a call ends at its deadline nevertheless, but a
/// runtime that is dropped waits for the thread. End a program with tokio's `Runtime::shutdown_background`, or resolve names
/// with a library that needs no thread.
///
/// ```
/// use std::net::IpAddr;
/// use provider_core::Resolver;
///
/// /// Always these addresses, whatever a name server says.
/// #[derive(Debug)]
/// struct Pinned(Vec<IpAddr>);
///
/// #[provider_core::async_trait]
/// impl Resolver for Pinned {
///     async fn resolve(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
///         Ok(self.0.clone())
///     }
/// }
/// ```
#[async_trait]
pub trait Resolver: fmt::Debug + Send + Sync + 'static {
    /// Returns the addresses of `host`, which is not an address itself, in the order in which they are tried. A transport waits
    /// no longer than connecting may take.
    ///
    /// # Errors
    ///
    /// The name has no address, or nobody answers. The request is not sent.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}
