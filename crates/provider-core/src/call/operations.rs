//! The declaration of a client: one row for each operation.

/// Declares a client and its operations: a method of the client for each row, and with `#[catalogue]` and the feature
/// `catalogue` an entry of the client's `CATALOGUE`.
///
/// ```text
/// provider_core::operations! {
///     /// Calls Acme. Cheap to clone; share one, because connections are kept in it.
///     #[catalogue]
///     pub struct AcmeClient(Acme) {
///         /// Opens an account.
///         ///
///         /// # Errors
///         ///
///         /// Awaiting it can return [`provider_core::Error`].
///         open_account(OpenAccount);
///
///         /// Reads an account.
///         read_account(ReadAccount);
///     }
/// }
/// ```
///
/// The README of this crate has a complete example.
///
/// `#[catalogue]` asks for the catalogue, which another crate of the build may turn on: then every request implements
/// `Serialize`, `Deserialize` and `Debug` and every reply `Serialize` and `Debug`, always, and the crate has the features
/// `catalogue = ["provider-core/catalogue"]` and `schema = ["catalogue", "provider-core/schema", "dep:schemars"]`; with the
/// second, all of them implement `schemars::JsonSchema`. Without `#[catalogue]` nothing of that is needed.
#[macro_export]
macro_rules! operations {
    (
        $(#[doc = $doc:literal])*
        #[catalogue]
        $vis:vis struct $client:ident($provider:ty) {
            $( $(#[doc = $line:literal])+ $method:ident($endpoint:ty); )+
        }
    ) => {
        $crate::operations! {
            $(#[doc = $doc])*
            $vis struct $client($provider) { $( $(#[doc = $line])+ $method($endpoint); )+ }
        }

        $crate::catalogue! {
            $client($provider) { $( $method($endpoint) ::core::concat!($($line, "\n"),+); )+ }
        }
    };
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $client:ident($provider:ty) {
            $( $(#[doc = $line:literal])+ $method:ident($endpoint:ty); )+
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone)]
        $vis struct $client($crate::Client<$provider>);

        impl $client {
            /// A client with the default transport and settings.
            ///
            /// # Errors
            ///
            /// The crate was built without a transport, or the transport cannot be created; see
            /// [`ClientBuilder::build`](provider_core::ClientBuilder::build).
            pub fn new(provider: $provider) -> ::core::result::Result<Self, $crate::Error> {
                Self::builder(provider).build()
            }

            /// Starts building a client with settings of its own.
            pub fn builder(provider: $provider) -> $crate::ClientBuilder<$provider, Self> {
                $crate::ClientBuilder::new(provider)
            }

            /// The inner client, for endpoints that this crate does not declare.
            pub fn client(&self) -> &$crate::Client<$provider> {
                &self.0
            }
        }

        impl ::core::convert::From<$crate::Client<$provider>> for $client {
            fn from(client: $crate::Client<$provider>) -> Self {
                Self(client)
            }
        }

        impl $client {
            $(
                $(#[doc = $line])+
                pub fn $method(&self, request: $endpoint) -> $crate::Call<'_, $endpoint> {
                    self.client().call(request)
                }
            )+
        }
    };
}

/// The catalogue of a client, if the feature `catalogue` is on.
#[cfg(feature = "catalogue")]
#[doc(hidden)]
#[macro_export]
macro_rules! catalogue {
    ($client:ident($provider:ty) { $($method:ident($endpoint:ty) $documentation:expr;)+ }) => {
        // A crate without schemas has no such feature.
        #[allow(unexpected_cfgs)]
        impl $client {
            /// The operations of this client, in the order of their declaration.
            pub const CATALOGUE: &'static [$crate::CatalogueEntry<$provider>] = &[$(
                #[cfg(feature = "schema")]
                $crate::CatalogueEntry::with_schemas::<$endpoint>(
                    ::core::stringify!($method),
                    $documentation,
                ),
                #[cfg(not(feature = "schema"))]
                $crate::CatalogueEntry::new::<$endpoint>(
                    ::core::stringify!($method),
                    $documentation,
                ),
            )+];
        }
    };
}

/// No catalogue: the feature `catalogue` is off.
#[cfg(not(feature = "catalogue"))]
#[doc(hidden)]
#[macro_export]
macro_rules! catalogue {
    ($($input:tt)*) => {};
}
