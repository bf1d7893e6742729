//! The hostile datasets of `fixtures/hostile`, as `import_whole` takes them.

use std::io::Read as _;
use std::path::Path;

use anyhow::Result;
use swing_core::ArtifactMode;
use swing_export::ExportSource as _;
use swing_export::dataset::Dialect;
use swing_hostile::{Input, Material, Source, cases};

use crate::import::MARK;

/// An artifact of more bytes is cut off, and so is one that never ends.
const MOST: u64 = 4096;
const MOST_ALTOGETHER: usize = 16 << 10;

/// Those whose lines can be read; the others are among the lines of `export_record`.
pub(super) fn datasets(fixtures: &Path) -> Result<Vec<Vec<u8>>> {
    let mut seeds = Vec::new();
    for case in cases::all().iter().filter(|case| case.input == Input::Dataset) {
        let material = Material::of(fixtures, case)?;
        let source = Source::new(&material);
        let mode = ArtifactMode::ALL.iter().position(|mode| mode.as_str() == case.mode).unwrap_or(3) as u8;
        let mut seed = vec![mode << 1, 0];
        let Ok(records) = source.records() else { continue };
        for record in records.map_while(Result::ok) {
            seed.extend(Dialect::Js.record_line(&record.0, record.1.as_deref()).into_bytes());
        }
        for artifact in &material.artifacts {
            let Ok(bytes) = source.artifact(&artifact.name) else { continue };
            seed.extend([MARK, artifact.name.as_bytes(), MARK].concat());
            let mut content = Vec::new();
            // One that fails is as good as one that is cut off.
            let _ = bytes.take(MOST).read_to_end(&mut content);
            seed.extend(content);
        }
        if seed.len() <= MOST_ALTOGETHER {
            seeds.push(seed);
        }
    }
    Ok(seeds)
}
