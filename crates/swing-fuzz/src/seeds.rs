//! What the fuzzer begins with: the fixtures, cut up as each target takes them.

mod datasets;
mod hostile;

use std::path::Path;

use anyhow::{Result, bail};

/// The inputs for a target that can be made of the fixtures in this folder. They are many and alike: a corpus to keep is what
/// libFuzzer's `-merge=1` leaves of them.
///
/// # Errors
/// When a fixture cannot be read, or there is no such target.
pub fn of(target: &str, fixtures: &Path) -> Result<Vec<Vec<u8>>> {
    let all = datasets::all(fixtures)?;
    let with = |header: &[u8], body: &[u8]| [header, body].concat();
    let artifacts = |kind: &str| {
        let of_kind = all.iter().flat_map(|dataset| &dataset.artifacts);
        of_kind.filter(|(name, _)| name.starts_with(kind)).map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>()
    };
    Ok(match target {
        "artifact_name" => {
            let names =
                all.iter().flat_map(|dataset| dataset.artifacts.iter().map(|(name, _)| name.clone().into_bytes()));
            names.chain(all.iter().flat_map(datasets::keys)).collect()
        }
        "export_record" => {
            let lines = all.iter().flat_map(|dataset| dataset.lines.split_inclusive(|byte| *byte == b'\n'));
            let whole = all.iter().map(|dataset| with(&[0], &dataset.lines[..dataset.lines.len().min(2000)]));
            let texts = all.iter().flat_map(datasets::texts).map(|text| with(&[0], &text));
            lines.map(|line| with(&[7], line)).chain(texts).chain(whole).collect()
        }
        "manifest" => all.iter().map(|dataset| dataset.manifest.clone()).collect(),
        "bundle_b0" => artifacts("bundle.b0-"),
        "bundle_b1" => artifacts("bundle.b1-").iter().map(|zip| with(&[0], zip)).collect(),
        "transcript_lines" => artifacts("transcript.").iter().map(|span| with(&[0, 0, 0, 0], span)).collect(),
        "snapshot_stream" => {
            let gzip = |bytes: &Vec<u8>| crate::snapshots::gzip_of(bytes);
            let packed =
                artifacts("snapshot.").iter().map(gzip).map(|gzip| with(&[1, 0, 0, 0], &gzip)).collect::<Vec<_>>();
            let raw = artifacts("snapshot.");
            let raw = raw.iter().flat_map(|bytes| [0, 2, 3].map(|what| with(&[what, 0, 6, 0], bytes)));
            raw.chain(packed).collect()
        }
        "archive_reader" => {
            let gzip = |bytes: &Vec<u8>| crate::snapshots::gzip_of(bytes);
            let files = artifacts("").into_iter().map(|bytes| with(&[1, 0, 7], &gzip(&bytes)));
            let spans = artifacts("transcript.").into_iter().map(|span| with(&[1, 0, 0], &span));
            spans.chain(artifacts("snapshot.").into_iter().map(|bytes| with(&[0, 0, 0], &bytes))).chain(files).collect()
        }
        "import_whole" => {
            let modes = [0_u8, 2, 4, 6];
            let whole = all.iter().flat_map(|dataset| modes.map(|mode| with(&[mode, 1], &dataset.framed())));
            whole.chain(hostile::datasets(fixtures)?).collect()
        }
        // Their inputs are choices, which no fixture makes.
        "corrupt_database" | "api_sequence" => Vec::new(),
        _ => bail!("there is no target {target:?}"),
    })
}
