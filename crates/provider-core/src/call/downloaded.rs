//! The result of a download.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::wire::{ContentHead, serialize_content};

/// The result of a download. `Debug` prints the size; it serialises like [`Content`](crate::Content).
#[derive(Clone, PartialEq, Eq)]
pub struct Downloaded {
    head: ContentHead,
    size: u64,
}

impl Downloaded {
    pub(crate) fn new(head: ContentHead, size: u64) -> Self {
        Self { head, size }
    }

    /// What the reply says about the file.
    pub fn head(&self) -> &ContentHead {
        &self.head
    }

    /// The type as `type/subtype` in lower case, without parameters; `None` if the reply has none.
    pub fn content_type(&self) -> Option<&str> {
        self.head.content_type()
    }

    /// The file name from the reply, see [`ContentHead::file_name`].
    pub fn file_name(&self) -> Option<&str> {
        self.head.file_name()
    }

    /// The number of bytes that were stored.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl fmt::Debug for Downloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Downloaded({} bytes)", self.size)
    }
}

impl Serialize for Downloaded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_content("Downloaded", &self.head, self.size, serializer)
    }
}
