//! SQLite's own files of a connection.

use std::ffi::{c_int, c_void};
use std::ptr;

use rusqlite::{Connection, ffi};

/// The connection's database file.
pub(super) fn database_file(connection: &Connection) -> Option<*mut ffi::sqlite3_file> {
    open_file(connection, ffi::SQLITE_FCNTL_FILE_POINTER)
}

/// The file of its log, or of its journal.
pub(super) fn log_file(connection: &Connection) -> Option<*mut ffi::sqlite3_file> {
    open_file(connection, ffi::SQLITE_FCNTL_JOURNAL_POINTER)
}

/// The file that `which` asks for, if it is open: then it has methods. It stays where it is until it is closed.
fn open_file(connection: &Connection, which: c_int) -> Option<*mut ffi::sqlite3_file> {
    let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
    // SAFETY: the handle is that of an open connection, which nobody uses meanwhile, and SQLite writes one pointer to a file, or
    // none if it cannot.
    let methods = unsafe {
        ffi::sqlite3_file_control(connection.handle(), c"main".as_ptr(), which, (&raw mut file).cast::<c_void>());
        file.as_ref()?.pMethods
    };
    (!methods.is_null()).then_some(file)
}
