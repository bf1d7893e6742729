//! Iterators over tables that keep no statement open: they read a page, hand out its rows, and ask for the next.

/// Iterates over pages that `fetch` reads until it answers an empty one. After an error the iterator ends.
pub fn paged<T, E>(fetch: impl FnMut() -> Result<Vec<T>, E>) -> impl Iterator<Item = Result<T, E>> {
    Paged { fetch, page: Vec::new().into_iter(), done: false }
}

struct Paged<T, F> {
    fetch: F,
    page: std::vec::IntoIter<T>,
    done: bool,
}

impl<T, E, F: FnMut() -> Result<Vec<T>, E>> Iterator for Paged<T, F> {
    type Item = Result<T, E>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.page.next() {
                return Some(Ok(item));
            }
            if self.done {
                return None;
            }
            match (self.fetch)() {
                Ok(page) => {
                    self.done = page.is_empty();
                    self.page = page.into_iter();
                }
                Err(error) => {
                    self.done = true;
                    return Some(Err(error));
                }
            }
        }
    }
}
