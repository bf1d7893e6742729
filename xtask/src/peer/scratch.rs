//! A folder in which the reference's test files find another package in their own one's place.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use fs_err as fs;
use serde_json::{Value, json};

/// Modules that a package keeps to itself and tests use to prepare things: the reference's own.
const HELPERS: [&str; 2] = ["hasher.js", "util.js"];

/// The name that the package under test has there.
const NAME: &str = "package-under-test";

/// Makes the folder anew: test files byte for byte, and a module of one line for each that they import.
pub(crate) fn make(folder: &Path, reference: &Path, package: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let (tests, sources, modules) = (folder.join("test"), folder.join("src"), folder.join("node_modules"));
    for folder in [&tests, &sources, &modules] {
        fs::create_dir_all(folder)?;
    }
    std::os::unix::fs::symlink(fs::canonicalize(package)?, modules.join(NAME))?;
    let reference = fs::canonicalize(reference)?;
    for entry in fs::read_dir(reference.join("test"))? {
        let path = entry?.path();
        let name = path.file_name().context("a file has a name")?;
        fs::copy(&path, tests.join(name))?;
        for module in imported(&fs::read_to_string(&path)?) {
            let from = match HELPERS.contains(&module.as_str()) {
                true => reference.join("src").join(&module).to_string_lossy().into_owned(),
                false => NAME.to_owned(),
            };
            fs::write(sources.join(module), format!("export * from {};\n", json!(from)))?;
        }
    }
    fs::write(folder.join("package.json"), format!("{:#}\n", manifest(&reference, folder)?))?;
    Ok(())
}

/// As the release configures its tests, with our stand-in for the module that its package lacks.
fn manifest(reference: &Path, folder: &Path) -> Result<Value> {
    let own: Value = serde_json::from_str(&fs::read_to_string(reference.join("package.json"))?)?;
    let mut runner = own["ava"].clone();
    let stand_in: PathBuf = fs::canonicalize(folder)?.join("../../stand-in.mjs");
    runner["nodeArguments"] = json!([format!("--import={}", stand_in.display())]);
    Ok(json!({"name": own["name"], "type": "module", "private": true, "ava": runner}))
}

/// Names of the modules of its own package that a test file imports, those of types included.
fn imported(text: &str) -> Vec<String> {
    let paths = text.split("'../src/").skip(1).filter_map(|rest| rest.split_once('\''));
    paths.map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::imported;

    #[test]
    fn imports_of_the_own_package_are_found() {
        let text = "import test from 'ava';\nimport {\n  one,\n} from '../src/one.js';\n/** @type {import('../src/two.js').X} */";
        assert_eq!(imported(text), ["one.js", "two.js"]);
    }
}
