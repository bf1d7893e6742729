//! The task: two lives side by side, and every comparison of them.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};
use fs_err as fs;
use serde_json::Value;

use super::compare;
use super::control::{Control, Witness};
use super::life::Side;
use crate::node;
use crate::shell;
use crate::under_test::UnderTest;

/// Blocks of the short form.
const SHORT: u32 = 10;

const ALL_MODES: &str = "operational,replay,archival,debug";

/// Options of the kernel's part.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct KernelOptions {
    /// How many blocks the kernel lives.
    #[arg(long, default_value_t = SHORT)]
    blocks: u32,
    /// Put a mistake into the store under test; it must be seen.
    #[arg(long, value_enum)]
    control: Option<Control>,
}

impl Default for KernelOptions {
    fn default() -> Self {
        Self { blocks: SHORT, control: None }
    }
}

/// What happens after a life.
struct Sequel {
    /// So many blocks more, from each place.
    blocks: &'static str,
    /// Modes in which its export is imported, and those of them from which the kernel goes on.
    imported: &'static str,
    goes_on_from: &'static str,
}

impl KernelOptions {
    fn sequel(&self) -> Sequel {
        match self.blocks {
            ..=SHORT => Sequel { blocks: "1", imported: "operational,archival", goes_on_from: "operational" },
            _ => Sequel { blocks: "6", imported: ALL_MODES, goes_on_from: ALL_MODES },
        }
    }
}

/// Lives one life on the reference and one on the package.
pub(crate) fn run(package: &UnderTest, options: &KernelOptions) -> Result<()> {
    let scripts = node::install_kernel()?;
    let scripts = fs::canonicalize(scripts)?;
    let start = Instant::now();
    let bundles = bundles(&scripts)?;
    let tested = match package.is_reference() {
        true => None,
        false => Some(package.folder(Path::new(""))?),
    };
    let side = |name, package, wrong| Side {
        name,
        folder: scripts.join("run").join(name),
        scripts: scripts.clone(),
        package,
        wrong,
    };
    let theirs = side("reference", None, None);
    let ours = side("tested", tested, options.control.map(Control::name));
    let found = compared(&ours, &theirs, &bundles, options)?;
    println!(
        "the kernel's lives took {:.0} s; their logs are in {}",
        start.elapsed().as_secs_f64(),
        scripts.join("run").display()
    );
    found.iter().for_each(|(witness, what)| println!("DIFFERENT: {witness:?}: {what}"));
    if let Some(control) = options.control {
        return control.judge(&found);
    }
    if !found.is_empty() {
        bail!("the kernel on {package} does not live as on the reference");
    }
    println!("the kernel on {package} lives as on the reference: {}", story(&theirs)?);
    Ok(())
}

fn compared(ours: &Side, theirs: &Side, bundles: &str, options: &KernelOptions) -> Result<Vec<(Witness, String)>> {
    let blocks = options.blocks.to_string();
    let both = |script, args: &[&str]| {
        let (our, their) = (ours.start(script, args)?, theirs.start(script, args)?);
        let (our, their) = (our.finish(), their.finish());
        our.and(their)
    };
    ours.make()?;
    theirs.make()?;
    both("beside.mjs", &[])?;
    both("life.mjs", &[&blocks, bundles])?;
    let mut found = Vec::new();
    let files = |name| compare::files(&ours.file(name), &theirs.file(name));
    found.extend(files("blocks.jsonl")?.map(|what| (Witness::Blocks, what)));
    found.extend(files("exports.jsonl")?.map(|what| (Witness::Exports, what)));
    found.extend(compare::values("", &ours.rows()?, &theirs.rows()?).map(|what| (Witness::Rows, what)));
    if options.control.is_none_or(Control::needs_after) {
        let Sequel { blocks: more, imported, goes_on_from } = options.sequel();
        ours.take(theirs)?;
        theirs.take(ours)?;
        both("after.mjs", &[&blocks, more, bundles, imported, goes_on_from])?;
        found.extend(files("after.jsonl")?.map(|what| (Witness::After, what)));
    }
    Ok(found)
}

/// The bundled code of kernel and vats, made anew when a vat has changed.
fn bundles(scripts: &Path) -> Result<String> {
    let run = scripts.join("run");
    fs::create_dir_all(&run)?;
    let (file, stamp) = (run.join("bundles.json"), run.join("bundles.stamp"));
    let mut sources: Vec<_> =
        fs::read_dir(scripts.join("vats"))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    sources.extend(["bundles.mjs", "package.json"].map(|name| scripts.join(name)));
    sources.sort();
    let text = sources.iter().map(|path| Ok(fs::read_to_string(path)?)).collect::<Result<String>>()?;
    if !file.exists() || fs::read_to_string(&stamp).ok().as_ref() != Some(&text) {
        shell::run(Command::new("node").arg("bundles.mjs").arg(&file).current_dir(scripts))?;
        fs::write(stamp, text)?;
    }
    Ok(file.to_string_lossy().into_owned())
}

/// What a life had in it. A life in which nothing happens would be the same on any store.
fn story(side: &Side) -> Result<String> {
    let blocks = fs::read_to_string(side.file("blocks.jsonl"))?;
    let blocks: Vec<Value> = blocks.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let sum = |name: &str| blocks.iter().filter_map(|block| block[name].as_u64()).sum::<u64>();
    let exports = fs::read_to_string(side.file("exports.jsonl"))?;
    let snapshots = exports.matches(r#"\"inUse\":1"#).count() as u64;
    let (cranks, vats, cleanups) = (sum("cranks"), sum("vats"), sum("cleanups"));
    let items = side.rows()?["transcriptItems"]["rows"].as_u64().unwrap_or_default();
    let counts =
        [("cranks", cranks), ("vats", vats), ("cleanups", cleanups), ("items", items), ("snapshots", snapshots)];
    for (what, number) in counts {
        if number == 0 {
            bail!("no {what} in the kernel's life: it shows nothing");
        }
    }
    let pinned = blocks.iter().filter(|block| !block["pinned"].is_null()).count();
    Ok(format!(
        "{cranks} cranks, {vats} vats made while it ran, {snapshots} heap snapshots, {cleanups} pieces of slow deletion, {items} items, \
         {pinned} exports while it went on"
    ))
}
