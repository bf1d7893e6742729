//! An import, and what must be said of it afterwards.

use fs_err as fs;
use swing_core::ArtifactMode;
use swing_core::error_chain;
use swing_export::dataset::{Dataset, DatasetWriter, Dialect, Mode};
use swing_export::{ExportSource as _, Exporter, Trusted, verify};
use swing_store::{Options, SUBSTORES, exporter, import};

use super::expected::Expected;
use super::offer::Offer;
use super::{Export, LIMITS, exported_by, imported, options};
use crate::scratch;
use crate::source::After;

/// How much is read in advance.
const BUFFER: u64 = 64 << 10;

pub(super) fn in_memory(offer: &Offer, mode: ArtifactMode) {
    let whole = matches!(mode, ArtifactMode::Replay | ArtifactMode::Archival);
    let sound = offer.sound && !(whole && offer.truncated);
    match imported(offer, mode) {
        Ok(export) => accepted(offer, mode, &export),
        Err(error) => assert!(!sound, "{mode}: {error:#}\n{offer:#?}"),
    }
    let offered: u64 = offer.artifacts.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    let most = offered + LIMITS.artifact + BUFFER;
    assert!(offer.taken.get() <= most, "{} bytes were read where {most} say all", offer.taken.get());
}

fn accepted(offer: &Offer, mode: ArtifactMode, export: &Export) {
    assert!(!offer.beyond.get(), "a source that failed, or never ended, was taken for one that ended");
    let expected = Expected::of(offer);
    assert_eq!(export.records, expected.records);
    let wanted = expected.wanted(mode);
    for name in expected.wanted(mode.completeness()) {
        assert!(export.artifacts.contains_key(&name), "{mode} without {name}");
    }
    for (name, bytes) in &export.artifacts {
        assert!(wanted.contains(name), "{mode} has no use for {name}");
        match offer.artifacts.iter().find(|(offered, _)| offered == name) {
            Some((_, offered)) => assert!(bytes == offered, "{name} is exported otherwise than it came"),
            None => assert!(bytes.is_empty() && expected.is_of_nothing(name), "{name} comes from nowhere"),
        }
    }
    for (name, _) in offer.artifacts.iter().filter(|(name, _)| wanted.contains(name)) {
        assert!(export.artifacts.contains_key(name), "{name} is lost");
    }
    let (odd, _) = offer.odd.unwrap_or((usize::MAX, After::End));
    let unread = offer.artifacts.get(odd).is_none_or(|(name, _)| !wanted.contains(name));
    assert!(unread, "an artifact whose source is odd was taken");
}

pub(super) fn on_disk(offer: &Offer, mode: ArtifactMode) {
    let place = scratch::directory();
    let (target, folder) = (place.path().join("store"), place.path().join("dataset"));
    let done = import(offer, &target, options(mode), Options::default(), &mut |_| {});
    let in_memory = imported(offer, mode);
    assert_eq!(done.is_ok(), in_memory.is_ok(), "in memory it is another matter");
    let Ok(done) = done else {
        assert_eq!(fs::read_dir(place.path()).expect("the place").count(), 0, "a refused import left something behind");
        return;
    };
    done.commit().and_then(|store| Ok(store.close()?)).expect("what was taken is put in its place");
    let exporter = exporter(&target, mode).expect("an exporter");
    let export = exported_by(&exporter).expect("what was taken can be exported");
    assert!(in_memory.is_ok_and(|in_memory| in_memory == export), "in memory it is another export");
    accepted(offer, mode, &export);
    let trusted = || exporter.records();
    // Nothing is nothing to compare with.
    let trusted = (!export.records.is_empty()).then_some(&trusted as Trusted<'_>);
    let report = verify(exporter.read(), SUBSTORES, trusted, &mut |_| {}).expect("a verification");
    assert_eq!(report.findings, []);
    assert_eq!(report.compared, trusted.map(|_| export.records.len() as u64));
    for dialect in [Dialect::Js, Dialect::Go] {
        let folder = folder.with_extension(format!("{dialect:?}"));
        let Some(dataset) = written(&folder, dialect, &exporter, mode) else { continue };
        let again = imported(&dataset, mode);
        assert!(again.is_ok_and(|again| again == export), "another store comes out of a dataset");
    }
}

/// The dataset on disk; `None` where a name is none of a file there.
fn written(folder: &std::path::Path, dialect: Dialect, exporter: &Exporter, mode: ArtifactMode) -> Option<Dataset> {
    let mut writer = DatasetWriter::create(folder, dialect).expect("a folder");
    // An empty key is a record of a store and none of a dataset; no kernel has one.
    let records = exporter.export_data_by_key().map(|record| record.map(|(key, value)| (key, Some(value))));
    writer.export_data(records).expect("records in order");
    for name in exporter.artifact_names().expect("names") {
        let name = name.expect("a name");
        if name.len() > 200 {
            return None;
        }
        let mut bytes = exporter.artifact(&name).expect("an artifact");
        if let Err(error) = writer.artifact(&name, &mut bytes) {
            panic!("{name:?}: {}", error_chain(&error));
        }
    }
    let manifest_mode = (dialect == Dialect::Js).then(|| mode.as_str().parse::<Mode>().expect("a mode"));
    writer.finish(17, manifest_mode).expect("a dataset");
    Some(Dataset::open(folder).expect("what was written is read"))
}
