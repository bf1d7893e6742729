//! Whose a key is.

/// The part of the store that a key belongs to, told by how it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// `local.`: the kernel's own notes on this one machine. Neither exported nor hashed.
    Local,
    /// `host.`: the host's. Neither exported nor hashed, and out of the kernel's reach.
    Host,
    /// Anything else, the empty key included: the same on every machine, exported and hashed.
    Consensus,
}

impl Section {
    /// The section of `key`.
    #[inline]
    #[must_use]
    pub fn of(key: &str) -> Self {
        if key.starts_with("local.") {
            Self::Local
        } else if key.starts_with("host.") {
            Self::Host
        } else {
            Self::Consensus
        }
    }

    /// The least text that comes after every key of the section, for stepping over it at once. `None` for consensus
    /// keys, which lie on both sides of the others.
    #[must_use]
    pub fn past(self) -> Option<&'static str> {
        // `/` follows `.` in ASCII.
        match self {
            Self::Local => Some("local/"),
            Self::Host => Some("host/"),
            Self::Consensus => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_section_is_told_by_the_prefix_with_its_dot() {
        for (key, section) in [
            ("local.", Section::Local),
            ("local.snapshot.v1", Section::Local),
            ("host.", Section::Host),
            ("host.height", Section::Host),
            ("", Section::Consensus),
            ("host", Section::Consensus),
            ("host/", Section::Consensus),
            ("localx", Section::Consensus),
            (" host.height", Section::Consensus),
            ("Host.height", Section::Consensus),
            ("v1.host.x", Section::Consensus),
        ] {
            assert_eq!(Section::of(key), section, "{key:?}");
        }
    }

    proptest! {
        #[test]
        fn past_a_section_no_key_is_in_it(key in "(local|host)[-./a]\\PC{0,3}") {
            let section = Section::of(&key);
            for other in [Section::Local, Section::Host] {
                let past = other.past().unwrap();
                prop_assert_eq!(Section::of(past), Section::Consensus);
                if section == other { prop_assert!(&*key < past); }
                // Nothing lies between the section and what is past it.
                let first = past.replace('/', ".");
                if *key >= *first && *key < *past { prop_assert_eq!(section, other); }
            }
        }
    }
}
