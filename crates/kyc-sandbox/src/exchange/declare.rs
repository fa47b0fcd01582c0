//! The macros that declare settings, and the choices that several providers share.

/// Declares a group of settings: a builder method and a getter each. A type may be followed by the module of this folder that limits
/// its values.
macro_rules! settings {
    (
        $(#[$meta:meta])*
        $name:ident {
            $( $(#[doc = $doc:literal])* $with:ident / $field:ident: $type:ty $([$limits:ident])? = $default:expr; )*
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
                $(#[doc = $doc])*
                $(
                    #[doc = concat!(
                        "The ", stringify!($limits), " is from 200 to 599, and none of 204, 205 and 304, whose replies have no \
                         body; another one becomes 500."
                    )]
                )?
                #[doc = ""]
                #[doc = concat!("Default: `", stringify!($default), "`.")]
                #[must_use]
                pub fn $with(mut self, value: $type) -> Self {
                    $( let value = $crate::exchange::$limits::sendable(value); )?
                    self.$field = value;
                    self
                }

                #[doc = concat!("The value of [`", stringify!($name), "::", stringify!($with), "`].")]
                pub fn $field(&self) -> &$type {
                    &self.$field
                }
            )*

            /// Changes the setting of this name, such as `auth-status` for `with_auth_status`, by a text.
            ///
            /// # Errors
            ///
            /// [`SettingError`](crate::settings::SettingError) for a name that no setting has which can be given as text, and
            /// for a text that has not the setting's form.
            pub(crate) fn set_by_name(
                &mut self,
                name: &str,
                text: &str,
            ) -> Result<(), $crate::exchange::SettingError> {
                $(
                    if name == $crate::exchange::kebab(stringify!($field)) {
                        $( $crate::exchange::$limits::check(text)?; )?
                        self.$field = $crate::exchange::parsed(text)?;
                        return Ok(());
                    }
                )*
                Err($crate::exchange::SettingError::Unknown)
            }

            /// The settings that can be given as text.
            pub(crate) fn names() -> Vec<$crate::exchange::SettingName> {
                let mut names = Vec::new();
                $(
                    if let Some(form) = <$type as $crate::exchange::SettingValue>::form() {
                        $( let form = form.replace(&form, $crate::exchange::$limits::FORM); )?
                        names.push($crate::exchange::SettingName {
                            name: $crate::exchange::kebab(stringify!($field)),
                            form,
                            description: $crate::exchange::plain(concat!($($doc),*)),
                        });
                    }
                )*
                names
            }
        }

        $crate::exchange::not_as_text! { $name }
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

            /// The same without the failures and delays.
            pub(crate) fn without_faults(self) -> Self {
                self.with_failure(None)
                    .with_reply_delay(::std::time::Duration::ZERO)
                    .with_operation_failures(::std::collections::BTreeMap::new())
                    .with_operation_delays(::std::collections::BTreeMap::new())
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

/// Values of settings by their names.
macro_rules! named {
    ($name:ident { $($variant:ident)* }) => {
        impl $crate::exchange::SettingValue for $name {
            fn form() -> Option<String> {
                let names = [$( $crate::exchange::kebab(stringify!($variant)) ),*];
                Some(format!("one of {}", names.join(", ")))
            }

            fn parse(text: &str) -> Option<Self> {
                $(
                    if text == $crate::exchange::kebab(stringify!($variant)) {
                        return Some(Self::$variant);
                    }
                )*
                None
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

        $crate::exchange::named! { $name { $($variant)* } }
    )* };
}

pub(crate) use {choices, fault_settings, named, settings};

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
