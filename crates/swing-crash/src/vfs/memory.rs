//! SQLite's memory, which can be made to run out.
#![expect(unsafe_code, reason = "SQLite's allocator is a table of C functions")]

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rusqlite::ffi;

type Malloc = unsafe extern "C" fn(c_int) -> *mut c_void;
type Realloc = unsafe extern "C" fn(*mut c_void, c_int) -> *mut c_void;

static REAL: OnceLock<(Malloc, Realloc)> = OnceLock::new();
static ARMED: AtomicBool = AtomicBool::new(false);
static PERSISTENT: AtomicBool = AtomicBool::new(false);
static AT: AtomicU64 = AtomicU64::new(0);
static SEEN: AtomicU64 = AtomicU64::new(0);
static FAILED: AtomicU64 = AtomicU64::new(0);

/// Lets allocation number `at` (from 1) fail, alone or with all that follow.
pub(crate) fn arm_memory(at: u64, persistent: bool) {
    SEEN.store(0, Ordering::SeqCst);
    FAILED.store(0, Ordering::SeqCst);
    AT.store(at, Ordering::SeqCst);
    PERSISTENT.store(persistent, Ordering::SeqCst);
    ARMED.store(true, Ordering::SeqCst);
}

/// Counts allocations without failing any.
pub(crate) fn count_allocations() {
    arm_memory(u64::MAX, false);
}

/// Lets every allocation succeed again, and answers how many there were and how many of them failed.
pub(crate) fn disarm_memory() -> (u64, u64) {
    ARMED.store(false, Ordering::SeqCst);
    (SEEN.load(Ordering::SeqCst), FAILED.load(Ordering::SeqCst))
}

fn fails() -> bool {
    if !ARMED.load(Ordering::Relaxed) {
        return false;
    }
    let number = SEEN.fetch_add(1, Ordering::Relaxed) + 1;
    let at = AT.load(Ordering::Relaxed);
    let fails = number == at || (number > at && PERSISTENT.load(Ordering::Relaxed));
    if fails {
        FAILED.fetch_add(1, Ordering::Relaxed);
    }
    fails
}

unsafe extern "C" fn malloc(size: c_int) -> *mut c_void {
    match REAL.get() {
        // SAFETY: the real allocator, called as SQLite would.
        Some((real, _)) if !fails() => unsafe { real(size) },
        _ => ptr::null_mut(),
    }
}

unsafe extern "C" fn realloc(block: *mut c_void, size: c_int) -> *mut c_void {
    match REAL.get() {
        // SAFETY: as above.
        Some((_, real)) if !fails() => unsafe { real(block, size) },
        _ => ptr::null_mut(),
    }
}

/// Before SQLite is initialised.
pub(super) fn install() {
    let mut found = MaybeUninit::<ffi::sqlite3_mem_methods>::zeroed();
    // SAFETY: of these two calls SQLite says that they take a pointer to such a table, the first to fill it, the second
    // to copy it. Nothing of SQLite has run yet in this process.
    unsafe {
        assert_eq!(ffi::sqlite3_config(ffi::SQLITE_CONFIG_GETMALLOC, found.as_mut_ptr()), ffi::SQLITE_OK);
        let found = found.assume_init();
        let (Some(malloc_real), Some(realloc_real)) = (found.xMalloc, found.xRealloc) else {
            panic!("SQLite has no allocator");
        };
        REAL.get_or_init(|| (malloc_real, realloc_real));
        let ours = ffi::sqlite3_mem_methods { xMalloc: Some(malloc), xRealloc: Some(realloc), ..found };
        let code = ffi::sqlite3_config(ffi::SQLITE_CONFIG_MALLOC, &raw const ours);
        assert_eq!(code, ffi::SQLITE_OK, "SQLite was used before its memory could be watched");
    }
}
