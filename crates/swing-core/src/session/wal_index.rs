//! Whether anybody has committed, and how long the log is, seen without asking SQLite.
//!
//! Between blocks every read must know whether another connection has written since. SQLite's own answer, `PRAGMA
//! data_version`, takes a lock, looks at the file and releases the lock, each with a system call, which is more than most reads cost. But whoever commits
//! to a WAL must change the header of its index, and that lies in memory which all connections share. As long as it says
//! what it said when SQLite was asked last, nobody has.
//!
//! The header is the first 48 bytes: version, a count of changes, the number of frames and pages, checksums and salts. It
//! stands there twice. A commit writes the second copy first, and is seen by nobody before the first one is written, too.
//! Only that one is looked at here.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering, fence};

use rusqlite::{Connection, ffi};

use super::open_file::database_file;

const WORDS: usize = 12;
/// SQLite maps the index in regions of this size.
const REGION: i32 = 32 << 10;

/// What the header of a WAL's index said at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WalHeader([u32; WORDS]);

impl WalHeader {
    /// What it says now; `None` where there is none to look at. `connection` must have its file open in WAL mode, by SQLite's
    /// own lights: otherwise looking for the index might create it.
    pub(super) fn read(connection: &Connection) -> Option<Self> {
        words(connection).map(Self)
    }
}

/// How long a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LogSize {
    /// Other ones each time it begins anew.
    pub(super) salts: [u32; 2],
    /// Pages that were committed to it since it began.
    pub(super) frames: u32,
    /// How many of them, from the first, have been copied into the file.
    pub(super) copied: u32,
}

impl LogSize {
    /// What it is now; as [`WalHeader::read`].
    pub(super) fn read(connection: &Connection) -> Option<Self> {
        const FRAMES: usize = 4;
        const SALTS: usize = 8;
        // After both copies of the header.
        const COPIED: usize = 2 * WORDS;
        let words: [u32; COPIED + 1] = words(connection)?;
        Some(Self { salts: [words[SALTS], words[SALTS + 1]], frames: words[FRAMES], copied: words[COPIED] })
    }
}

/// The first words of the index.
fn words<const N: usize>(connection: &Connection) -> Option<[u32; N]> {
    let file = database_file(connection)?;
    // SAFETY: the file belongs to the connection and is open as long as that is; its methods are null only while not.
    let methods = unsafe { (*file).pMethods.as_ref() }?;
    let map = methods.xShmMap.filter(|_| methods.iVersion >= 2)?;
    let mut region: *mut c_void = ptr::null_mut();
    // SAFETY: the method is that of the file. It is not asked to extend the index, and writes one pointer.
    let code = unsafe { map(file, 0, REGION, 0, (&raw mut region).cast()) };
    if code != ffi::SQLITE_OK || region.is_null() {
        return None;
    }
    let words = region.cast::<AtomicU32>();
    // SAFETY: the region is mapped, aligned to a page, longer than so many words, and stays mapped while the connection is in
    // WAL mode. Other connections write to it meanwhile, so each word is read atomically.
    let words = std::array::from_fn(|at| unsafe { (*words.add(at)).load(Ordering::Relaxed) });
    fence(Ordering::Acquire);
    Some(words)
}
