//! `cargo xtask tidy`: the rules that no compiler checks, each with the reason in its message.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use fs_err as fs;
use serde_json::Value;

use crate::shell::{self, cargo, output, root};

/// Longer files hold more than one idea.
const MOST_LINES: usize = 500;

/// Which crates of the workspace each crate may depend on, as docs/architecture.md draws it.
const ARROWS: &[(&str, &[&str])] = &[
    ("swing-core", &[]),
    ("swing-kv", &["swing-core"]),
    ("swing-transcript", &["swing-core"]),
    ("swing-snap", &["swing-core"]),
    ("swing-bundle", &["swing-core"]),
    ("swing-archive", &["swing-core"]),
    ("swing-export", &["swing-core"]),
    ("swing-store", &["swing-core", "swing-kv", "swing-transcript", "swing-snap", "swing-bundle", "swing-export"]),
    ("swing-hostile", &["swing-core", "swing-store", "swing-export", "swing-archive"]),
    ("swing-cli", &["swing-core", "swing-store", "swing-snap", "swing-export", "swing-archive"]),
    (
        "swing-node",
        &["swing-core", "swing-store", "swing-kv", "swing-transcript", "swing-snap", "swing-bundle", "swing-export"],
    ),
    ("swing-crash", &["swing-core", "swing-store", "swing-export", "swing-archive"]),
    (
        "swing-fuzz",
        &[
            "swing-core",
            "swing-transcript",
            "swing-snap",
            "swing-bundle",
            "swing-archive",
            "swing-export",
            "swing-store",
            "swing-hostile",
        ],
    ),
    ("xtask", &["swing-core", "swing-store", "swing-snap", "swing-export", "swing-archive", "swing-hostile"]),
];

pub(crate) fn run() -> Result<()> {
    let mut wrong = Vec::new();
    for path in tracked("*.rs")? {
        check_source(&path, &fs::read_to_string(root().join(&path))?, &mut wrong);
    }
    for path in tracked("*")? {
        let full = root().join(&path);
        let text_like = !path.starts_with("fixtures") && path.file_name().is_some_and(|name| name != "Cargo.lock");
        if text_like && let Ok(text) = fs::read_to_string(full) {
            check_paths(&path, &text, &mut wrong);
        }
    }
    check_arrows(&mut wrong)?;
    check_readmes(&mut wrong)?;
    if wrong.is_empty() {
        println!("tidy");
        return Ok(());
    }
    wrong.iter().for_each(|line| println!("{line}"));
    bail!("{} things are not tidy", wrong.len());
}

/// After the tests the tree is as it was before.
pub(crate) fn clean_tree() -> Result<()> {
    if !is_git()? {
        return Ok(());
    }
    let status = output(Command::new("git").args(["status", "--porcelain"]).current_dir(root()))?;
    if std::env::var_os("CI").is_some() && !status.trim().is_empty() {
        bail!("the tests have changed the tree:\n{status}");
    }
    Ok(())
}

fn is_git() -> Result<bool> {
    Ok(root().join(".git").exists() && shell::exists("git"))
}

/// Files that git knows, or could.
fn tracked(pattern: &str) -> Result<Vec<PathBuf>> {
    let args = ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", pattern];
    let listed = output(Command::new("git").args(args).current_dir(root()))?;
    Ok(listed.lines().map(PathBuf::from).filter(|path| root().join(path).is_file()).collect())
}

fn check_source(path: &Path, text: &str, wrong: &mut Vec<String>) {
    let shown = path.display();
    let lines = text.lines().count();
    if lines > MOST_LINES {
        wrong.push(format!("{shown}: {lines} lines; split it, a file holds one idea (at most {MOST_LINES})"));
    }
    if !text.starts_with("//!") {
        wrong.push(format!("{shown}: a module says what it is for: begin with `//!`"));
    }
    for (number, line) in text.lines().enumerate() {
        let code = line.trim_start();
        let at = |what: &str| format!("{shown}:{}: {what}", number + 1);
        // The rules below would find themselves here.
        if path.ends_with("tidy.rs") || code.starts_with("//") {
            continue;
        }
        if code.contains("std::fs::") && !code.contains("std::fs::File,") && !code.contains("std::fs::{File") {
            wrong.push(at("use fs_err: its errors name the path"));
        }
        if code.contains("#[ignore") {
            wrong.push(at("an ignored test looks green: make it a task or delete it"));
        }
    }
    let test = path.components().any(|part| part.as_os_str() == "tests");
    if !test && (path.ends_with("lib.rs") || path.ends_with("mod.rs")) {
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        if code.lines().any(|line| line.starts_with("impl") || line.starts_with("pub fn") || line.starts_with("fn ")) {
            wrong.push(format!("{shown}: lib.rs and mod.rs hold prose and `pub use` only"));
        }
    }
}

/// Places of somebody's machine, and names of registries, have no business in a project.
fn check_paths(path: &Path, text: &str, wrong: &mut Vec<String>) {
    if path.ends_with("tidy.rs") {
        return;
    }
    for (number, line) in text.lines().enumerate() {
        let stray = ["/root/", "/home/", "/work/", "/tmp/", "registry.npmjs", "static.crates", "files.pythonhosted"];
        if let Some(found) = stray.iter().find(|stray| line.contains(**stray)) {
            wrong.push(format!("{}:{}: {found} is a place of one machine or registry", path.display(), number + 1));
        }
    }
}

fn check_arrows(wrong: &mut Vec<String>) -> Result<()> {
    let metadata = output(&mut cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline"]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            wrong.push(format!("{name}: a crate without a place among the arrows of docs/architecture.md"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let on = dependency["name"].as_str().unwrap_or_default();
            let ours = dependency["path"].is_string();
            if ours && dependency["kind"].is_null() && !allowed.contains(&on) {
                wrong.push(format!("{name} depends on {on}: the arrows of docs/architecture.md do not"));
            }
        }
    }
    Ok(())
}

fn check_readmes(wrong: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(root().join("crates"))? {
        let path = entry?.path();
        if path.is_dir() && !path.join("README.md").exists() {
            wrong.push(format!("{}: no README.md", path.file_name().unwrap_or_default().to_string_lossy()));
        }
    }
    Ok(())
}
