//! The ids that replies name and later requests have in their path.

use provider_core::{InvalidRequest, PathId};
use serde::Serialize;

/// Declares an id that stands in a path.
macro_rules! path_id {
    ($(#[doc = $doc:literal])+ $name:ident($field:literal)) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(PathId);

        impl $name {
            /// Checks an id.
            ///
            /// # Errors
            ///
            /// Empty, longer than 128, or any other character, which could change the path.
            pub fn parse(text: &str) -> Result<Self, InvalidRequest> {
                PathId::parse($field, text).map(Self)
            }

            /// The id.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            pub(crate) fn as_path_id(&self) -> &PathId {
                &self.0
            }
        }

        provider_core::text_input! {
            $name,
            "An id: 1 to 128 characters of A-Z a-z 0-9 _ -; documented as a UUID.",
            pattern: "^[A-Za-z0-9_-]{1,128}$"
        }
    };
}

path_id! {
    /// The id of an attempt of a session: 1 to 128 characters of `A-Z a-z 0-9 _ -`. Documented as a UUID.
    AttemptId("attempt_id")
}

path_id! {
    /// The id of a picture, a video or a file: 1 to 128 characters of `A-Z a-z 0-9 _ -`. Documented as a UUID.
    MediaId("media_id")
}
