//! Every choice the sandbox makes, by name.
//!
//! Where a provider's documentation is silent, the sandbox has to do something. Each such point is a setting here; its
//! documentation says *own choice*, which means: the default is the sandbox's, not the provider's, and no client
//! should rely on it. Settings without that label switch between behaviours that are documented, or are faults for
//! tests.

use std::time::Duration;

macro_rules! settings {
    (
        $(#[$meta:meta])*
        $name:ident {
            $( $(#[$field_meta:meta])* $with:ident / $field:ident: $type:ty = $default:expr; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $name {
            $( $field: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $name {
            $(
                $(#[$field_meta])*
                #[doc = ""]
                #[doc = concat!("Default: `", stringify!($default), "`.")]
                #[must_use]
                pub fn $with(mut self, value: $type) -> Self {
                    self.$field = value;
                    self
                }

                #[doc = concat!("What [`", stringify!($name), "::", stringify!($with), "`] set.")]
                pub fn $field(&self) -> &$type {
                    &self.$field
                }
            )*
        }
    };
}

macro_rules! fail_with {
    ($($name:ident)*) => { $(
        impl $name {
            /// Answers every request with this status and the provider's error body for it.
            #[must_use]
            pub fn fail_with(self, status: u16) -> Self {
                self.with_failure(Some(Failure::new(status)))
            }
        }
    )* };
}

macro_rules! choices {
    ($( $(#[$meta:meta])* $name:ident { $( $(#[$variant_meta:meta])* $variant:ident ),* $(,)? } )*) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )*
        }
    )* };
}

mod deepvue;
mod finpass;
mod finpro;
mod veriff;

pub use deepvue::{
    DeepvueSettings, EmptyDocTypes, Plan, RedirectUrl, RedirectUrlRule, RefusedConsent,
    RepeatedDocTypes, SessionReplyBody, TimestampForm, ValidationItems, WrongCredentials,
};
pub use finpass::{EmptyOptional, ErrorData, FinpassSettings, MobileRule, PanField, PanRule};
pub use finpro::{
    EmptyAaIds, ErrorEnvelope, FinproSettings, RepeatedAaIds, ResetUnit, RowOrder, UnknownAaId,
    UserConsentId,
};
pub use veriff::{
    ConsentReplyBody, ErrorSigning, ExtraFields, KeyOrder, LatestScope, MalformedSession,
    ReplySigning, SESSION_BREAKS, SESSION_NOT_FOUND, SessionPolicy, UpperCaseSignature,
    VeriffSettings,
};

settings! {
    /// The whole sandbox: limits, ids, and one group of settings a provider.
    ///
    /// ```
    /// use kyc_sandbox::{FinpassSettings, Settings};
    ///
    /// let settings = Settings::default()
    ///     .with_deterministic_ids(true)
    ///     .with_finpass(FinpassSettings::default().with_validation_status(400));
    /// assert_eq!(*settings.finpass().validation_status(), 400);
    /// ```
    Settings {
        /// Finpass.
        with_finpass / finpass: FinpassSettings = FinpassSettings::default();
        /// MoneyOne FinPro.
        with_finpro / finpro: FinproSettings = FinproSettings::default();
        /// Veriff.
        with_veriff / veriff: VeriffSettings = VeriffSettings::default();
        /// Deepvue.
        with_deepvue / deepvue: DeepvueSettings = DeepvueSettings::default();
        /// Takes ids from a counter and shows one fixed time (2030-01-01T00:00:00.000Z) in every reply, so that recorded
        /// replies are the same byte for byte. Rate-limit windows and delays still run on the real clock.
        with_deterministic_ids / deterministic_ids: bool = false;
        /// Lets [`Sandbox::serve`](crate::Sandbox::serve) bind an address that other machines can reach. The sandbox
        /// has published credentials; leave this off unless the network is your own.
        with_allow_other_machines / allow_other_machines: bool = false;
        /// The longest request body, in bytes; a longer one is answered 413 in the provider's error form.
        with_body_limit / body_limit: usize = 64 * 1024;
        /// How long a connection may take to send its headers, counted anew for each request on it, before it is
        /// closed. Applies to the served sandbox.
        with_header_read_timeout / header_read_timeout: Duration = Duration::from_secs(30);
        /// How long a connection may take to send its body before it is answered 408 in the provider's error form.
        /// Applies to the served sandbox.
        with_body_read_timeout / body_read_timeout: Duration = Duration::from_secs(10);
        /// How long a connection may leave its replies unread, with every buffer on the way full, before it is closed.
        /// Applies to the served sandbox.
        with_reply_write_timeout / reply_write_timeout: Duration = Duration::from_secs(10);
        /// How many connections the served sandbox holds at once; more wait to be accepted.
        with_max_connections / max_connections: usize = 1024;
        /// How many entries the ledger keeps, at almost 200 bytes each; the oldest go first. Its counts stay exact beyond that.
        with_ledger_capacity / ledger_capacity: usize = 20_000;
    }
}

/// An error that has no cause in the request.
///
/// ```
/// use kyc_sandbox::{FinpassSettings, settings::Failure};
///
/// // The first two requests open a session, yet the caller is told 503.
/// let settings =
///     FinpassSettings::default().with_failure(Some(Failure::new(503).first(2).after_effect()));
/// # let _ = settings;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    status: u16,
    first: Option<u64>,
    after_effect: bool,
    gateway_page: bool,
}

impl Failure {
    /// Every request is answered with this status and the provider's error body for it, before anything is checked
    /// or done. A status that HTTP does not know becomes 500.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            first: None,
            after_effect: false,
            gateway_page: false,
        }
    }

    /// Only the first `count` requests fail.
    #[must_use]
    pub fn first(mut self, count: u64) -> Self {
        self.first = Some(count);
        self
    }

    /// The request is checked and carried out first; if it would have succeeded, the failure is sent instead. To the
    /// caller the two look alike; the [ledger](crate::Ledger) tells them apart.
    #[must_use]
    pub fn after_effect(mut self) -> Self {
        self.after_effect = true;
        self
    }

    /// The body is an HTML page, as a gateway before the provider sends it, instead of the provider's error body.
    #[must_use]
    pub fn gateway_page(mut self) -> Self {
        self.gateway_page = true;
        self
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn limit(&self) -> Option<u64> {
        self.first
    }

    pub(crate) fn is_after_effect(&self) -> bool {
        self.after_effect
    }

    pub(crate) fn is_gateway_page(&self) -> bool {
        self.gateway_page
    }
}

choices! {
    /// What a credential header that is sent more than once does.
    RepeatedHeaders {
        /// The same as a missing one.
        Refused,
        /// The first one counts.
        FirstCounts,
    }

    /// What a request without `Content-Type: application/json` does.
    ContentType {
        /// It is a validation error.
        Required,
        /// The body is read as JSON all the same.
        Ignored,
    }

    /// What `null` in an optional field means.
    NullOptional {
        /// The same as leaving the field out.
        Absent,
        /// It is a validation error.
        Refused,
    }

    /// What an empty text does.
    EmptyText {
        /// It is accepted.
        Accepted,
        /// It is a validation error.
        Refused,
    }
}
