//! The masked values that the console shows for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a masked value is shown once somebody wants to see it.
const SHOWN: Duration = Duration::from_secs(30);
/// How many values are shown at once.
const MOST: usize = 100;

/// Page, place on it, and since when.
#[derive(Debug, Default)]
pub(crate) struct Unmasked(Mutex<Vec<(String, String, Instant)>>);

impl Unmasked {
    /// Shows a value of a page for a while.
    pub(crate) fn show(&self, page: &str, place: &str) {
        let mut shown = self.still_shown();
        if shown.len() >= MOST {
            shown.remove(0);
        }
        shown.push((page.to_owned(), place.to_owned(), Instant::now()));
    }

    /// The places of a page whose values are shown.
    pub(crate) fn on(&self, page: &str) -> Vec<String> {
        let shown = self.still_shown();
        let of_page = shown.iter().filter(|(of, ..)| of == page);
        of_page.map(|(_, place, _)| place.clone()).collect()
    }

    fn still_shown(&self) -> MutexGuard<'_, Vec<(String, String, Instant)>> {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shown.retain(|(.., since)| since.elapsed() < SHOWN);
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_values_are_shown_and_only_on_their_page() {
        let unmasked = Unmasked::default();
        unmasked.show("/r/1", "request-body:3");
        assert_eq!(unmasked.on("/r/1"), ["request-body:3"]);
        assert!(unmasked.on("/r/2").is_empty());
        for place in 0..MOST {
            unmasked.show("/r/2", &place.to_string());
        }
        assert!(unmasked.on("/r/1").is_empty());
        assert_eq!(unmasked.on("/r/2").len(), MOST);
    }
}
