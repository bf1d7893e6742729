//! One request in, one line of figures out.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::super::work::{Figures, Work};
use super::{
    blocks, deletion, exports, floor, kv, make, memory, raw_import, replay, session, snapshot, trace, transcript, vats,
};

/// What this program is asked to do in a process of its own.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Request {
    /// Work, to be timed.
    Work(Work),
    /// Something to be made that works need.
    Make(make::Making),
    /// A hot operation, so many times, for whoever counts instructions.
    Hot(super::super::instructions::Hot),
}

/// Does it and prints what it cost.
pub(crate) fn serve(request: &str) -> Result<()> {
    let request = serde_json::from_str(request).context("the request is not one")?;
    let mut figures = match &request {
        Request::Work(work) => perform(work)?,
        Request::Make(making) => make::make(making)?,
        Request::Hot(hot) => hot.run()?,
    };
    figures.insert("rss".to_owned(), memory::peak());
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

fn perform(work: &Work) -> Result<Figures> {
    match work {
        Work::Trace { dir, trace, blobs } => trace::replay(dir, trace, blobs),
        Work::Kv { dir, rows, hot, gets } => kv::measure(dir, *rows, *hot, *gets),
        Work::Transcript { dir, items, reads } => transcript::measure(dir, *items, *reads),
        Work::Snapshot { dir, heap, rounds } => snapshot::measure(dir, heap, *rounds),
        Work::Deletion { dir, vat, budget, calls } => deletion::measure(dir, vat, *budget, *calls),
        Work::Opening { dir, rounds } => exports::opening(dir, *rounds),
        Work::ExporterReady { dir, rounds } => exports::exporter_ready(dir, *rounds),
        Work::ExportData { dir } => exports::export_data(dir),
        Work::FullExport { dir, mode } => exports::full_export(dir, mode),
        Work::Import { dir, dataset, mode } => exports::import(dir, dataset, mode),
        Work::Verify { dir } => exports::verify(dir),
        Work::Replay { dir, vats, spans, items } => replay::measure(dir, *vats, *spans, *items),
        Work::ImportFloor { dir, store } => raw_import::measure(dir, store),
        Work::Session { dir, rows, blocks } => session::measure(dir, *rows, *blocks),
        Work::Vats { dir, vats, cranks } => vats::measure(dir, *vats, *cranks),
        Work::Blocks { dir, rows, blocks, beside } => blocks::measure(dir, *rows, *blocks, *beside),
        Work::Floor { dir, heap, rows } => floor::measure(dir, heap, *rows),
    }
}
