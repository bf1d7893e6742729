//! What is in a store.

mod measure;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use crate::console::Console;
use crate::exit::Exit;
use crate::export::names;
use crate::progress::Meter;
use crate::text::{Bytes, Grouped, Table, plural};

/// Whether to add up the lengths of all transcript items, for which the whole file has to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemBytes {
    /// Where that is soon done: for files up to 1 GB.
    WhenQuick,
    /// In any case.
    Always,
}

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The store's directory.
    pub store: PathBuf,
    /// How closely.
    pub item_bytes: ItemBytes,
}

/// What was found, as of the last commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stat {
    /// The store's directory.
    pub store: String,
    /// `host.height`, if it is a number.
    pub block_height: Option<u64>,
    /// What it is, if it is none.
    #[serde(skip)]
    odd_height: Option<String>,
    /// The hash over all cranks so far; empty before the first.
    pub activityhash: String,
    /// `1A`, `1B`, or `unknown`.
    pub schema: String,
    /// The store's files.
    pub files: Files,
    /// What an import left beside it, or is making there.
    pub import_files: Vec<String>,
    /// Key-value pairs, by section.
    pub kv: Sections,
    /// Transcripts.
    pub transcripts: Transcripts,
    /// Snapshots.
    pub snapshots: Snapshots,
    /// Bundles.
    pub bundles: Bundles,
    /// Changes of export data that a writer left for the next one to hand over.
    pub pending_exports: u64,
}

/// Sizes of files, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Files {
    /// The database.
    pub database: u64,
    /// The write-ahead log beside it.
    pub wal: u64,
}

/// Rows, and the bytes of what is in them (keys and values, without what the database adds).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Rows {
    /// How many.
    pub rows: u64,
    /// How long altogether.
    pub bytes: u64,
}

/// The sections of the key-value store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sections {
    /// In consensus: hashed and exported.
    pub consensus: Rows,
    /// `local.*`: the kernel's own.
    pub local: Rows,
    /// `host.*`: the host's own.
    pub host: Rows,
}

/// Transcripts: spans are records, items are content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Transcripts {
    /// Vats that have spans.
    pub vats: u64,
    /// Records of spans.
    pub spans: u64,
    /// Current ones: one for each vat that is alive.
    pub current: u64,
    /// Items that there were in all these spans.
    pub positions: u64,
    /// Items that are there.
    pub items: u64,
    /// How long they are; `None` when that was not measured.
    pub bytes: Option<u64>,
}

/// Snapshots: a record may have lost its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Snapshots {
    /// Records.
    pub records: u64,
    /// Those that have their content.
    pub populated: u64,
    /// Those that vats would be restarted from.
    pub in_use: u64,
    /// Compressed content.
    pub bytes: u64,
    /// The same uncompressed.
    pub uncompressed_bytes: u64,
}

/// Bundles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bundles {
    /// Records.
    pub records: u64,
    /// Those that have their content.
    pub populated: u64,
    /// Content.
    pub bytes: u64,
}

/// Looks at the last commit of a store. Changes nothing and keeps nobody waiting.
///
/// # Errors
/// When there is no store, or it cannot be read.
pub fn stat(options: &Options, meter: &Meter) -> Result<Stat> {
    measure::measure(options, meter)
}

/// The files of a new store that is made beside this one.
fn import_files(store: &Path) -> Vec<String> {
    let Ok(names) = names(store) else { return Vec::new() };
    names.into_iter().filter(|name| name.starts_with("swingstore.sqlite-import")).collect()
}

pub(crate) fn command(options: &Options, console: Console) -> Result<Exit> {
    let found = stat(options, &Meter::stderr("stat"))?;
    console.report(&found)?;
    Ok(Exit::Ok)
}

impl fmt::Display for Stat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let height = match (self.block_height, &self.odd_height) {
            (Some(height), _) => height.to_string(),
            (None, Some(text)) => format!("{text:?}, which is none"),
            (None, None) => "none".to_owned(),
        };
        let hash = if self.activityhash.is_empty() { "none" } else { &self.activityhash };
        writeln!(f, "{}", self.store)?;
        writeln!(f, "  block height  {height}")?;
        writeln!(f, "  activityhash  {hash}")?;
        writeln!(f, "  schema        {}", self.schema)?;
        writeln!(
            f,
            "  files         {}, and {} of write-ahead log",
            Bytes(self.files.database),
            Bytes(self.files.wal)
        )?;
        for file in &self.import_files {
            writeln!(
                f,
                "  left there    {file}: of an import that is under way or was killed (the next one erases it)"
            )?;
        }
        writeln!(f)?;
        write!(f, "{}", self.table())
    }
}

impl Stat {
    fn table(&self) -> Table {
        let mut table = Table::default();
        let mut add = |what: &str, count: u64, bytes: Option<u64>, note: String| {
            let bytes = bytes.map_or(String::new(), |bytes| Bytes(bytes).to_string());
            table.row([what.to_owned(), Grouped(count).to_string(), bytes, note]);
        };
        let Self { kv, transcripts, snapshots, bundles, .. } = self;
        add("kv, consensus", kv.consensus.rows, Some(kv.consensus.bytes), String::new());
        add("kv, local", kv.local.rows, Some(kv.local.bytes), String::new());
        add("kv, host", kv.host.rows, Some(kv.host.bytes), String::new());
        let spans = format!("of {}, {} current", plural(transcripts.vats, "vat"), Grouped(transcripts.current));
        add("transcript spans", transcripts.spans, None, spans);
        let mut items = match transcripts.positions {
            all if all == transcripts.items => "all there ever were".to_owned(),
            all => format!("of {} there ever were", Grouped(all)),
        };
        if transcripts.bytes.is_none() {
            items += " (--full adds up their bytes)";
        }
        add("transcript items", transcripts.items, transcripts.bytes, items);
        let content = match snapshots.records {
            0 => String::new(),
            _ => format!(
                "{} with content ({} uncompressed), {} in use",
                Grouped(snapshots.populated),
                Bytes(snapshots.uncompressed_bytes),
                Grouped(snapshots.in_use)
            ),
        };
        add("snapshots", snapshots.records, Some(snapshots.bytes), content);
        let content = match bundles.records - bundles.populated {
            0 => String::new(),
            missing => format!("{} without content", Grouped(missing)),
        };
        add("bundles", bundles.records, Some(bundles.bytes), content);
        add("pending exports", self.pending_exports, None, String::new());
        table
    }
}
