//! The pages of a list: how they are asked for is documented, which number the first one has and how long a page is are not.

use super::Finpro;

/// One page of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    /// The first one is 1.
    pub(super) number: usize,
    /// How many rows it has at most.
    pub(super) rows: usize,
}

impl Page {
    /// The rows of the page; none beyond the last one.
    pub(super) fn of<T>(self, rows: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        let before = self.number.saturating_sub(1).saturating_mul(self.rows);
        rows.into_iter().skip(before).take(self.rows)
    }
}

impl Finpro {
    /// The page of this number and length; the first one, and as long as the settings say, where the request does not say. 0 is
    /// taken for 1.
    pub(super) fn page(&self, number: Option<usize>, rows: Option<usize>) -> Page {
        Page {
            number: number.unwrap_or(1).max(1),
            rows: rows.unwrap_or(*self.settings.page_rows()).max(1),
        }
    }

    /// The rows of the page that is asked for; all of them where none is.
    pub(super) fn paged<T>(
        &self,
        rows: Vec<T>,
        number: Option<usize>,
        length: Option<usize>,
    ) -> Vec<T> {
        match (number, length) {
            (None, None) => rows,
            (number, length) => self.page(number, length).of(rows).collect(),
        }
    }
}
