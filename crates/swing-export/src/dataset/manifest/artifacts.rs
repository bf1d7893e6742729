//! What a manifest lists.

use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// Names of artifacts and of their files, in the order written.
///
/// There may be hundreds of thousands, and the tools name most files as what is in them. So all names are one text, and a file's name
/// is not there twice.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Artifacts {
    text: String,
    ends: Vec<Ends>,
}

/// Where names end in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ends {
    name: usize,
    /// After the artifact's; if there is none, the file has the same.
    file_name: Option<usize>,
}

impl Artifacts {
    /// Adds one.
    pub fn push(&mut self, name: &str, file_name: &str) {
        self.text.push_str(name);
        let name_end = self.text.len();
        let file_name = (file_name != name).then(|| {
            self.text.push_str(file_name);
            self.text.len()
        });
        self.ends.push(Ends { name: name_end, file_name });
    }

    /// The name of number `at`, and its file's.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<(&str, &str)> {
        let Ends { name: end, file_name } = *self.ends.get(at)?;
        let before = at.checked_sub(1).and_then(|before| self.ends.get(before));
        let start = before.map_or(0, |before| before.file_name.unwrap_or(before.name));
        let name = self.text.get(start..end)?;
        Some((name, file_name.map_or(Some(name), |last| self.text.get(end..last))?))
    }

    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        (0..self.len()).map(|at| self.get(at).unwrap_or_default())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl<N: AsRef<str>, F: AsRef<str>> FromIterator<(N, F)> for Artifacts {
    fn from_iter<I: IntoIterator<Item = (N, F)>>(names: I) -> Self {
        let mut artifacts = Self::default();
        names.into_iter().for_each(|(name, file_name)| artifacts.push(name.as_ref(), file_name.as_ref()));
        artifacts
    }
}

impl fmt::Debug for Artifacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Artifacts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Artifacts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Artifacts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Artifacts, A::Error> {
                let mut artifacts = Artifacts::default();
                while let Some((name, file_name)) = names.next_element::<(String, String)>()? {
                    artifacts.push(&name, &file_name);
                }
                Ok(artifacts)
            }
        }

        deserializer.deserialize_seq(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_names_are_there_in_their_order(names in prop::collection::vec(("[ab]{0,2}", "[ab]{0,2}"), 0..20)) {
            let artifacts: Artifacts = names.iter().cloned().collect();
            let there: Vec<_> = artifacts.iter().map(|(name, file)| (name.to_owned(), file.to_owned())).collect();
            prop_assert_eq!(&there, &names);
            prop_assert_eq!((artifacts.len(), artifacts.is_empty()), (names.len(), names.is_empty()));
            prop_assert_eq!(artifacts.get(names.len()), None);
            let json = serde_json::to_string(&artifacts).unwrap();
            prop_assert_eq!(&json, &serde_json::to_string(&names).unwrap());
            prop_assert_eq!(serde_json::from_str::<Artifacts>(&json).unwrap(), artifacts);
        }
    }

    #[test]
    fn a_name_is_there_once_if_it_is_its_files_too() {
        let artifacts: Artifacts = [("same", "same"), ("", "file"), ("name", "")].into_iter().collect();
        assert_eq!(artifacts.text, "samefilename");
        assert_eq!(format!("{artifacts:?}"), r#"[("same", "same"), ("", "file"), ("name", "")]"#);
        let error = serde_json::from_str::<Artifacts>("{}").unwrap_err();
        assert!(error.to_string().starts_with("invalid type: map, expected a sequence"), "{error}");
    }
}
