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

    /// Each by itself.
    pub(crate) fn into_owned(self) -> impl Iterator<Item = String> {
        let Self { text, ends } = self;
        ends.into_iter().scan(0, move |start, end| Some(text[mem::replace(start, end)..end].to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_out_as_they_were_lent_and_owned() {
        let mut texts = Texts::default();
        assert_eq!((texts.bytes(), texts.iter().count()), (0, 0));
        let all = ["", "a", "", "über", "z"];
        all.iter().for_each(|text| texts.push(text));
        assert_eq!(texts.bytes(), 7);
        assert!(texts.iter().eq(all));
        assert!(texts.into_owned().eq(all));
    }
}
