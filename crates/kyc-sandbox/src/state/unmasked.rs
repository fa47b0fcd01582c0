//! What somebody at the console wants to see although it is masked, for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a masked value is shown.
const SHOWN_FOR: Duration = Duration::from_secs(30);
/// How many values are shown at once.
const MOST: usize = 100;

/// The values that are shown although they are masked.
#[derive(Debug, Default)]
pub(crate) struct Unmasked {
    /// Page, place on it, and until when.
    shown: Mutex<Vec<(String, String, Instant)>>,
}

impl Unmasked {
    /// Shows a value of a page for a while.
    pub(crate) fn unmask(&self, page: &str, place: &str) {
        let mut unmasked = self.unmasked();
        if unmasked.len() >= MOST {
            unmasked.remove(0);
        }
        // An end that the clock does not have is none: the value is not shown.
        if let Some(until) = Instant::now().checked_add(SHOWN_FOR) {
            unmasked.push((page.to_owned(), place.to_owned(), until));
        }
    }

    /// The places of a page whose values are shown.
    pub(crate) fn shown(&self, page: &str) -> Vec<String> {
        let unmasked = self.unmasked();
        let of_page = unmasked.iter().filter(|(of, ..)| of == page);
        of_page.map(|(_, place, _)| place.clone()).collect()
    }

    /// Those that are still shown.
    fn unmasked(&self) -> MutexGuard<'_, Vec<(String, String, Instant)>> {
        let mut unmasked = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        unmasked.retain(|(.., until)| *until > now);
        unmasked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_values_are_shown_and_only_on_their_page() {
        let console = Unmasked::default();
        console.unmask("/r/1", "request-body:3");
        assert_eq!(console.shown("/r/1"), ["request-body:3"]);
        assert!(console.shown("/r/2").is_empty());
        for place in 0..MOST {
            console.unmask("/r/2", &place.to_string());
        }
        assert!(console.shown("/r/1").is_empty());
        assert_eq!(console.shown("/r/2").len(), MOST);
    }
}
