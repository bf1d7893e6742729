//! Opening a store with the options of the original.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use swing_core::session::store_file;
use swing_store::{Durability, Options, SnapshotRetention, Store, TranscriptRetention};

use crate::cell::Cell;
use crate::error::{Answer, Failure, Kind};
use crate::js::{Argument, Call, Value};

/// `open(path, options)`: the handle of a store. `options.fresh` erases what is there first.
pub(crate) fn open(_: &(), call: &Call) -> Answer<Value> {
    let (path, options) = (call.argument(0, "path"), call.argument(1, "options"));
    let wanted = store_options(options)?;
    let image = options.property(c"serialized")?;
    let image = if image.is_absent()? { None } else { Some(image.bytes()?.to_vec()) };
    let (store, file) = match (location(path, options)?, image) {
        (None, None) => (Store::in_memory(wanted)?, None),
        (None, Some(image)) => (Store::from_image(image, wanted)?, None),
        (Some(_), Some(_)) => return Err(Failure::argument("options.serialized makes :memory: DB")),
        (Some(file), None) => {
            let store = if options.property(c"fresh")?.is_true()? {
                Store::init_file(&file, wanted)?
            } else {
                Store::open_file(&file, wanted)?
            };
            (store, Some(file))
        }
    };
    call.js.handle(Rc::new(Cell::open(call.js, store, file)))
}

/// The database file that a path means, if it is not that of a store in memory.
pub(crate) fn location(path: Argument<'_>, options: Argument<'_>) -> Answer<Option<PathBuf>> {
    if path.is_absent()? {
        return Ok(None);
    }
    let path = path.string()?;
    let file = if options.property(c"asFile")?.is_true()? { path.into() } else { store_file(Path::new(&path)) };
    whole(&file).map(Some)
}

/// An import looks for its files on another thread, wherever the process has gone meanwhile.
fn whole(path: &Path) -> Answer<PathBuf> {
    std::path::absolute(path).map_err(|error| Failure::of(Kind::IO, &error))
}

/// What a store of ours is told of the original's options. The callback and the archivers stay with JavaScript.
pub(crate) fn store_options(options: Argument<'_>) -> Answer<Options> {
    let is = |name| options.property(name)?.is_true();
    let trace_file = options.property(c"traceFile")?;
    Ok(Options {
        keep_snapshots: if is(c"keepSnapshots")? { SnapshotRetention::All } else { SnapshotRetention::InUse },
        keep_transcripts: if is(c"keepTranscripts")? { TranscriptRetention::Keep } else { TranscriptRetention::Drop },
        trace_file: if trace_file.is_absent()? { None } else { Some(whole(trace_file.string()?.as_ref())?) },
        durability: if is(c"unsafeFastMode")? { Durability::UnsafeFast } else { Durability::Full },
        read_only: is(c"readonly")?,
        ..Options::default()
    })
}
