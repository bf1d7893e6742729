//! Manifests of datasets, in both dialects.

use std::path::{Component, Path};

use arbitrary::Unstructured;
use swing_export::dataset::{Dialect, EXPORT_DATA_FILE_NAME, Manifest, Mode};

/// A manifest that is read is written, in either dialect, as a text that reads as the same manifest and is written as itself:
/// but for what a dialect has no words for (Go has no mode, no height of 0 and no empty list; JavaScript always has a height).
/// White space, the order of fields and fields that nobody knows are not kept: both of the original's readers ignore them.
///
/// Every file name that is read stays inside its folder. A manifest that is made from fields is read whenever its names are
/// fit to be used, and then written as the same bytes.
///
/// The input is taken twice: as the text, and as choices of fields.
pub fn manifest(data: &[u8]) {
    if let Ok((manifest, dialect)) = Manifest::parse(data) {
        check(&manifest);
        // What either tool has written is written as it was.
        let again = manifest.to_json(dialect);
        let (back, as_before) = Manifest::parse(again.as_bytes()).expect("what was written is read");
        assert_eq!(back.to_json(as_before), again);
    }
    if let Ok(manifest) = fields(&mut Unstructured::new(data)) {
        let fit = unfit(&manifest);
        for dialect in [Dialect::Js, Dialect::Go] {
            let text = manifest.to_json(dialect);
            let read = Manifest::parse(text.as_bytes());
            assert_eq!(read.is_ok(), !fit, "{text}: {read:?}");
        }
        if !fit {
            check(&manifest);
        }
    }
}

/// How a manifest reads after it was written.
fn after(manifest: &Manifest, dialect: Dialect) -> Manifest {
    let manifest = manifest.clone();
    match dialect {
        Dialect::Js => Manifest { block_height: Some(manifest.block_height.unwrap_or(0)), ..manifest },
        Dialect::Go => {
            Manifest { artifact_mode: None, block_height: manifest.block_height.filter(|h| *h != 0), ..manifest }
        }
    }
}

fn check(manifest: &Manifest) {
    for dialect in [Dialect::Js, Dialect::Go] {
        let text = manifest.to_json(dialect);
        let (read, guess) = Manifest::parse(text.as_bytes()).expect("what is written is read");
        assert_eq!(read, after(manifest, dialect), "{text}");
        assert_eq!(read.to_json(dialect), text);
        let shows = match dialect {
            Dialect::Js => read.artifact_mode.is_some() || read.data.is_some(),
            Dialect::Go => true,
        };
        assert!(!shows || guess == dialect, "{text} was taken for {guess:?}");
    }
    for file in manifest.files() {
        let inside = |component| matches!(component, Component::Normal(_));
        assert!(!file.is_empty() && Path::new(file).components().all(inside), "{file:?}");
        assert!(!file.contains(['\\', '\0']), "{file:?}");
    }
}

/// Whether a name of it cannot be used, by rules of our own.
fn unfit(manifest: &Manifest) -> bool {
    let bad_file = |name: &str| {
        name.len() > 4096
            || name.contains('\\')
            || name.chars().any(char::is_control)
            || name.split('/').any(|part| ["", ".", ".."].contains(&part))
    };
    let bad_name = |name: &str| name.is_empty() || name.len() > 4096 || name == "UNTRUSTED-EXPORT-DATA";
    let mut files: Vec<&str> = manifest.files().collect();
    files.push("export-manifest.json");
    let mut names: Vec<&str> = manifest.artifacts.iter().map(|(name, _)| name).collect();
    files.iter().any(|file| bad_file(file))
        || names.iter().any(|name| bad_name(name))
        || manifest.block_height.is_some_and(|height| height >= 1 << 53)
        || repeats(&mut files)
        || repeats(&mut names)
}

fn repeats(texts: &mut [&str]) -> bool {
    texts.sort_unstable();
    texts.windows(2).any(|pair| pair[0] == pair[1])
}

fn fields(choices: &mut Unstructured<'_>) -> arbitrary::Result<Manifest> {
    const NAMES: [&str; 12] = [
        "snapshot.v1.2",
        "transcript.v1.0.3",
        "a",
        "a/b",
        "../a",
        "a/./b",
        "/a",
        "é<\u{2028}>&",
        "export-manifest.json",
        EXPORT_DATA_FILE_NAME,
        "UNTRUSTED-EXPORT-DATA",
        "",
    ];
    let name = |choices: &mut Unstructured<'_>| {
        Ok(match choices.int_in_range(0..=4)? {
            0 => choices.arbitrary::<&str>()?.to_owned(),
            1 => format!("n{}", choices.arbitrary::<u8>()?),
            _ => (*choices.choose(&NAMES)?).to_owned(),
        })
    };
    let mode = |choices: &mut Unstructured<'_>| choices.choose(&Mode::ALL).copied();
    let block_height = match choices.int_in_range(0..=3)? {
        0 => None,
        1 => Some(0),
        2 => Some(choices.arbitrary::<u64>()? >> 10),
        _ => Some(u64::from(choices.arbitrary::<u16>()?)),
    };
    let artifact_mode = if choices.arbitrary()? { Some(mode(choices)?) } else { None };
    // An empty name stands for none, and is read as that.
    let data = if choices.arbitrary()? { Some(name(choices)?).filter(|name| !name.is_empty()) } else { None };
    let mut artifacts = Vec::new();
    for _ in 0..choices.int_in_range(0..=4)? {
        artifacts.push((name(choices)?, name(choices)?));
    }
    Ok(Manifest { block_height, artifact_mode, data, artifacts: artifacts.into_iter().collect() })
}
