//! Which names may stand in a manifest, and what a file is called.

use super::dialect::Dialect;
use super::error::{ManifestError, shorten};

/// The artifact name under which Go's tools pass unverified export data along; no dataset may list it.
pub const UNTRUSTED_EXPORT_DATA: &str = "UNTRUSTED-EXPORT-DATA";

/// The longest name accepted, in bytes: no file system takes a longer path.
const MAX_NAME_BYTES: usize = 4096;

impl Dialect {
    /// Returns the file name for the artifact `name`, the `index`th of its dataset, counted from 0.
    ///
    /// In JavaScript it is the name itself. In Go it is `INDEX-NAME` with a hyphen for every character that is not an
    /// ASCII letter, a digit, `-`, `_` or `.`.
    #[must_use]
    pub fn file_name(self, index: usize, name: &str) -> String {
        let keep_or_hyphen = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
        match self {
            Dialect::Js => name.to_owned(),
            Dialect::Go => format!("{index}-{}", name.chars().map(keep_or_hyphen).collect::<String>()),
        }
    }
}

/// Accepts an artifact name.
pub(super) fn check_artifact_name(name: &str) -> Result<(), ManifestError> {
    let reason = if name.is_empty() {
        "empty"
    } else if name.len() > MAX_NAME_BYTES {
        "too long"
    } else if name == UNTRUSTED_EXPORT_DATA {
        "reserved for export data that nobody verified"
    } else {
        return Ok(());
    };
    Err(ManifestError::BadName { name: shorten(name), reason })
}

/// Accepts a file name: a relative path of plain components, in its one canonical spelling.
///
/// Judged component by component, so that nothing hides in it. A backslash separates components on other systems, so it
/// has no place either.
pub(super) fn check_file_name(name: &str) -> Result<(), ManifestError> {
    let refuse = |reason| Err(ManifestError::BadName { name: shorten(name), reason });
    if name.len() > MAX_NAME_BYTES {
        return refuse("too long");
    }
    if name.contains('\\') {
        return refuse("has a backslash");
    }
    if name.contains('\0') {
        return refuse("has a NUL");
    }
    if name.chars().any(char::is_control) {
        return refuse("has a control character");
    }
    if name.is_empty() {
        return refuse("empty");
    }
    if name.starts_with('/') {
        return refuse("an absolute path");
    }
    for component in name.split('/') {
        match component {
            "" => return refuse("has an empty path component"),
            "." => return refuse("has a `.` path component"),
            ".." => return refuse("has a `..` path component"),
            _ => {}
        }
    }
    Ok(())
}

/// Accepts a file name to write: one plain component.
pub(super) fn check_own_file_name(name: &str) -> Result<(), ManifestError> {
    check_file_name(name)?;
    if name.contains('/') {
        return Err(ManifestError::BadName { name: shorten(name), reason: "has a path in it" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_file_names_are_index_and_hyphenated_name() {
        let table = [
            (0, "snapshot.v1.2", "0-snapshot.v1.2"),
            (1, "transcript.v1.0.3", "1-transcript.v1.0.3"),
            (27, "bundle.b0-206e", "27-bundle.b0-206e"),
            (3, "a/b\\c:d e", "3-a-b-c-d-e"),
            (4, "../../etc/passwd", "4-..-..-etc-passwd"),
            (5, "é𝒳_\n\0", "5---_--"),
        ];
        for (index, name, expected) in table {
            assert_eq!(Dialect::Go.file_name(index, name), expected);
            assert_eq!(Dialect::Js.file_name(index, name), name);
        }
    }

    #[test]
    fn file_names_stay_inside_the_folder_and_have_one_spelling() {
        for good in ["a", "snapshot.v1.2", "0-..", "...", "a..b", ".hidden", "sub/a", "é", "a b", "C:"] {
            assert_eq!(check_file_name(good), Ok(()), "{good:?}");
        }
        let bad = [
            "",
            ".",
            "..",
            "/",
            "/a",
            "//a",
            "a/",
            "a//b",
            "./a",
            "a/.",
            "a/./b",
            "../a",
            "a/..",
            "a/../b",
            "a/../../b",
            "a\\b",
            "..\\a",
            "\\\\host\\a",
            "a\0",
            "\0",
            "a\nb",
            "a\u{7f}",
            "a\u{85}",
        ];
        for bad in bad {
            assert!(matches!(check_file_name(bad), Err(ManifestError::BadName { .. })), "{bad:?}");
        }
        assert_eq!(check_file_name(&"a".repeat(4096)), Ok(()));
        assert!(check_file_name(&"a".repeat(4097)).is_err());
        assert!(check_own_file_name("sub/a").is_err());
        assert_eq!(check_own_file_name("a"), Ok(()));
    }

    #[test]
    fn artifact_names_may_be_odd_but_not_reserved() {
        for good in ["snapshot.v1.2", "../x", "é", "a/b"] {
            assert_eq!(check_artifact_name(good), Ok(()), "{good:?}");
        }
        assert_eq!(check_artifact_name(&"a".repeat(4096)), Ok(()));
        for bad in ["", UNTRUSTED_EXPORT_DATA, &"a".repeat(4097)] {
            assert!(check_artifact_name(bad).is_err(), "{bad:?}");
        }
    }
}
