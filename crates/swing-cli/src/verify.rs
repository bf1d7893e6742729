//! Is a store sound?

mod content;
mod finding;
mod trusted;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;
use swing_core::{ArtifactMode, error_chain};
use swing_export::{Exporter, Trusted as Records, gaps};
use swing_store::SUBSTORES;

use crate::console::Console;
use crate::exit::Exit;
use crate::height;
use crate::progress::Meter;
use crate::text::{Grouped, by_kind, plural};
use content::Counted;
use trusted::Trusted;

pub use content::Content;
pub use finding::{Digests, Finding};
pub(crate) use trusted::ACTIVITYHASH;

/// Of what a mode lacks beyond what a node needs, so much is told.
const MOST: usize = 100;

/// What to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The store's directory.
    pub store: PathBuf,
    /// Export data to compare with: a file of it, or the dataset that has one.
    pub trusted: Option<PathBuf>,
    /// The height that the store must be at.
    pub height: Option<u64>,
    /// What the store must be complete for. What a node needs is looked for in any case.
    pub mode: ArtifactMode,
}

/// What was checked and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What explains findings, or makes their absence worth less.
    pub warnings: Vec<String>,
    /// Export records that the store has.
    pub records: u64,
    /// Records that the trusted export data has; `None` when there was none to compare with.
    pub compared: Option<u64>,
    /// How many records differ from them, by kind, without kinds that could not be read to the end; `None` when there were none to compare with.
    pub differing: Option<BTreeMap<&'static str, u64>>,
    /// What the digest of the rows says of them.
    pub row_digests: Digests,
    /// Whose content was compared with its hash; `None` if that cannot be counted.
    pub checked: Option<Content>,
    /// Whose content is not here, so that nothing could be compared.
    pub without_content: Option<Content>,
    /// How many things are wrong; 0 for a sound store.
    pub found: u64,
    /// The first of them: of records that differ a hundred of each kind.
    pub findings: Vec<Finding>,
}

/// Checks the last commit of a store. Changes nothing.
///
/// # Errors
/// When the store or the trusted export data cannot be read; what can be read and is wrong is a finding.
pub fn verify(options: &Options, meter: &Meter) -> Result<Report> {
    let store = &options.store;
    let trusted = options.trusted.as_deref().map(Trusted::open).transpose()?;
    let exporter = swing_store::exporter(store, ArtifactMode::Debug)?;
    let read = trusted.as_ref().map(|trusted| || trusted.records());
    let records = read.as_ref().map(|read| read as Records<'_>);
    let verified = swing_export::verify(exporter.read(), SUBSTORES, records, &mut |step| meter.step(step))?;
    let mut found = verified.found();
    let mut findings: Vec<Finding> = verified.findings.into_iter().map(Into::into).collect();
    let missing = missing(&exporter, options.mode, &findings);
    let other_height = check_height(store, &exporter, options.height)?;
    found += missing.len() as u64 + u64::from(other_height.is_some());
    findings.extend(missing.into_iter().take(MOST).chain(other_height));
    let warnings = trusted.map_or(Ok(Vec::new()), |trusted| warnings(store, &exporter, &trusted))?;
    let counted = Counted::of(exporter.read()).ok();
    exporter.close()?;
    let by_kind = |kinds: Vec<swing_export::Differing>| kinds.into_iter().map(|of| (of.kind, of.count)).collect();
    Ok(Report {
        warnings,
        records: verified.records,
        compared: verified.compared,
        differing: verified.differing.map(by_kind),
        row_digests: verified.row_digests.into(),
        checked: counted.map(|counted| counted.checked),
        without_content: counted.map(|counted| counted.without_content),
        found,
        findings,
    })
}

/// What the mode needs beyond what was looked for.
fn missing(exporter: &Exporter, mode: ArtifactMode, known: &[Finding]) -> Vec<Finding> {
    if mode == ArtifactMode::Operational {
        return Vec::new();
    }
    let found = match gaps(exporter.read(), SUBSTORES, mode) {
        Ok(gaps) => gaps.into_iter().map(|gap| Finding { what: gap.what, problem: gap.reason }).collect(),
        Err(error) => vec![Finding { what: "completeness".to_owned(), problem: error_chain(&error) }],
    };
    let known: HashSet<&Finding> = known.iter().collect();
    found.into_iter().filter(|finding| !known.contains(finding)).collect()
}

fn warnings(store: &Path, exporter: &Exporter, trusted: &Trusted) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    let found = height::read(store, exporter.host_kv(height::HOST_HEIGHT)?.as_deref()).ok().flatten();
    if let (Some(found), Some(of)) = (found, trusted.height())
        && found != of
    {
        warnings.push(format!(
            "the store is at height {found}, the trusted data is of {of}: differences are to be expected"
        ));
    }
    if !trusted.has_activityhash() {
        warnings.push("the trusted data has no activityhash: it may not be all of a kernel's".to_owned());
    }
    Ok(warnings)
}

/// A store that a crash or a careless copy has set back is sound in itself; only its host knows better.
fn check_height(store: &Path, exporter: &Exporter, expected: Option<u64>) -> Result<Option<Finding>> {
    let Some(expected) = expected else { return Ok(None) };
    let text = exporter.host_kv(height::HOST_HEIGHT)?;
    let problem = match height::read(store, text.as_deref()) {
        Ok(Some(found)) if found == expected => return Ok(None),
        Ok(Some(found)) if found < expected => format!("is {found}, not {expected}: later blocks are lost"),
        Ok(Some(found)) => format!("is {found}, not {expected}"),
        Ok(None) => format!("there is none, not {expected}"),
        Err(_) => format!("is {:?}, not {expected}", text.unwrap_or_default()),
    };
    Ok(Some(Finding { what: height::HOST_HEIGHT.to_owned(), problem }))
}

pub(crate) fn command(options: &Options, console: Console) -> Result<Exit> {
    let report = verify(options, &Meter::stderr("verify"))?;
    console.report(&report)?;
    Ok(if report.found == 0 { Exit::Ok } else { Exit::FoundWrong })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        if let Some(differing) = &self.differing
            && differing.values().any(|count| *count > 0)
        {
            writeln!(f, "records that differ: {}", by_kind(differing))?;
        }
        let records = plural(self.records, "export record");
        let compared = self
            .compared
            .map_or(String::new(), |compared| format!(", compared with {} that are trusted", Grouped(compared)));
        let content = |verb: &str| {
            let told = |(checked, without)| content::told(checked, without, verb);
            self.checked.as_ref().zip(self.without_content.as_ref()).map(told)
        };
        if self.found == 0 {
            writeln!(f, "sound: {records}{compared}")?;
            if let Some(content) = content("agree with the hashes in their records") {
                writeln!(f, "{content}")?;
            }
            return write!(f, "{}", self.row_digests);
        }
        if let Some(content) = content("were compared with the hashes in their records") {
            writeln!(f, "{content}")?;
        }
        let untold = match self.found - self.findings.len() as u64 {
            0 => String::new(),
            untold => format!(" ({} of them not shown)", Grouped(untold)),
        };
        write!(f, "{}{untold} in {records}{compared}", plural(self.found, "finding"))
    }
}
