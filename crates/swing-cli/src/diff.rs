//! In what do two stores differ?

mod side;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;
use swing_core::Position;
use swing_export::{Items, Parting};
use swing_store::SUBSTORES;

use crate::console::Console;
use crate::exit::Exit;
use crate::progress::Meter;
use crate::text::{Grouped, Visible, by_kind, plural};
use crate::verify::Finding;

pub use side::{Compared, Kind};

use side::Side;

/// What to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A store's directory, a dataset, or a file of export data.
    pub here: PathBuf,
    /// Another.
    pub there: PathBuf,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What explains differences.
    pub warnings: Vec<String>,
    /// The one.
    pub here: Compared,
    /// The other.
    pub there: Compared,
    /// How many records differ, by kind.
    pub differing: BTreeMap<&'static str, u64>,
    /// How many in all; 0 if both are the same.
    pub found: u64,
    /// The first hundred of each kind.
    pub records: Vec<Finding>,
    /// Where the transcripts part whose spans are among these.
    pub items: Vec<VatItems>,
}

/// The items of a vat on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VatItems {
    /// The vat.
    pub vat: String,
    /// From this position on they were compared.
    pub from: u64,
    /// So many are on both sides and the same, before the one that differs.
    pub alike: u64,
    /// So many before that one, or before the end of the shorter side, are not on both sides, and were not compared.
    pub lacking: u64,
    /// Of the first that differs; `None`: none does, of those that both sides have and that can be read.
    pub position: Option<u64>,
    /// In what it differs, or why there are no more to compare.
    pub problem: String,
}

/// Compares two stores, datasets or files of export data. Changes nothing.
///
/// # Errors
/// When one of them cannot be read.
pub fn diff(options: &Options, meter: &Meter) -> Result<Report> {
    let (here, there) = (Side::open(&options.here)?, Side::open(&options.there)?);
    let found = swing_export::diff(&here, &there, SUBSTORES, &mut |step| meter.step(step))?;
    let (here, there) = (here.compared(found.here)?, there.compared(found.there)?);
    Ok(Report {
        warnings: warnings(&here, &there),
        here,
        there,
        found: found.found(),
        differing: found.differing.into_iter().map(|of| (of.kind, of.count)).collect(),
        records: found.records.into_iter().map(Into::into).collect(),
        items: found.items.into_iter().map(Into::into).collect(),
    })
}

fn warnings(here: &Compared, there: &Compared) -> Vec<String> {
    match (here.block_height, there.block_height) {
        (Some(ours), Some(theirs)) if ours != theirs => {
            vec![format!("here is height {ours}, there {theirs}: differences are to be expected")]
        }
        _ => Vec::new(),
    }
}

pub(crate) fn command(options: &Options, console: Console) -> Result<Exit> {
    let report = diff(options, &Meter::stderr("diff"))?;
    console.report(&report)?;
    Ok(if report.found == 0 { Exit::Ok } else { Exit::FoundWrong })
}

impl From<Items> for VatItems {
    fn from(items: Items) -> Self {
        let (position, problem) = match items.parting {
            Parting::Differs { position, difference } => (Some(position.get()), difference),
            Parting::Ends { here, there } => {
                let end = |end: Option<Position>| end.map_or("none".to_owned(), |end| format!("they end at {end}"));
                (None, format!("no more are on both sides: here {}, there {}", end(here), end(there)))
            }
            Parting::Unreadable { problem } => (None, format!("no more can be read: {problem}")),
        };
        Self {
            vat: items.vat.to_string(),
            from: items.from.get(),
            alike: items.alike,
            lacking: items.lacking,
            position,
            problem,
        }
    }
}

impl fmt::Display for VatItems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { vat, from, alike, lacking, position, problem } = self;
        let before = match (alike, lacking) {
            (0, 0) => String::new(),
            (1, 0) => format!("item {from} is the same; "),
            (alike, 0) => format!("{} from {from} on are the same; ", plural(*alike, "item")),
            (alike, lacking) => format!(
                "of {} from {from} on {} not on both sides, and the other {} the same; ",
                plural(alike + lacking, "item"),
                are(*lacking),
                are(*alike)
            ),
        };
        let problem = Visible(problem);
        match position {
            Some(position) => write!(f, "transcript of {vat}: {before}item {position}: {problem}"),
            None => write!(f, "transcript of {vat}: {before}{problem}"),
        }
    }
}

/// `1 is`, `2 are`.
fn are(count: u64) -> String {
    format!("{} {}", Grouped(count), if count == 1 { "is" } else { "are" })
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        writeln!(f, "here:  {}", self.here)?;
        writeln!(f, "there: {}", self.there)?;
        for record in &self.records {
            writeln!(f, "{record}")?;
        }
        for items in &self.items {
            writeln!(f, "{items}")?;
        }
        if self.found == 0 {
            return write!(f, "the same: {}", plural(self.here.records, "export record"));
        }
        write!(f, "records that differ: {}", by_kind(&self.differing))?;
        match self.found - self.records.len() as u64 {
            0 => Ok(()),
            untold => write!(f, " ({} of them not shown)", Grouped(untold)),
        }
    }
}
