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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_handed_out_row_by_row_until_one_is_empty() {
        let mut pages = vec![vec![1, 2], vec![3], vec![], vec![4]].into_iter();
        let mut asked = 0;
        let rows = paged(|| {
            asked += 1;
            Ok::<_, ()>(pages.next().unwrap())
        });
        assert_eq!(rows.collect::<Vec<_>>(), [Ok(1), Ok(2), Ok(3)]);
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
