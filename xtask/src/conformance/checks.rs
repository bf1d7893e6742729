//! What is compared beside the answers: rows, dumps, exports, imports, archives.

use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err as fs;
use serde_json::Value;
use swing_core::ArtifactMode;
use swing_export::dataset::Dialect;

use super::answer::{Answer, expect_same};
use super::call::Call;
use super::differences::{nothing_to_import, terminated_in_replay, trimmed_on_import};
use super::duel::Duel;
use super::player::Player as _;
use super::{archive, transfer};

/// After a commit, both stores still open.
pub(crate) fn committed(duel: &mut Duel<'_>) -> Result<()> {
    same_rows(duel)?;
    let (ours, theirs) = (duel.our_place.clone(), duel.their_place.clone());
    for historical in [true, false] {
        let dumped = duel.bench.ours.dump(&ours, historical)?;
        expect_same("dumps", &dumped, &duel.rival().dump(&theirs, historical)?)?;
    }
    for mode in ArtifactMode::ALL {
        let exported = duel.bench.ours.export(&ours.dir, mode)?;
        same_answer(&format!("{mode} exports"), &exported, &duel.rival().export(&theirs.dir, mode)?)?;
    }
    Ok(())
}

/// After the last call: every span is read, then both stores are closed, abandoning what is not committed. Answers
/// whether the reference can import what it exports of such a store, as its inspection will demand.
pub(crate) fn finished(duel: &mut Duel<'_>) -> Result<bool> {
    let rows = duel.bench.witness.rows(&duel.our_place.dir)?;
    for row in rows.as_array().into_iter().flatten().filter(|row| row[0] == "transcriptSpans") {
        let vat = row[1].as_str().unwrap_or_default().to_owned();
        let call = Call::ReadSpan(vat, row[2].as_u64());
        let (ours, theirs) = (duel.our_place.clone(), duel.their_place.clone());
        let read = duel.bench.ours.call(&ours, &call)?;
        same_answer(&format!("reading span {row}"), &read, &duel.rival().call(&theirs, &call)?)?;
    }
    duel.close()?;
    same_rows(duel)?;
    expect_same(
        "archives",
        &archive::contents(&duel.our_place.archive)?,
        &archive::contents(&duel.their_place.archive)?,
    )?;
    // Each exports both stores.
    for mode in ArtifactMode::ALL {
        let (ours, theirs) = (duel.our_place.dir.clone(), duel.their_place.dir.clone());
        let exported = duel.bench.ours.export(&ours, mode)?;
        let again = duel.bench.reference.export(&theirs, mode)?;
        same_answer(&format!("{mode} exports, each of its own,"), &exported, &again)?;
        let across = duel.bench.reference.export(&ours, mode)?;
        same_answer(&format!("{mode} exports of our store"), &exported, &across)?;
        let across = duel.bench.ours.export(&theirs, mode)?;
        same_answer(&format!("{mode} exports of its store"), &across, &again)?;
        // Imports take longest; every mode has its turn.
        if let (Ok(export), true) = (&exported.outcome, duel.has_turn(mode)) {
            imports(duel, mode, export)?;
        }
    }
    let place = duel.our_place.dir.clone();
    let mode = ArtifactMode::Operational;
    let imported = duel.bench.ours.import(&place, mode, &duel.scratch.join("imported"), mode)?;
    Ok(imported.outcome.is_ok() && !trimmed_on_import(&duel.bench.witness.rows(&place)?))
}

fn same_rows(duel: &mut Duel<'_>) -> Result<()> {
    let ours = duel.bench.witness.rows(&duel.our_place.dir)?;
    let theirs = duel.bench.witness.rows(&duel.their_place.dir)?;
    expect_same("rows", &ours, &theirs)
}

/// Both failed, or both succeeded with the same.
pub(crate) fn same_answer(what: &str, ours: &Answer, theirs: &Answer) -> Result<()> {
    match (&ours.outcome, &theirs.outcome) {
        (Ok(ours), Ok(theirs)) => expect_same(what, ours, theirs),
        (Err(_), Err(_)) => Ok(()),
        _ => anyhow::bail!("{what}: one succeeded, the other failed\n    ours:      {ours}\n    reference: {theirs}"),
    }
}

/// Our export of our store goes into a store of the reference's, its store into one of ours: both are the same, and
/// what they export again is what was exported.
fn imports(duel: &mut Duel<'_>, offered: ArtifactMode, export: &Value) -> Result<()> {
    let scratch = duel.scratch.join(offered.as_str());
    fs::create_dir_all(&scratch)?;
    let dialect = if offered == ArtifactMode::Archival { Dialect::Go } else { Dialect::Js };
    let (ours, theirs) = (duel.our_place.dir.clone(), duel.their_place.dir.clone());
    let dataset = scratch.join("dataset");
    transfer::write_dataset(&ours, offered, dialect, &dataset)?;
    let trimmed = trimmed_on_import(&duel.bench.witness.rows(&ours)?);
    for taken in [offered, duel.another(offered)] {
        let what = format!("{offered} exports imported in {taken} mode");
        let target = |name: &str| scratch.join(format!("{taken}-{name}"));
        let (by_us, by_them, from_them) = (target("by-us"), target("by-them"), target("from-them"));
        let us = duel.bench.ours.import_dataset(&dataset, &by_us, taken)?;
        let across = duel.bench.ours.import(&theirs, offered, &from_them, taken)?;
        // No exceptions between two of ours.
        same_answer(&what, &us, &across).context("a dataset and the store itself")?;
        if nothing_to_import(export) {
            anyhow::ensure!(us.outcome.is_err(), "{what}: there was nothing to import");
            continue;
        }
        if us.outcome.is_ok() {
            same_again(duel, &what, offered, taken, export, &by_us)?;
            let rows = [&by_us, &from_them].map(|dir| duel.bench.witness.rows(dir).map(without_height));
            let [ours, theirs] = rows;
            expect_same(&format!("{what}: rows of both"), &ours?, &theirs?)?;
        }
        if trimmed || terminated_in_replay(export, taken) {
            continue;
        }
        let them = duel.bench.reference.import_dataset(&dataset, &by_them, taken)?;
        same_answer(&what, &us, &them)?;
        if us.outcome.is_ok() {
            let rows = duel.bench.witness.rows(&by_us)?;
            expect_same(&format!("{what}: rows"), &rows, &duel.bench.witness.rows(&by_them)?)?;
            let (again, theirs) =
                (duel.bench.ours.export(&by_us, taken)?, duel.bench.reference.export(&by_them, taken)?);
            same_answer(&format!("{what}: what is exported again"), &again, &theirs)?;
        }
    }
    Ok(())
}

/// A dataset says 0 where a store says nothing.
fn without_height(mut rows: Value) -> Value {
    if let Some(rows) = rows.as_array_mut() {
        rows.retain(|row| row[1] != transfer::HOST_HEIGHT);
    }
    rows
}

/// What was imported is exported as it was, in the same mode to the last artifact.
fn same_again(
    duel: &mut Duel<'_>,
    what: &str,
    offered: ArtifactMode,
    taken: ArtifactMode,
    export: &Value,
    imported: &Path,
) -> Result<()> {
    let again = duel.bench.ours.export(imported, taken)?.value("exporting what was imported")?;
    expect_same(&format!("{what}: export data"), &again["data"], &export["data"])?;
    if offered == taken {
        expect_same(&format!("{what}: artifacts"), &again, export)?;
    }
    Ok(())
}
