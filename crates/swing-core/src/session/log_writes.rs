//! A commit's writes to the log, handed to the system together.
//!
//! SQLite appends each page to the log with two writes, a header of 24 bytes and the page, and a block that has saved a heap
//! has hundreds of pages. Each write is a system call that takes hold of one or two pages of the system's cache, which costs
//! more than copying the bytes. While a commit runs, what it writes to the log is gathered here and handed on in large pieces.
//!
//! Nothing becomes durable or visible in another order. Only the statement that commits gathers, so that nothing is held
//! while no transaction is open, when others may write to the log. The header of a transaction's last frame says that it is
//! the last: it is handed on with all that went before, and the last page goes straight through, so that the flush, and the
//! index that tells others of the commit, find in the file what they would have found. Whatever else is asked of the log
//! hands on first, too. Of a write that fails SQLite hears with a later call of the same commit, which fails in its place. A
//! commit that fails forgets what is held, and its session must not try again: pages that SQLite takes for written may be
//! among it.
//!
//! SQLite calls a file through a table of methods that the file begins with. The log's is exchanged for one of ours, which
//! calls that one. It may be of any VFS that takes what is written as it comes, and that does not itself put a table in the
//! place of ours.

use std::ffi::{c_int, c_void};
use std::ops::Range;

use rusqlite::{Connection, ffi};

use super::open_file::log_file;

/// How much is gathered at most: as long as the longest page, which every VFS has to write at once. Not all write more.
const MOST: usize = 64 << 10;
/// How long a frame's header is.
const HEADER: usize = 24;
/// Where it says how many pages the database has after the transaction that ends here; zero if none does.
const ENDS: Range<usize> = 4..8;

/// What stands in place of the methods of a log.
#[repr(C)]
struct Log {
    // First, since SQLite has a pointer to them, and we have no other.
    methods: ffi::sqlite3_io_methods,
    beneath: *const ffi::sqlite3_io_methods,
    gathering: bool,
    held: Vec<u8>,
    /// Where in the file what is held begins.
    at: i64,
}

/// Gathers what a connection's commits write to its log.
#[derive(Debug, Default)]
pub(super) struct LogWrites {
    /// Where the methods stand that were put in place of the log's.
    ours: usize,
}

impl LogWrites {
    /// Runs `commit`, which commits the transaction of `connection` and does nothing else with it. The connection is in WAL
    /// mode, and always the same.
    pub(super) fn gather<T>(
        &mut self,
        connection: &Connection,
        commit: impl FnOnce() -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let _gathering = self.begin(connection);
        commit()
    }

    fn begin<'c>(&mut self, connection: &'c Connection) -> Option<Gathering<'c>> {
        let file = log_file(connection)?;
        // SAFETY: the file is open, and its methods stay where they are until it is closed.
        unsafe {
            if (*file).pMethods.addr() != self.ours {
                (*file).pMethods = Box::into_raw(Box::new(Log::over((*file).pMethods))).cast();
                self.ours = (*file).pMethods.addr();
            }
            // Without the room everything goes straight through.
            (*log(file)).gathering = (*log(file)).held.try_reserve_exact(MOST).is_ok();
        }
        Some(Gathering { connection, ours: self.ours })
    }
}

/// While it lasts, the log gathers. What is held when it is dropped is of a commit that has failed, and is forgotten.
struct Gathering<'c> {
    connection: &'c Connection,
    ours: usize,
}

impl Drop for Gathering<'_> {
    fn drop(&mut self) {
        let Some(file) = log_file(self.connection) else { return };
        // SAFETY: the file is open, and what its methods are part of is looked at only if they are ours.
        unsafe {
            if (*file).pMethods.addr() == self.ours {
                (*log(file)).gathering = false;
                (*log(file)).held.clear();
            }
        }
    }
}

impl Log {
    /// # Safety
    /// `beneath` are the methods of a file that is open.
    unsafe fn over(beneath: *const ffi::sqlite3_io_methods) -> Self {
        // SAFETY: by the condition above. Of an older version the table may be shorter, so that those of the first alone are
        // looked at; a log is asked for no others.
        let methods = unsafe {
            ffi::sqlite3_io_methods {
                iVersion: 1,
                xClose: Some(close),
                xRead: Some(read),
                xWrite: Some(write),
                xTruncate: Some(truncate),
                xSync: Some(sync),
                xFileSize: Some(file_size),
                // These have nothing to do with what is in the file, and are those of the file itself.
                xLock: (*beneath).xLock,
                xUnlock: (*beneath).xUnlock,
                xCheckReservedLock: (*beneath).xCheckReservedLock,
                xFileControl: (*beneath).xFileControl,
                xSectorSize: (*beneath).xSectorSize,
                xDeviceCharacteristics: (*beneath).xDeviceCharacteristics,
                xShmMap: None,
                xShmLock: None,
                xShmBarrier: None,
                xShmUnmap: None,
                xFetch: None,
                xUnfetch: None,
            }
        };
        Self { methods, beneath, gathering: false, held: Vec::new(), at: 0 }
    }

    /// Takes bytes that go to `at`, if they follow what is held and there is room.
    fn take(&mut self, bytes: &[u8], at: i64) -> bool {
        if self.held.is_empty() {
            self.at = at;
        }
        let follows = i64::try_from(self.held.len()).is_ok_and(|held| self.at + held == at);
        let fits = self.held.len() + bytes.len() <= MOST;
        if follows && fits {
            self.held.extend_from_slice(bytes);
        }
        follows && fits
    }
}

/// # Safety
/// `file` is a log whose methods are ours.
unsafe fn log(file: *mut ffi::sqlite3_file) -> *mut Log {
    // SAFETY: such methods are the first field of a `Log`, of which the file has the only pointer.
    unsafe { (*file).pMethods.cast_mut().cast() }
}

/// Calls a method of the file beneath.
macro_rules! beneath {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let file = $file;
        match (*(*log(file)).beneath).$method {
            Some(method) => method(file $(, $argument)*),
            None => ffi::SQLITE_IOERR,
        }
    }};
}

/// Writes what is held.
///
/// # Safety
/// As [`log`].
unsafe fn hand_on(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: by the condition; nobody else has the file meanwhile.
    unsafe {
        if (*log(file)).held.is_empty() {
            return ffi::SQLITE_OK;
        }
        let (held, at) = (std::mem::take(&mut (*log(file)).held), (*log(file)).at);
        let Ok(length) = c_int::try_from(held.len()) else { return ffi::SQLITE_IOERR_WRITE };
        let code = beneath!(file, xWrite, held.as_ptr().cast(), length, at);
        // Its room is used again.
        (*log(file)).held = held;
        (*log(file)).held.clear();
        code
    }
}

/// Hands on what is held, and then does what was asked for.
macro_rules! after_all_held {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        // SAFETY: SQLite calls these methods only with the file that has them, while it is open.
        unsafe {
            match hand_on($file) {
                ffi::SQLITE_OK => beneath!($file, $method $(, $argument)*),
                code => code,
            }
        }
    }};
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, data: *const c_void, amount: c_int, at: i64) -> c_int {
    // SAFETY: SQLite calls this with the file that has it, and bytes of which there are so many; nobody else has the file
    // meanwhile.
    unsafe {
        let (log, length) = (log(file), usize::try_from(amount).unwrap_or_default());
        if !(*log).gathering {
            return beneath!(file, xWrite, data, amount, at);
        }
        let bytes = std::slice::from_raw_parts(data.cast::<u8>(), length);
        let taken = (*log).take(bytes, at) || {
            let code = hand_on(file);
            if code != ffi::SQLITE_OK {
                return code;
            }
            (*log).take(bytes, at)
        };
        if !taken {
            return beneath!(file, xWrite, data, amount, at);
        }
        if length == HEADER && bytes[ENDS] != [0; 4] {
            (*log).gathering = false;
            return hand_on(file);
        }
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, data: *mut c_void, amount: c_int, at: i64) -> c_int {
    after_all_held!(file, xRead, data, amount, at)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    after_all_held!(file, xTruncate, size)
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    after_all_held!(file, xSync, flags)
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    after_all_held!(file, xFileSize, size)
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite calls this once, with the file that has it; it has the only pointer to the box that was made for it.
    unsafe {
        let Log { beneath, .. } = *Box::from_raw(log(file));
        (*file).pMethods = beneath;
        (*beneath).xClose.map_or(ffi::SQLITE_IOERR_CLOSE, |close| close(file))
    }
}
