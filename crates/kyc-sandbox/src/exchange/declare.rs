//! The macros that declare settings, and the choices that several providers share.

/// Declares a group of settings: a builder method and a getter each.
macro_rules! settings {
    (
        $(#[$meta:meta])*
        $name:ident {
            $( $(#[$field_meta:meta])* $with:ident / $field:ident: $type:ty = $default:expr; )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone)]
        pub struct $name {
            $( $field: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        /// Prints no values, because some are credentials.
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
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

                #[doc = concat!("The value of [`", stringify!($name), "::", stringify!($with), "`].")]
                pub fn $field(&self) -> &$type {
                    &self.$field
                }
            )*
        }
    };
}

/// Adds the methods that inject failures and delays to a provider's settings, which have the four required fields.
macro_rules! fault_settings {
    ($name:ident) => {
        impl $name {
            /// Replies to every request with this status and the provider's error body for it.
            #[must_use]
            pub fn fail_with(self, status: u16) -> Self {
                self.with_failure(Some($crate::exchange::Failure::new(status)))
            }

            /// Injects a failure into one operation, named as in [`Sandbox::operations`](crate::Sandbox::operations),
            /// instead of the one that [`with_failure`](Self::with_failure) sets for all of them. A name that no operation has
            /// changes nothing.
            #[must_use]
            pub fn fail_operation(
                mut self,
                operation: &str,
                failure: $crate::exchange::Failure,
            ) -> Self {
                self.operation_failures
                    .insert(operation.to_owned(), failure);
                self
            }

            /// Delays the replies of one operation, named as in [`Sandbox::operations`](crate::Sandbox::operations),
            /// instead of by what [`with_reply_delay`](Self::with_reply_delay) sets for all of them.
            #[must_use]
            pub fn delay_operation(
                mut self,
                operation: &str,
                delay: ::std::time::Duration,
            ) -> Self {
                self.operation_delays.insert(operation.to_owned(), delay);
                self
            }

            pub(crate) fn faults(&self) -> $crate::exchange::Faults<'_> {
                $crate::exchange::Faults {
                    failure: self.failure.as_ref(),
                    reply_delay: self.reply_delay,
                    operation_failures: &self.operation_failures,
                    operation_delays: &self.operation_delays,
                }
            }
        }
    };
}

/// Declares the values of settings.
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

pub(crate) use {choices, fault_settings, settings};

choices! {
    /// The effect of a credential header that is sent more than once.
    RepeatedHeaders {
        /// The same as a missing one.
        Refused,
        /// The first one counts.
        FirstCounts,
    }

    /// The effect of a request without `Content-Type: application/json`.
    ContentType {
        /// It is a validation error.
        Required,
        /// The body is read as JSON regardless.
        Ignored,
    }

    /// What `null` in an optional field means.
    NullOptional {
        /// The same as leaving the field out.
        Absent,
        /// It is a validation error.
        Refused,
    }

    /// The effect of an empty text.
    EmptyText {
        /// It is accepted.
        Accepted,
        /// It is a validation error.
        Refused,
    }

    /// The effect of undocumented body fields.
    ExtraFields {
        /// They are ignored.
        Ignored,
        /// They are a validation error.
        Refused,
    }
}
