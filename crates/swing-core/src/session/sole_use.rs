//! Whether anybody else has a database file open, also one who is doing nothing just then.
//!
//! Locks do not tell. The original takes none of ours; SQLite's own are not there before its first read, nor without a log, and another
//! copy of SQLite in this process loses them whenever we close a descriptor of the file. Linux knows who has a file open: it grants a
//! lease for writing to nobody beside whom there is another, and lets whoever opens the file afterwards wait until it is given up.
//! Where it grants none (to others than the file's owner, on a network, elsewhere) SQLite's locks have to do, and so they do where they
//! are the process's: to ask for a lease the file is opened and closed by hand, which [would take them away](super::checks).

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use fs_err as fs;
use fs_err::File;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::OpenError;
use super::files::{file_uri, side_file};
use super::own_locks;

/// A file that nobody else has open. Until it is dropped whoever opens it waits.
#[derive(Debug)]
#[must_use = "it is given up when dropped"]
pub struct SoleUse {
    /// With the lease; without one where there are none.
    file: Option<File>,
}

/// How often it is looked again.
const AGAIN: Duration = Duration::from_millis(2);
/// For so long in any case: a program that is being started by another thread has our descriptors for a moment.
const LEAST: Duration = Duration::from_millis(20);

impl SoleUse {
    /// Takes it, as soon as nobody else has the file at `path` open; `None`: somebody still has after `patience`.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be opened.
    pub fn take(path: &Path, patience: Duration) -> io::Result<Option<Self>> {
        let began = Instant::now();
        loop {
            let taken = Self::take_now(path)?;
            if taken.is_some() || began.elapsed() >= patience.max(LEAST) {
                return Ok(taken);
            }
            std::thread::sleep(AGAIN);
        }
    }

    fn take_now(path: &Path) -> io::Result<Option<Self>> {
        Self::take_by(path, Means::to_ask())
    }

    fn take_by(path: &Path, means: Means) -> io::Result<Option<Self>> {
        let (file, answer) = ask(path, means)?;
        match answer {
            lease::Answer::Granted => Ok(Some(Self { file })),
            lease::Answer::Refused => Ok(None),
            lease::Answer::NoLeases => {
                drop(file);
                // What is wrong with a file in which SQLite finds damage is nobody's use of it.
                let used = is_locked(path).unwrap_or(false);
                Ok((!used).then_some(Self { file: None }))
            }
        }
    }

    /// Whether it is more than a look, where there are no leases: whoever opens the file waits.
    #[must_use]
    pub fn keeps_others_out(&self) -> bool {
        self.file.is_some()
    }

    /// Whether somebody is waiting to open it.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.file.as_ref().is_some_and(lease::is_awaited)
    }

    /// After the file has lost its name: makes it one that SQLite refuses to read. Whoever opened it in the moment before waits for
    /// us, and would go on in a file that nobody will ever find, beside the log of the one that has its name now.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn spoil(&self) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(file) = &self.file {
            use std::os::unix::fs::{FileExt as _, MetadataExt as _};
            // Under another name it is still somebody's.
            if file.metadata()?.nlink() == 0 {
                return file.file().write_all_at(&[0; 100], 0);
            }
        }
        Ok(())
    }
}

/// Whether somebody still has the database in file `path` open after `patience`. Nothing is changed.
///
/// # Errors
/// [`OpenError::Io`] when that cannot be found out.
pub fn is_open_elsewhere(path: &Path, patience: Duration) -> Result<bool, OpenError> {
    let taken = SoleUse::take(path, patience);
    Ok(taken.map_err(|source| OpenError::Io { what: "look who has the store open", source })?.is_none())
}

/// Whether somebody is known to have the file open right now. For who would ask SQLite's locks next anyway.
pub(super) fn is_seen_open(path: &Path) -> bool {
    is_seen_open_by(path, Means::to_ask())
}

fn is_seen_open_by(path: &Path, means: Means) -> bool {
    ask(path, means).is_ok_and(|(_, answer)| matches!(answer, lease::Answer::Refused))
}

/// How to find out who has a file open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Leases,
    /// The file is not touched: this process's own locks on it would go.
    LocksAlone,
}

impl Means {
    fn to_ask() -> Self {
        if own_locks::install() { Self::Leases } else { Self::LocksAlone }
    }
}

/// Asks for a lease, on the file that is answered.
fn ask(path: &Path, means: Means) -> io::Result<(Option<File>, lease::Answer)> {
    if means == Means::LocksAlone {
        fs::metadata(path)?;
        return Ok((None, lease::Answer::NoLeases));
    }
    let file = fs::OpenOptions::new().read(true).write(true).open(path)?;
    let answer = lease::take(&file);
    Ok((Some(file), answer))
}

/// Whether SQLite's locks say so: those of whoever has read a database that has a log, or is in a transaction.
fn is_locked(path: &Path) -> rusqlite::Result<bool> {
    own_locks::install();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    // A log that nobody has recovered stays as it is; one that is made here goes.
    let has_log = side_file(path, "-wal").exists();
    let connection = Connection::open_with_flags(file_uri(path), flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log)?;
    connection.busy_timeout(Duration::ZERO)?;
    match connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT") {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(true),
        done => done.map(|()| false),
    }
}

mod lease {
    use fs_err::File;

    /// What became of the wish for one.
    pub(super) enum Answer {
        #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "there are none"))]
        Granted,
        /// Somebody else has the file open.
        #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "there are none"))]
        Refused,
        NoLeases,
    }

    #[cfg(target_os = "linux")]
    pub(super) fn take(file: &File) -> Answer {
        use std::os::fd::AsRawFd as _;
        // In the kernel's headers, and not in all of the crate's.
        const F_SETSIG: libc::c_int = 10;
        let fd = file.as_raw_fd();
        // SAFETY: the descriptor is open. Whoever holds a lease gets a signal when somebody waits: one that does nothing, since the one that
        // is sent otherwise ends the process.
        let taken = unsafe {
            libc::fcntl(fd, F_SETSIG, libc::SIGURG) == 0 && libc::fcntl(fd, libc::F_SETLEASE, libc::F_WRLCK) == 0
        };
        match std::io::Error::last_os_error().raw_os_error() {
            _ if taken => Answer::Granted,
            Some(libc::EAGAIN) if !is_elsewhere(file) => Answer::Refused,
            _ => Answer::NoLeases,
        }
    }

    /// Whether the file is on another machine, whose system refuses leases in the same way for reasons of its own.
    #[cfg(target_os = "linux")]
    fn is_elsewhere(file: &File) -> bool {
        use std::os::fd::AsRawFd as _;
        // NFS, and SMB by its three names, as `statfs` tells them.
        const NETWORK: [u32; 4] = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42];
        let mut found = std::mem::MaybeUninit::<libc::statfs>::uninit();
        // SAFETY: the descriptor is open, and there is room for the answer.
        if unsafe { libc::fstatfs(file.as_raw_fd(), found.as_mut_ptr()) } != 0 {
            return false;
        }
        // SAFETY: the call has filled it in.
        let kind = unsafe { found.assume_init() }.f_type;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the names have 32 bits")]
        NETWORK.contains(&(kind as u32))
    }

    #[cfg(target_os = "linux")]
    pub(super) fn is_awaited(file: &File) -> bool {
        use std::os::fd::AsRawFd as _;
        // SAFETY: the descriptor is open.
        unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETLEASE) != libc::F_WRLCK }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn take(_: &File) -> Answer {
        Answer::NoLeases
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn is_awaited(_: &File) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        Connection::open(&path).unwrap().execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t (a)").unwrap();
        (dir, path)
    }

    #[test]
    fn locks_tell_of_whoever_has_read_a_database_with_a_log() {
        let (_dir, path) = database();
        assert!(!is_locked(&path).unwrap());
        let idle = Connection::open(&path).unwrap();
        idle.execute_batch("SELECT * FROM t").unwrap();
        assert!(is_locked(&path).unwrap());
        drop(idle);
        assert!(!is_locked(&path).unwrap());
        fs::write(&path, "no database").unwrap();
        assert!(is_locked(&path).is_err());
    }

    /// POSIX locks are the process's, and go when it closes any descriptor of the file.
    #[cfg(target_os = "linux")]
    #[test]
    fn with_locks_alone_the_file_is_not_opened_and_closed_by_hand() {
        use std::os::fd::AsRawFd as _;
        let (_dir, path) = database();
        let open = || fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let (holder, other) = (open(), open());
        // Beyond the bytes that SQLite locks.
        let lock = || libc::flock {
            l_type: libc::F_WRLCK as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: 0x5000_0000,
            l_len: 1,
            l_pid: 0,
        };
        let mut taken = lock();
        // SAFETY: the file is open and the lock is ours.
        assert_eq!(unsafe { libc::fcntl(holder.as_raw_fd(), libc::F_SETLK, &raw mut taken) }, 0);
        let is_held = || {
            let mut lock = lock();
            // SAFETY: as above. Locks of a description conflict with those of any process.
            assert_eq!(unsafe { libc::fcntl(other.as_raw_fd(), libc::F_OFD_GETLK, &raw mut lock) }, 0);
            lock.l_type != libc::F_UNLCK as libc::c_short
        };
        assert!(!is_seen_open_by(&path, Means::LocksAlone));
        assert!(ask(&path, Means::LocksAlone).unwrap().0.is_none());
        assert!(is_held());
        assert!(ask(&path.with_extension("none"), Means::LocksAlone).is_err());
        let _ = is_seen_open_by(&path, Means::Leases);
        assert!(!is_held(), "what asking for a lease does");
    }

    #[test]
    fn with_locks_alone_it_is_a_look() {
        let (_dir, path) = database();
        let sole = SoleUse::take_by(&path, Means::LocksAlone).unwrap().unwrap();
        assert!(!sole.keeps_others_out() && !sole.is_awaited());
        let idle = Connection::open(&path).unwrap();
        idle.execute_batch("SELECT * FROM t").unwrap();
        assert!(SoleUse::take_by(&path, Means::LocksAlone).unwrap().is_none());
    }

    /// It may be another user's, who could not go on beside ours.
    #[test]
    fn a_look_by_locks_leaves_no_log_that_was_not_there() {
        let (_dir, path) = database();
        let log = side_file(&path, "-wal");
        assert!(!log.exists());
        assert!(SoleUse::take_by(&path, Means::LocksAlone).unwrap().is_some());
        assert!(!log.exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn whoever_opens_a_file_of_sole_use_waits_and_is_seen() {
        let (_dir, path) = database();
        let sole = SoleUse::take(&path, Duration::ZERO).unwrap().unwrap();
        if !sole.keeps_others_out() {
            // This system grants no leases.
            return;
        }
        assert!(!sole.is_awaited());
        let late = std::thread::spawn({
            let path = path.clone();
            move || fs::read(path).unwrap()
        });
        while !sole.is_awaited() {
            std::thread::yield_now();
        }
        // It still has a name.
        sole.spoil().unwrap();
        drop(sole);
        assert!(late.join().unwrap().starts_with(b"SQLite format 3"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_has_no_name_any_more_is_none_that_can_be_read() {
        let (_dir, path) = database();
        let sole = SoleUse::take(&path, Duration::ZERO).unwrap().unwrap();
        if !sole.keeps_others_out() {
            // This system grants no leases.
            return;
        }
        let late = std::thread::spawn({
            let path = path.clone();
            move || fs::read(path).unwrap()
        });
        while !sole.is_awaited() {
            std::thread::yield_now();
        }
        fs::remove_file(&path).unwrap();
        sole.spoil().unwrap();
        drop(sole);
        assert_eq!(late.join().unwrap()[..16], [0; 16]);
    }
}
