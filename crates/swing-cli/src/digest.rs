//! Making the digest of a store's rows anew.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;
use swing_core::ArtifactMode;
use swing_core::roles::HostStorage as _;
use swing_core::row_digest::stored::load;
use swing_core::row_digest::{Kept, RowDigestError};
use swing_export::digest_verdict;
use swing_store::{SUBSTORES, Store};

use crate::alone;
use crate::console::Console;
use crate::error::Refusal;
use crate::exit::Exit;
use crate::progress::Meter;
use crate::verify::Digests;

/// Whether to do what is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// Only plan.
    PlanOnly,
    /// Plan, and do it.
    PlanAndRebuild,
}

/// Which digest to make anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The store's directory.
    pub store: PathBuf,
    /// How far to go.
    pub execution: Execution,
    /// Take rows for right which the digest calls damaged.
    pub accept_rows: bool,
}

/// What was planned, and whether it was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What the digest that was found says.
    pub found: Digests,
    /// Whether it has to be made.
    pub needed: bool,
    /// Whether it was.
    pub rebuilt: bool,
}

/// Plans, and unless told otherwise makes the digest of all rows.
///
/// # Errors
/// When there is no store, its rows are damaged, or (but for planning) somebody else is writing to it. It is then as it was.
pub fn rebuild(options: &Options, meter: &Meter) -> Result<Report> {
    let Options { store, execution, accept_rows } = options;
    let exporter = swing_store::exporter(store, ArtifactMode::Debug)?;
    let kept = match load(exporter.read(), &swing_store::tables()) {
        // The store is a later release's, which goes on with it.
        Err(source @ RowDigestError::NewerVersion { .. }) => {
            return Err(Refusal::NewerDigest { store: store.clone(), source }.into());
        }
        found => matches!(found, Ok(Some(found)) if found.kept == Kept::UpToDate),
    };
    meter.step(swing_export::Step::Stage("comparing rows"));
    let (verdict, findings) = digest_verdict(exporter.read(), SUBSTORES)?;
    exporter.close()?;
    if let (Some(finding), false) = (findings.first(), *accept_rows) {
        let finding = format!("{}: {}", finding.what, finding.problem);
        return Err(Refusal::Damaged { store: store.clone(), finding }.into());
    }
    let found = Digests::from(verdict);
    // It may agree and not be kept: other software has written, and taken back what it wrote.
    let needed = !(kept && matches!(found, Digests::Agrees { .. }));
    let rebuilt = needed && *execution == Execution::PlanAndRebuild;
    if rebuilt {
        alone::insist(store)?;
        meter.step(swing_export::Step::Stage("making the digest"));
        let mut store = Store::open(store, swing_store::Options::default())?;
        store.build_row_digests()?;
        store.host().commit()?;
        store.close()?;
    }
    Ok(Report { found, needed, rebuilt })
}

pub(crate) fn command(options: &Options, console: Console) -> Result<Exit> {
    let report = rebuild(options, &Meter::stderr("digest"))?;
    console.report(&report)?;
    Ok(Exit::Ok)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = match &self.found {
            Digests::Absent => "there is none",
            Digests::Agrees { .. } => "it agrees with all rows",
            Digests::OutOfDate { .. } => "it is out of date: other software has written to the store",
            Digests::Contradicts => "it contradicts the rows, which are taken for right",
        };
        let done = match (self.needed, self.rebuilt) {
            (false, _) => "nothing to do",
            (true, false) => "to be made, not done",
            (true, true) => "made",
        };
        writeln!(f, "row digest: {found}: {done}")
    }
}
