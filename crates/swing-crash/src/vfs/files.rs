//! The methods of an open file: look, maybe fail, forward, write down.
//!
//! An open file of ours is a header with the real one behind it, in the room that SQLite makes for it.
#![expect(unsafe_code, reason = "SQLite's file methods are C functions over raw pointers")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::Arc;

use rusqlite::ffi;

use super::beside::turn;
use super::control::{Event, Fault, Operation, Swallowed, is_mapped, is_powersafe, note, strike, swallow};

/// The header. SQLite zeroes nothing and drops nothing: the name is freed in [`close`].
#[repr(C)]
pub(super) struct File {
    base: ffi::sqlite3_file,
    /// A leaked `Arc<str>` in a box, or null for a file without a name.
    name: *mut Arc<str>,
}

/// The real file behind ours.
///
/// # Safety
/// `file` is one that [`super::register`] has opened: a [`File`] with room for a real one behind it.
pub(super) unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: by the condition above the result is within the same allocation, and aligned as the header is.
    unsafe { file.cast::<File>().add(1).cast() }
}

/// Makes our header, once the real file is open.
///
/// # Safety
/// `file` has room for a [`File`], and the real file behind it is open.
pub(super) unsafe fn begin(file: *mut ffi::sqlite3_file, name: Option<Arc<str>>) {
    let name = name.map_or(std::ptr::null_mut(), |name| Box::into_raw(Box::new(name)));
    // SAFETY: there is room by the condition above; a real file that is open has methods.
    unsafe {
        let version = (*(*real(file)).pMethods).iVersion;
        let methods = if version >= 2 { &raw const METHODS } else { &raw const METHODS_WITHOUT_SHARED };
        file.cast::<File>().write(File { base: ffi::sqlite3_file { pMethods: methods }, name });
    }
}

/// The name of a file that SQLite has open, if it has one.
fn name_of(file: *mut ffi::sqlite3_file) -> Option<Arc<str>> {
    // SAFETY: the header was written by `begin`, and its name lives until `close`.
    unsafe { (*file.cast::<File>()).name.as_ref().cloned() }
}

/// Calls a method of the real file.
macro_rules! forward {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        // SAFETY: SQLite calls methods only of files that are open, and those of the real one are set.
        unsafe {
            let real = real($file);
            match (*(*real).pMethods).$method {
                Some(method) => method(real $(, $argument)*),
                None => ffi::SQLITE_IOERR,
            }
        }
    }};
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let code = forward!(file, xClose);
    // SAFETY: `begin` made the box, and SQLite closes a file once.
    unsafe {
        let header = file.cast::<File>();
        if !(*header).name.is_null() {
            drop(Box::from_raw((*header).name));
            (*header).name = std::ptr::null_mut();
        }
    }
    code
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, buffer: *mut c_void, amount: c_int, at: i64) -> c_int {
    match strike(Operation::Read) {
        Some((Fault::ShortRead | Fault::FalseEnd, code)) => {
            let half = amount / 2;
            let read = forward!(file, xRead, buffer, half, at);
            if read != ffi::SQLITE_OK && read != ffi::SQLITE_IOERR_SHORT_READ {
                return read;
            }
            let (begin, rest) = (usize::try_from(half), usize::try_from(amount - half));
            // What is missing at the end of a file reads as zeros.
            // SAFETY: SQLite's buffer has room for `amount` bytes.
            unsafe { buffer.cast::<u8>().add(begin.unwrap_or_default()).write_bytes(0, rest.unwrap_or_default()) };
            code
        }
        Some((_, code)) => code,
        None => forward!(file, xRead, buffer, amount, at),
    }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, buffer: *const c_void, amount: c_int, at: i64) -> c_int {
    if let Some((_, code)) = strike(Operation::Write) {
        return code;
    }
    let code = forward!(file, xWrite, buffer, amount, at);
    if code == ffi::SQLITE_OK
        && let Some(file) = name_of(file)
    {
        note(|| {
            let length = usize::try_from(amount).unwrap_or_default();
            // SAFETY: SQLite has just had these bytes written.
            let bytes = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), length) };
            Event::Write { file, at: usize::try_from(at).unwrap_or_default(), bytes: bytes.into() }
        });
    }
    turn();
    code
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    if let Some((_, code)) = strike(Operation::Truncate) {
        return code;
    }
    let code = forward!(file, xTruncate, size);
    if code == ffi::SQLITE_OK
        && let Some(file) = name_of(file)
    {
        note(|| Event::Truncate { file, size: usize::try_from(size).unwrap_or_default() });
    }
    code
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    if let Some((_, code)) = strike(Operation::Sync) {
        return code;
    }
    let code = forward!(file, xSync, flags);
    if code == ffi::SQLITE_OK
        && let Some(file) = name_of(file)
    {
        note(|| Event::Sync { file });
    }
    turn();
    code
}

unsafe extern "C" fn size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    strike(Operation::Size).map_or_else(|| forward!(file, xFileSize, size), |(_, code)| code)
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    strike(Operation::Lock).map_or_else(|| forward!(file, xLock, level), |(_, code)| code)
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    forward!(file, xUnlock, level)
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, found: *mut c_int) -> c_int {
    forward!(file, xCheckReservedLock, found)
}

unsafe extern "C" fn file_control(file: *mut ffi::sqlite3_file, op: c_int, argument: *mut c_void) -> c_int {
    if op == ffi::SQLITE_FCNTL_PRAGMA {
        // SAFETY: of this call SQLite says that the argument is an array of an answer, a name and a value, where the
        // value may be null and the answer is to be allocated by its own allocator.
        unsafe {
            let parts = argument.cast::<*mut c_char>();
            let text =
                |part: *mut c_char| (!part.is_null()).then(|| CStr::from_ptr(part).to_string_lossy().to_lowercase());
            let (pragma, value) = (text(*parts.add(1)).unwrap_or_default(), text(*parts.add(2)));
            match swallow(&pragma, value.as_deref()) {
                None => {}
                Some(Swallowed::Silently) => return ffi::SQLITE_OK,
                Some(Swallowed::Answering(answer)) => {
                    *parts = ffi::sqlite3_mprintf(c"%s".as_ptr(), answer.as_ptr());
                    return ffi::SQLITE_OK;
                }
            }
        }
    }
    forward!(file, xFileControl, op, argument)
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    forward!(file, xSectorSize)
}

unsafe extern "C" fn device_characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    let found = forward!(file, xDeviceCharacteristics);
    if is_powersafe() { found } else { found & !ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE }
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    at: *mut *mut c_void,
) -> c_int {
    strike(Operation::MapShared).map_or_else(|| forward!(file, xShmMap, page, size, extend, at), |(_, code)| code)
}

unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    // Giving a lock up cannot fail.
    let taking = flags & ffi::SQLITE_SHM_LOCK != 0;
    match taking.then(|| strike(Operation::LockShared)).flatten() {
        Some((_, code)) => code,
        None => forward!(file, xShmLock, offset, count, flags),
    }
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: as in `forward!`.
    unsafe {
        let real = real(file);
        if let Some(method) = (*(*real).pMethods).xShmBarrier {
            method(real);
        }
    }
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    forward!(file, xShmUnmap, delete)
}

unsafe extern "C" fn fetch(file: *mut ffi::sqlite3_file, at: i64, amount: c_int, page: *mut *mut c_void) -> c_int {
    if !is_mapped() {
        // SAFETY: SQLite passes a place for the answer; null says that the page must be read.
        unsafe { *page = std::ptr::null_mut() };
        return ffi::SQLITE_OK;
    }
    forward!(file, xFetch, at, amount, page)
}

unsafe extern "C" fn unfetch(file: *mut ffi::sqlite3_file, at: i64, page: *mut c_void) -> c_int {
    forward!(file, xUnfetch, at, page)
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 3,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: Some(fetch),
    xUnfetch: Some(unfetch),
};

/// For files whose real methods are of the first version, which have neither shared memory nor mapped pages.
static METHODS_WITHOUT_SHARED: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 1,
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
    ..METHODS
};
