//! Texts one behind the other, in one piece of memory.

use std::{iter, mem};

/// Many texts. To take them in costs no piece of memory for each.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    /// How long all of them are together.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.text[start..*end])
    }

    /// Each by itself. One that is most of all, as a long one is, takes the memory of all and is not copied.
    pub(crate) fn into_owned(self) -> impl Iterator<Item = String> {
        let Self { mut text, ends } = self;
        ends.into_iter().scan(0, move |start, end| {
            let start = mem::replace(start, end);
            if start == end {
                return Some(String::new());
            }
            if end < text.len() || start > end / 2 {
                return Some(text[start..end].to_owned());
            }
            text.drain(..start);
            Some(mem::take(&mut text))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_out_as_they_were_lent_and_owned() {
        let long = "x".repeat(100);
        for all in [
            &["", "a", "", "über", "z"][..],
            &["abc", "ü", &long],
            &[&long, "", "a"],
            &[&long, "", ""],
            &["", &long],
            &[""],
            &[],
        ] {
            let mut texts = Texts::default();
            all.iter().for_each(|text| texts.push(text));
            assert_eq!(texts.bytes(), all.concat().len());
            assert!(texts.iter().eq(all.iter().copied()));
            assert!(texts.into_owned().eq(all.iter().copied()), "{all:?}");
        }
    }

    #[test]
    fn a_long_text_is_not_copied() {
        let mut texts = Texts::default();
        texts.push("head");
        texts.push(&"x".repeat(1000));
        let place = texts.text.as_ptr();
        let last = texts.into_owned().last().unwrap();
        assert_eq!((last.len(), last.as_ptr()), (1000, place));
    }

    #[test]
    fn a_short_text_does_not_keep_the_memory_of_all() {
        let mut texts = Texts::default();
        texts.push(&"x".repeat(1000));
        texts.push("tail");
        assert!(texts.into_owned().last().unwrap().capacity() < 100);
    }
}
