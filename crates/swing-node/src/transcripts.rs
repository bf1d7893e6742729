//! Transcripts: items and spans. An archiver is JavaScript's, so what it is to have is handed out before a span is closed.

use std::cell::RefCell;
use std::rc::Rc;

use serde::Serialize;
use swing_core::roles::{KernelStorage as _, SpanBounds, TranscriptStore as _};
use swing_core::{Budget, Cleanup, Position, VatId};
use swing_transcript::{FullCursor, SpanCursor};

use crate::cell::{Cell, Open};
use crate::error::{Answer, Failure};
use crate::js::{Argument, Body, Call, Js, TextBuffer, Value};

pub(crate) static FUNCTIONS: [(&str, Body<Rc<Cell>>); 9] = [
    ("initTranscript", init_transcript),
    ("addItem", add_item),
    ("getCurrentSpanBounds", current_span_bounds),
    ("rolloverSpan", rollover_span),
    ("rolloverIncarnation", rollover_incarnation),
    ("stopUsingTranscript", stop_using_transcript),
    ("deleteVatTranscripts", delete_vat_transcripts),
    ("readSpan", read_span),
    ("readFullVatTranscript", read_full_vat_transcript),
];

/// What takes the place in a span that `readSpan` answered.
pub(crate) static ON_SPANS: [(&str, Body<Reading<SpanCursor>>); 1] = [("nextItems", next_items)];

/// What one answer of a reader holds: a usual span in one go, a long one within bounds.
const BATCH_ITEMS: usize = 256;
const BATCH_BYTES: usize = 1 << 20;

pub(crate) fn vat(call: &Call, buffer: &mut TextBuffer) -> Answer<VatId> {
    Ok(VatId::parse(call.text(0, "vatID", buffer)?)?)
}

pub(crate) fn position(argument: Argument<'_>) -> Answer<Position> {
    Position::new(argument.integer()?).ok_or_else(|| Failure::argument("position must be an integer below 2^53"))
}

/// The units of a deletion; nothing given means all.
pub(crate) fn budget(argument: Argument<'_>) -> Answer<Budget> {
    if argument.is_absent()? {
        return Ok(Budget::Unlimited);
    }
    Budget::at_most(argument.integer()?).ok_or_else(|| Failure::argument("budget must be undefined or positive"))
}

#[derive(Serialize)]
struct Done {
    done: bool,
    cleanups: u64,
}

pub(crate) fn cleanup(js: Js, Cleanup { done, cleanups }: Cleanup) -> Answer<Value> {
    js.json(&Done { done, cleanups })
}

fn init_transcript(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    let vat = vat(call, &mut open.texts[0])?;
    open.store.kernel().transcripts().init_transcript(&vat)?;
    call.js.undefined()
}

fn add_item(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    let [first, second] = &mut open.texts;
    let (vat, item) = (vat(call, first)?, call.text(1, "item", second)?);
    open.store.kernel().transcripts().add_item(&vat, item)?;
    call.js.undefined()
}

fn current_span_bounds(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.read()?;
    let vat = vat(call, &mut open.texts[0])?;
    let SpanBounds { start, end, hash, incarnation } = open.store.kernel().transcripts().current_span_bounds(&vat)?;
    call.js.json(&Bounds {
        start_pos: start.get(),
        end_pos: end.get(),
        hash: hash.to_string(),
        incarnation: incarnation.get(),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bounds {
    start_pos: u64,
    end_pos: u64,
    hash: String,
    incarnation: u64,
}

fn rollover_span(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    let vat = vat(call, &mut open.texts[0])?;
    call.js.number(open.store.kernel().transcripts().rollover_span(&vat)?.get())
}

fn rollover_incarnation(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    let vat = vat(call, &mut open.texts[0])?;
    call.js.number(open.store.kernel().transcripts().rollover_incarnation(&vat)?.get())
}

fn stop_using_transcript(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    let vat = vat(call, &mut open.texts[0])?;
    open.store.kernel().transcripts().stop_using_transcript(&vat)?;
    call.js.undefined()
}

fn delete_vat_transcripts(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let open = &mut *cell.write()?;
    let vat = vat(call, &mut open.texts[0])?;
    let budget = budget(call.argument(1, "budget"))?;
    cleanup(call.js, open.store.kernel().transcripts().delete_vat_transcripts(&vat, budget)?)
}

/// A place in something that is read batch by batch.
pub(crate) struct Reading<C> {
    cell: Rc<Cell>,
    cursor: RefCell<C>,
}

/// `readSpan(vatID, startPos)`: the handle of a place in it.
fn read_span(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let cursor = {
        let open = &mut *cell.read()?;
        let vat = vat(call, &mut open.texts[0])?;
        let start = call.argument(1, "position");
        let start = if start.is_absent()? { None } else { Some(position(start)?) };
        open.store.kernel().transcripts().open_cursor(&vat, start)?
    };
    call.js.handle(Reading { cell: Rc::clone(cell), cursor: RefCell::new(cursor) })
}

/// `nextItems(reading)`: the next items, an array of strings of some items each with a line feed between them; none at the end. If an
/// item has one itself, as only the original takes them, JSON text of the items.
fn next_items(reading: &Reading<SpanCursor>, call: &Call) -> Answer<Value> {
    let Open { store, joined, .. } = &mut *reading.cell.read()?;
    let mut kernel = store.kernel();
    let cursor = &mut *reading.cursor.borrow_mut();
    let (here, mut all) = (cursor.clone(), true);
    joined.clear();
    let visited = cursor.visit_batch(&kernel.transcripts(), BATCH_ITEMS, BATCH_BYTES, |item| {
        all = joined.push(item);
        if all { Ok(()) } else { Err(Failure::argument("an item has a line feed in it")) }
    });
    if !all {
        *cursor = here;
        let items = cursor.next_batch(&kernel.transcripts(), BATCH_ITEMS, BATCH_BYTES)?;
        return call.js.json(&items);
    }
    visited?;
    call.js.strings(joined.pieces())
}

/// `readFullVatTranscript(vatID)`: a function that answers the next rows, and none at the end.
fn read_full_vat_transcript(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let cursor = {
        let open = &mut *cell.read()?;
        let vat = vat(call, &mut open.texts[0])?;
        open.store.kernel().transcripts().open_full_cursor(&vat)?
    };
    let reading = Reading { cell: Rc::clone(cell), cursor: RefCell::new(cursor) };
    call.js.function("next", reading, next_rows)
}

fn next_rows(reading: &Reading<FullCursor>, call: &Call) -> Answer<Value> {
    let open = &mut *reading.cell.read()?;
    let mut kernel = open.store.kernel();
    let cursor = &mut *reading.cursor.borrow_mut();
    let batch = cursor.next_batch(&kernel.transcripts(), BATCH_ITEMS, BATCH_BYTES)?;
    let vat = cursor.vat().as_str();
    let row = |(position, item): &(Position, String)| Row {
        vat: vat.to_owned(),
        position: position.get(),
        item: item.clone(),
    };
    call.js.json(&batch.iter().map(row).collect::<Vec<_>>())
}

#[derive(Serialize)]
struct Row {
    #[serde(rename = "vatID")]
    vat: String,
    position: u64,
    item: String,
}
