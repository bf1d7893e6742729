//! Where two runs differ, told so that a person can see it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::Result;
use fs_err as fs;
use serde_json::Value;

/// A text in a message is cut after so many characters.
const SHOWN: usize = 300;

/// Of the same text before a difference, so much is shown.
const BEFORE: usize = 60;

/// The first line in which two files of JSON lines differ.
pub(crate) fn files(ours: &Path, theirs: &Path) -> Result<Option<String>> {
    let (mut ours, mut theirs) = (lines(ours)?, lines(theirs)?);
    for number in 1.. {
        let (our, their) = (ours.next().transpose()?, theirs.next().transpose()?);
        match (our, their) {
            (None, None) => break,
            (Some(our), Some(their)) if our == their => {}
            (Some(our), Some(their)) => {
                let (our, their) = (serde_json::from_str(&our)?, serde_json::from_str(&their)?);
                // The same values in another spelling would be a fault of the log.
                let what = values("", &our, &their).unwrap_or_else(|| "the same in another spelling".to_owned());
                return Ok(Some(format!("line {number}{}: {what}", place(&their))));
            }
            (our, their) => {
                let (side, line) = our.map_or(("reference", their), |line| ("package under test", Some(line)));
                return Ok(Some(format!("only the {side} has line {number}: {}", cut(&line.unwrap_or_default()))));
            }
        }
    }
    Ok(None)
}

/// The first place in which two values differ.
pub(crate) fn values(path: &str, ours: &Value, theirs: &Value) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(our), Value::Object(their)) => {
            let keys = our.keys().chain(their.keys().filter(|key| !our.contains_key(*key)));
            keys.into_iter().find_map(|key| {
                values(
                    &format!("{path}.{key}"),
                    our.get(key).unwrap_or(&Value::Null),
                    their.get(key).unwrap_or(&Value::Null),
                )
            })
        }
        (Value::Array(our), Value::Array(their)) => {
            let pairs = our.iter().zip(their).enumerate();
            let inside = pairs.into_iter().find_map(|(at, (our, their))| values(&format!("{path}[{at}]"), our, their));
            inside.or_else(|| {
                (our.len() != their.len()).then(|| format!("{path} has {} entries, not {}", our.len(), their.len()))
            })
        }
        (our, their) if our == their => None,
        (our, their) => {
            let (our, their) = (our.to_string(), their.to_string());
            let from = apart(&our, &their);
            Some(format!("{path} is {}, not {}", cut(&our[from..]), cut(&their[from..])))
        }
    }
}

/// Where to begin to show two long texts: a little before they differ.
fn apart(ours: &str, theirs: &str) -> usize {
    let same = ours.bytes().zip(theirs.bytes()).take_while(|(our, their)| our == their).count();
    match same {
        0..=SHOWN => 0,
        _ => (0..=same - BEFORE).rev().find(|at| ours.is_char_boundary(*at)).unwrap_or_default(),
    }
}

fn lines(path: &Path) -> Result<impl Iterator<Item = std::io::Result<String>> + use<>> {
    Ok(BufReader::new(fs::File::open(path)?).lines())
}

fn place(line: &Value) -> String {
    ["block", "artifactMode"]
        .iter()
        .find_map(|name| line.get(name).map(|at| format!(" ({name} {at})")))
        .unwrap_or_default()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use fs_err as fs;
    use serde_json::json;

    use super::{files, values};

    #[test]
    fn the_first_difference_is_named_by_its_place() {
        let same = json!({"a": [1, {"b": null}]});
        assert_eq!(values("", &same, &same), None);
        for (ours, expected) in [
            (json!({"a": [1, {"b": 2}]}), ".a[1].b is 2, not null"),
            (json!({"a": [1]}), ".a has 1 entries, not 2"),
            (json!({"a": [1, {"b": null}], "c": "x"}), ".c is \"x\", not null"),
        ] {
            assert_eq!(values("", &ours, &same).as_deref(), Some(expected));
        }
    }

    #[test]
    fn of_long_texts_the_end_of_what_is_the_same_is_shown() {
        let long = "ä".repeat(1000);
        let told = values("", &json!(format!("{long}1")), &json!(format!("{long}2"))).expect("a difference");
        assert!(told.len() < 250 && told.contains("ä1\"") && told.contains("ä2\""), "{told}");
    }

    #[test]
    fn a_missing_line_is_a_difference_on_either_side() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let (short, long) = (folder.path().join("short"), folder.path().join("long"));
        fs::write(&short, "{\"block\":1}\n")?;
        fs::write(&long, "{\"block\":1}\n{\"block\":2}\n")?;
        assert_eq!(files(&short, &short)?, None);
        assert!(files(&short, &long)?.is_some_and(|text| text.contains("only the reference")));
        assert!(files(&long, &short)?.is_some_and(|text| text.contains("only the package")));
        Ok(())
    }

    #[test]
    fn a_member_that_is_null_is_not_one_that_is_missing() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let (with, without) = (folder.path().join("with"), folder.path().join("without"));
        fs::write(&with, "{\"a\":null}\n")?;
        fs::write(&without, "{}\n")?;
        assert!(files(&with, &without)?.is_some());
        Ok(())
    }
}
