//! Iterators over tables that keep no statement open: they read a page, hand out its rows, and ask for the next.

/// Iterates over pages that `fetch` reads until it answers an empty one. After an error the iterator ends.
pub fn paged<P: IntoIterator, E>(fetch: impl FnMut() -> Result<P, E>) -> impl Iterator<Item = Result<P::Item, E>> {
    Paged { fetch, page: None, done: false }
}

struct Paged<P: IntoIterator, F> {
    fetch: F,
    page: Option<P::IntoIter>,
    done: bool,
}

impl<P: IntoIterator, E, F: FnMut() -> Result<P, E>> Iterator for Paged<P, F> {
    type Item = Result<P::Item, E>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(item) = self.page.as_mut().and_then(Iterator::next) {
            return Some(Ok(item));
        }
        // Gone before the next one comes.
        self.page = None;
        if self.done {
            return None;
        }
        match (self.fetch)() {
            Ok(page) => {
                let item = self.page.insert(page.into_iter()).next();
                self.done = item.is_none();
                item.map(Ok)
            }
            Err(error) => {
                self.done = true;
                Some(Err(error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_handed_out_row_by_row_until_one_is_empty() {
        let mut pages = vec![vec![1, 2], vec![3], vec![], vec![4]].into_iter();
        let mut asked = 0;
        let mut rows = paged(|| {
            asked += 1;
            Ok::<_, ()>(pages.next().unwrap())
        });
        assert_eq!(rows.by_ref().collect::<Vec<_>>(), [Ok(1), Ok(2), Ok(3)]);
        assert_eq!(rows.next(), None, "nor later");
        drop(rows);
        assert_eq!(asked, 3);
    }

    #[test]
    fn after_an_error_there_is_nothing_more() {
        let mut pages = vec![Ok(vec![1]), Err("gone"), Ok(vec![2])].into_iter();
        let mut rows = paged(|| pages.next().unwrap());
        assert_eq!(rows.by_ref().collect::<Vec<_>>(), [Ok(1), Err("gone")]);
        assert_eq!(rows.next(), None);
        drop(rows);
        assert_eq!(pages.len(), 1);
    }
}
