//! Text of a peer that informs.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::lenient::Printable;

/// Text of a peer that informs and should be an id, a code, a name or a time. `Debug` prints it if it looks like one, see
/// [`Printable`], and `***` if it may be something of a person.
///
/// ```
/// use provider_core::Label;
///
/// let (id, name) = (Label::from("b-1"), Label::from("A B"));
/// assert_eq!((&*id, &*name), ("b-1", "A B"));
/// assert_eq!(format!("{id:?} {name:?}"), "\"b-1\" ***");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Label(String);

crate::text_schema! { Label, "Text." }

impl Deref for Label {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Label {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Printable(&self.0), f)
    }
}
