//! The committed fixtures: every store exported by us, every dataset imported by us, and what we left judged by the
//! reference.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use fs_err as fs;
use serde_json::{Value, json};
use swing_core::ArtifactMode;
use swing_core::roles::KernelStorage as _;
use swing_core::session::store_file;
use swing_export::dataset::genesis_hash;
use swing_store::Store;

use super::answer::expect_same;
use super::transfer;
use crate::shell::root;

/// Exports and imports all of them, and answers the stores that it left.
pub(crate) fn write(scratch: &Path) -> Result<Vec<PathBuf>> {
    let (mut stores, mut datasets) = (0, 0);
    let mut written = Vec::new();
    for fixture in folders(&root().join("fixtures"))? {
        if !fixture.join("expected.json").exists() {
            continue;
        }
        let name = fixture.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let expected: Value = serde_json::from_slice(&fs::read(fixture.join("expected.json"))?)?;
        let copy = scratch.join(&name).join("store");
        store(&fixture, &copy, &expected).with_context(|| format!("fixture {name}"))?;
        written.push(copy);
        stores += 1;
        for dialect in ["js", "go"] {
            for dataset in folders(&fixture.join(format!("dataset-{dialect}")))? {
                let mode = dataset.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let target = scratch.join(&name).join(format!("{dialect}-{mode}"));
                let what = || format!("fixture {name}, its {dialect} dataset in {mode} mode");
                if import(&dataset, mode.parse()?, &target, &expected).with_context(what)? {
                    written.push(target);
                }
                datasets += 1;
            }
        }
    }
    ensure!(stores > 0, "there are no fixtures");
    println!("{stores} fixtures exported, {datasets} datasets imported, as the reference does it");
    Ok(written)
}

/// The folders in a folder; none if it is not there.
fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if folder.exists() {
        for entry in fs::read_dir(folder)? {
            found.extend(Some(entry?.path()).filter(|path| path.is_dir()));
        }
    }
    found.sort();
    Ok(found)
}

/// Opens a copy for writing, looks, closes it and exports it.
fn store(fixture: &Path, copy: &Path, expected: &Value) -> Result<()> {
    fs::create_dir_all(copy)?;
    fs::copy(store_file(&fixture.join("store")), store_file(copy))?;
    let mut opened = Store::open(copy, swing_store::Options::default())?;
    let activityhash = opened.kernel().activityhash()?;
    opened.close()?;
    expect_same("activityhashes", &activityhash.into(), &expected["activityhash"])?;
    for mode in ArtifactMode::ALL {
        let artifacts = &expected["artifacts"][mode.as_str()];
        match transfer::export(copy, mode) {
            Err(error) if artifacts.is_array() => {
                return Err(error).with_context(|| format!("the reference exports this in {mode} mode"));
            }
            Err(_) => {}
            Ok(_) if !artifacts.is_array() => bail!("the reference refuses to export this in {mode} mode"),
            Ok(export) => {
                same_export(mode, &export, expected)?;
                expect_same(&format!("{mode} artifacts"), &listed(&export), artifacts)?;
            }
        }
    }
    let exporter = swing_store::exporter(copy, ArtifactMode::Debug)?;
    let records = exporter.export_data_by_key().map(|record| record.map(|(key, value)| (key, Some(value))));
    expect_same("genesis hashes", &genesis_hash(records)?.into(), &expected["exportDataHash"])
}

fn same_export(mode: ArtifactMode, export: &Value, expected: &Value) -> Result<()> {
    expect_same(&format!("export data in {mode} mode"), &export["data"], &expected["exportData"])
}

/// The artifacts as `expected.json` lists them.
fn listed(export: &Value) -> Value {
    let names = export["names"].as_array().into_iter().flatten().filter_map(Value::as_str);
    names.map(|name| json!([name, export["artifacts"][name][0], export["artifacts"][name][1]])).collect()
}

/// Imports a dataset and exports it again. Answers whether there was something to import.
fn import(dataset: &Path, mode: ArtifactMode, target: &Path, expected: &Value) -> Result<bool> {
    let imported = transfer::import_dataset(dataset, target, mode);
    if expected["exportData"].as_array().is_some_and(Vec::is_empty) {
        ensure!(imported.is_err(), "an import of nothing is to be refused");
        return Ok(false);
    }
    imported?;
    let export = transfer::export(target, mode)?;
    same_export(mode, &export, expected)?;
    expect_same("artifacts", &listed(&export), &expected["artifacts"][mode.as_str()])?;
    Ok(true)
}

/// Has the reference look at stores that we wrote, and work on copies of them.
pub(crate) fn judge(folder: &Path, module: &str, stores: &[PathBuf]) -> Result<()> {
    let mut inspect = Command::new("node");
    inspect.arg(folder.join("inspect.mjs")).args(["--module", module]).args(stores);
    let output = inspect.output().context("could not run node")?;
    let verdict: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("inspect.mjs says nothing ({})", String::from_utf8_lossy(&output.stderr)))?;
    for store in verdict["stores"].as_array().into_iter().flatten() {
        if store["ok"] != true {
            bail!("{module} does not accept {}: {}", store["dir"], store["problems"]);
        }
    }
    ensure!(verdict["ok"] == true, "{module} does not accept what we wrote");
    Ok(())
}
