//! The file system itself: opening and deleting files, and becoming SQLite's default.
#![expect(unsafe_code, reason = "a VFS is a table of C functions over raw pointers")]

use std::ffi::{CStr, c_char, c_int};
use std::path::Path;
use std::ptr;
use std::sync::Arc;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};

use rusqlite::ffi;

use super::control::{Event, Operation, note, on_open, strike};
use super::files::{self, File};
use super::memory;

static REAL: AtomicPtr<ffi::sqlite3_vfs> = AtomicPtr::new(ptr::null_mut());

fn real() -> *mut ffi::sqlite3_vfs {
    REAL.load(Ordering::SeqCst)
}

/// Makes this layer SQLite's default VFS for the rest of the process. Before any connection is opened.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        memory::install();
        // One order of events for one seed. Who wants the scheduler's says so afterwards.
        swing_core::session::checkpoint_in_step(true);
        // SAFETY: the unix VFS lives as long as the process; ours is leaked and does too. SQLite takes both by pointer.
        unsafe {
            let found = ffi::sqlite3_vfs_find(ptr::null());
            assert!(!found.is_null(), "SQLite has no VFS");
            REAL.store(found, Ordering::SeqCst);
            let header = c_int::try_from(size_of::<File>()).expect("a header is small");
            let ours = Box::leak(Box::new(ffi::sqlite3_vfs {
                iVersion: 2,
                szOsFile: header + (*found).szOsFile,
                zName: c"swing-crash".as_ptr(),
                pNext: ptr::null_mut(),
                xOpen: Some(open),
                xDelete: Some(delete),
                xAccess: Some(access),
                xFullPathname: Some(full_pathname),
                xRandomness: Some(randomness),
                xSleep: Some(sleep),
                xCurrentTime: Some(current_time),
                xCurrentTimeInt64: Some(current_time_int64),
                xGetLastError: Some(last_error),
                xDlOpen: None,
                xDlError: None,
                xDlSym: None,
                xDlClose: None,
                xSetSystemCall: None,
                xGetSystemCall: None,
                xNextSystemCall: None,
                ..*found
            }));
            assert_eq!(ffi::sqlite3_vfs_register(ours, 1), ffi::SQLITE_OK, "SQLite refuses the VFS");
            assert_eq!(ffi::sqlite3_auto_extension(Some(opened)), ffi::SQLITE_OK, "SQLite refuses the hook");
        }
    });
}

/// SQLite calls it with every connection that was opened.
unsafe extern "C" fn opened(
    db: *mut ffi::sqlite3,
    _error: *mut *mut c_char,
    _api: *const ffi::sqlite3_api_routines,
) -> c_int {
    on_open(
        // A pragma that cannot be run (on a file that is no database) is the store's to find out.
        // SAFETY: the connection is open, and nobody else has it yet.
        |sql| unsafe {
            ffi::sqlite3_exec(db, sql.as_ptr(), None, ptr::null_mut(), ptr::null_mut());
        },
    );
    ffi::SQLITE_OK
}

/// The name of a file without its directory.
///
/// # Safety
/// `path` is null or a string.
unsafe fn base_name(path: *const c_char) -> Option<Arc<str>> {
    if path.is_null() {
        return None;
    }
    // SAFETY: by the condition above.
    let path = unsafe { CStr::from_ptr(path) }.to_string_lossy();
    Some(Path::new(path.as_ref()).file_name()?.to_string_lossy().into())
}

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    path: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives `file` as much room as `szOsFile` says, which holds our header and the real file; methods
    // that are null tell it that nothing is open.
    unsafe {
        (*file).pMethods = ptr::null();
        if let Some((_, code)) = strike(Operation::Open) {
            return code;
        }
        let behind = files::real(file);
        (*behind).pMethods = ptr::null();
        let name = base_name(path);
        let created = name.is_some() && flags & ffi::SQLITE_OPEN_CREATE != 0 && !exists(path);
        let Some(method) = (*real()).xOpen else { return ffi::SQLITE_CANTOPEN };
        let code = method(real(), path, behind, flags, out_flags);
        if code == ffi::SQLITE_OK {
            if let Some(file) = name.clone().filter(|_| created) {
                note(|| Event::Create { file });
            }
            files::begin(file, name);
        } else if !(*behind).pMethods.is_null()
            && let Some(close) = (*(*behind).pMethods).xClose
        {
            close(behind);
        }
        code
    }
}

/// # Safety
/// `path` is a string.
unsafe fn exists(path: *const c_char) -> bool {
    // SAFETY: by the condition above.
    Path::new(unsafe { CStr::from_ptr(path) }.to_string_lossy().as_ref()).exists()
}

/// Calls a function of the real VFS, which wants to be called with itself.
macro_rules! forward {
    ($function:ident, $otherwise:expr $(, $argument:expr)*) => {
        // SAFETY: the real VFS lives as long as the process, and the arguments are SQLite's own.
        unsafe { (*real()).$function.map_or($otherwise, |function| function(real() $(, $argument)*)) }
    };
}

unsafe extern "C" fn delete(_vfs: *mut ffi::sqlite3_vfs, path: *const c_char, sync: c_int) -> c_int {
    if let Some((_, code)) = strike(Operation::Delete) {
        return code;
    }
    let code = forward!(xDelete, ffi::SQLITE_IOERR_DELETE, path, sync);
    // SAFETY: SQLite passes a string.
    let name = unsafe { base_name(path) };
    if code == ffi::SQLITE_OK
        && let Some(file) = name
    {
        note(|| Event::Delete { file, synced: sync != 0 });
    }
    code
}

unsafe extern "C" fn access(
    _vfs: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    flags: c_int,
    found: *mut c_int,
) -> c_int {
    match strike(Operation::Access) {
        Some((_, code)) => code,
        None => forward!(xAccess, ffi::SQLITE_IOERR_ACCESS, path, flags, found),
    }
}

unsafe extern "C" fn full_pathname(
    _vfs: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    forward!(xFullPathname, ffi::SQLITE_CANTOPEN, path, room, out)
}

unsafe extern "C" fn randomness(_vfs: *mut ffi::sqlite3_vfs, count: c_int, out: *mut c_char) -> c_int {
    forward!(xRandomness, 0, count, out)
}

unsafe extern "C" fn sleep(_vfs: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    forward!(xSleep, 0, microseconds)
}

unsafe extern "C" fn current_time(_vfs: *mut ffi::sqlite3_vfs, now: *mut f64) -> c_int {
    forward!(xCurrentTime, ffi::SQLITE_ERROR, now)
}

unsafe extern "C" fn current_time_int64(_vfs: *mut ffi::sqlite3_vfs, now: *mut ffi::sqlite3_int64) -> c_int {
    forward!(xCurrentTimeInt64, ffi::SQLITE_ERROR, now)
}

unsafe extern "C" fn last_error(_vfs: *mut ffi::sqlite3_vfs, room: c_int, out: *mut c_char) -> c_int {
    forward!(xGetLastError, 0, room, out)
}
