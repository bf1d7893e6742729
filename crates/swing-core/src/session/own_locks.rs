//! File locks that another copy of SQLite in this process cannot take away.
//!
//! SQLite locks with POSIX record locks, and those belong to the process: a second copy of SQLite in it (that of better-sqlite3 in
//! a Node.js kernel, say) does not see ours at all, believes itself alone when it opens or closes the same file, and
//! cuts the shared memory or deletes the log under us; and when it closes any descriptor of the file, ours are gone. A commit
//! that was acknowledged after that is seen by nobody. Linux has another kind, locks that belong to an open file description. They
//! conflict with POSIX locks in any process, this one included, and go with their own description only.
//!
//! SQLite counts on its locks being the process's: what one connection has locked, another may unlock. So there is one
//! description for each file, opened here and used for nothing else, and all connections' locks are taken on it. It is closed with
//! the last descriptor of SQLite's that had locked the file.
//!
//! Where there are no such locks, and on machines whose calling convention was not looked at, SQLite's own are used.

/// Makes SQLite use these locks from now on, in the whole process, and says whether it does. Called before the first file is opened.
pub(super) fn install() -> bool {
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    let installed = linux::install();
    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let installed = false;
    installed
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux {
    use std::collections::{HashMap, HashSet};
    use std::ffi::{CString, c_int};
    use std::mem::{self, MaybeUninit};
    use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
    use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

    use rusqlite::ffi;

    /// Device and inode.
    type FileId = (libc::dev_t, libc::ino_t);

    /// A file with locks, or that had some.
    struct Locked {
        /// Where its locks are taken.
        own: OwnedFd,
        /// SQLite's descriptors of it.
        users: HashSet<RawFd>,
    }

    #[derive(Default)]
    struct Locks {
        files: HashMap<FileId, Locked>,
        /// Which file each of SQLite's descriptors is of. Those that could not be opened a second time are not here.
        known: HashMap<RawFd, FileId>,
    }

    type Lock = unsafe extern "C" fn(c_int, c_int, *mut libc::flock) -> c_int;
    type Shut = unsafe extern "C" fn(c_int) -> c_int;
    /// What SQLite stores of either.
    type Call = unsafe extern "C" fn();

    static LOCKS: Mutex<Option<Locks>> = Mutex::new(None);

    fn locks() -> MutexGuard<'static, Option<Locks>> {
        LOCKS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn install() -> bool {
        static INSTALLED: OnceLock<bool> = OnceLock::new();
        *INSTALLED.get_or_init(|| {
            // SAFETY: the unix VFS lives for ever, and its system calls can be exchanged by name. SQLite calls `fcntl` through a variadic pointer, with a descriptor, a command and at most one more argument:
            // on these two machines a function of three arguments is called in the same way.
            unsafe {
                let vfs = ffi::sqlite3_vfs_find(c"unix".as_ptr());
                if vfs.is_null() {
                    return false;
                }
                let Some(set) = (*vfs).xSetSystemCall else { return false };
                let locks = set(vfs, c"fcntl".as_ptr(), Some(mem::transmute::<Lock, Call>(fcntl)));
                let closes = set(vfs, c"close".as_ptr(), Some(mem::transmute::<Shut, Call>(close)));
                (locks, closes) == (ffi::SQLITE_OK, ffi::SQLITE_OK)
            }
        })
    }

    unsafe extern "C" fn fcntl(fd: c_int, command: c_int, argument: *mut libc::flock) -> c_int {
        let own_command = match command {
            libc::F_SETLK => libc::F_OFD_SETLK,
            libc::F_SETLKW => libc::F_OFD_SETLKW,
            libc::F_GETLK => libc::F_OFD_GETLK,
            // SAFETY: SQLite's call, as it is.
            _ => return unsafe { libc::fcntl(fd, command, argument) },
        };
        let mut guard = locks();
        let on = guard.get_or_insert_default().place(fd).unwrap_or(fd);
        // SAFETY: for these commands SQLite passes a lock that it owns.
        let mut lock = unsafe { *argument };
        // The kernel insists.
        lock.l_pid = 0;
        // SAFETY: `on` is open: it is SQLite's descriptor or our own of the same file, and the guard keeps it from being closed.
        let answer = unsafe { libc::fcntl(on, own_command, &raw mut lock) };
        if answer == 0 && command == libc::F_GETLK {
            // SAFETY: as above; this is where the answer is looked for.
            unsafe { *argument = lock };
        }
        // What SQLite reads next is errno: nothing that letting go of the guard does may change it.
        // SAFETY: errno is the thread's own.
        let errno = unsafe { *libc::__errno_location() };
        drop(guard);
        // SAFETY: as above.
        unsafe { *libc::__errno_location() = errno };
        answer
    }

    unsafe extern "C" fn close(fd: c_int) -> c_int {
        let mut guard = locks();
        // SAFETY: SQLite is done with the descriptor.
        let answer = unsafe { libc::close(fd) };
        // SAFETY: errno is the thread's own.
        let errno = unsafe { *libc::__errno_location() };
        if let Some(locks) = &mut *guard {
            locks.gone(fd);
        }
        drop(guard);
        // SAFETY: as above.
        unsafe { *libc::__errno_location() = errno };
        answer
    }

    impl Locks {
        /// The descriptor on which to take locks for `fd`; `None` if the file cannot be opened a second time, and then
        /// the locks are taken on `fd` itself, which is as good for a file with one connection.
        fn place(&mut self, fd: RawFd) -> Option<RawFd> {
            if let Some(file) = self.known.get(&fd).and_then(|id| self.files.get(id)) {
                return Some(file.own.as_raw_fd());
            }
            let id = identity(fd)?;
            let locked = match self.files.entry(id) {
                std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::hash_map::Entry::Vacant(entry) => {
                    entry.insert(Locked { own: open_again(fd)?, users: HashSet::new() })
                }
            };
            locked.users.insert(fd);
            self.known.insert(fd, id);
            Some(locked.own.as_raw_fd())
        }

        /// SQLite has closed `fd`.
        fn gone(&mut self, fd: RawFd) {
            let Some(id) = self.known.remove(&fd) else { return };
            if let Some(file) = self.files.get_mut(&id) {
                file.users.remove(&fd);
                if file.users.is_empty() {
                    self.files.remove(&id);
                }
            }
        }
    }

    fn identity(fd: RawFd) -> Option<FileId> {
        let mut found = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: `found` has room for the answer.
        if unsafe { libc::fstat(fd, found.as_mut_ptr()) } != 0 {
            return None;
        }
        // SAFETY: the call has filled it in.
        let found = unsafe { found.assume_init() };
        Some((found.st_dev, found.st_ino))
    }

    /// Another open file description of the same file, even if it has been renamed or unlinked meanwhile.
    fn open_again(fd: RawFd) -> Option<OwnedFd> {
        let path = CString::new(format!("/proc/self/fd/{fd}")).ok()?;
        [libc::O_RDWR, libc::O_RDONLY].into_iter().find_map(|mode| {
            // SAFETY: the path ends with NUL.
            let own = unsafe { libc::open(path.as_ptr(), mode | libc::O_CLOEXEC) };
            // SAFETY: it was opened just now and nobody else knows of it.
            (own >= 0).then(|| unsafe { OwnedFd::from_raw_fd(own) })
        })
    }

    #[cfg(test)]
    mod tests {
        use rusqlite::Connection;

        use super::*;

        /// How the kernel would answer another copy of SQLite in this process: would this lock be granted to it?
        fn would_grant(file: &fs_err::File, kind: c_int, start: i64, length: i64) -> bool {
            let mut lock = libc::flock {
                l_type: kind as libc::c_short,
                l_whence: libc::SEEK_SET as libc::c_short,
                l_start: start,
                l_len: length,
                l_pid: 0,
            };
            // SAFETY: the file is open and the lock is ours.
            let asked = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETLK, &raw mut lock) };
            assert_eq!(asked, 0);
            lock.l_type == libc::F_UNLCK as libc::c_short
        }

        const SHARED_FIRST: i64 = 0x4000_0000 + 2;
        const SHARED_SIZE: i64 = 510;
        const SHM_DMS: i64 = 128;

        fn open(path: &std::path::Path) -> Connection {
            install();
            let connection = Connection::open(path).unwrap();
            connection.pragma_update(None, "journal_mode", "wal").unwrap();
            connection.execute_batch("CREATE TABLE IF NOT EXISTS t (a); INSERT INTO t VALUES (1)").unwrap();
            connection
        }

        fn raw(path: &std::path::Path) -> fs_err::File {
            fs_err::OpenOptions::new().read(true).write(true).open(path).unwrap()
        }

        #[test]
        fn this_process_is_refused_what_another_process_would_be() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("db");
            let _connection = open(&path);
            assert!(!would_grant(&raw(&path), libc::F_WRLCK, SHARED_FIRST, SHARED_SIZE));
            assert!(!would_grant(&raw(&dir.path().join("db-shm")), libc::F_WRLCK, SHM_DMS, 1));
        }

        #[test]
        fn closing_a_strangers_descriptor_takes_no_lock_away() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("db");
            let _connection = open(&path);
            drop(raw(&path));
            drop(raw(&dir.path().join("db-shm")));
            assert!(!would_grant(&raw(&path), libc::F_WRLCK, SHARED_FIRST, SHARED_SIZE));
            assert!(!would_grant(&raw(&dir.path().join("db-shm")), libc::F_WRLCK, SHM_DMS, 1));
        }

        #[test]
        fn the_last_of_several_connections_to_close_cleans_up() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("db");
            let (first, second) = (open(&path), open(&path));
            // The one whose descriptor took the lock goes first.
            drop(first);
            assert!(path.with_file_name("db-wal").exists());
            drop(second);
            assert!(!path.with_file_name("db-wal").exists());
            assert!(would_grant(&raw(&path), libc::F_WRLCK, SHARED_FIRST, SHARED_SIZE));
        }

        #[test]
        fn nothing_is_kept_of_files_that_are_closed() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("db");
            let connection = open(&path);
            let id = identity(raw(&path).as_raw_fd()).unwrap();
            assert!(locks().as_ref().unwrap().files.contains_key(&id));
            drop(connection);
            assert!(!locks().as_ref().unwrap().files.contains_key(&id));
        }
    }
}
