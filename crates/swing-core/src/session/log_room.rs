//! Room for what comes next in the log: zeros behind its end.
//!
//! A flush of a file that has grown waits for the disk once more, for the file's length and where its new pages are. SQLite's
//! log grows with each commit of a session, until it is long enough to be copied and begins anew; from then on what is there is
//! written over. So that the first thousand pages are written over, too, the thread that copies the log puts zeros behind its end,
//! some at a time.
//!
//! To SQLite zeros are the end of the log, as is whatever an earlier and longer log has left there: no frame is of page number 0.
//! They are *appended* (`O_APPEND`): the system finds the file's end and writes there in one step, which no other write comes
//! between. So they are never written over a commit's pages, not even over a stranger's, if a store was moved and another one's log
//! lies in that place.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use fs_err::{File, OpenOptions};

use super::files::side_file;

/// So much is written and flushed at once. A commit's own flush waits as long as that takes, if it comes meanwhile.
const PIECE: usize = 512 << 10;
/// A log shorter than this part of the pages that are worth being copied is left as it is: many sessions end before it is longer.
const SHORT: u32 = 16;
/// There is room for as many pages as are worth being copied, and for this part of them more, or behind a log that is longer.
const AHEAD: u32 = 4;
/// A disk with less room than this keeps it for what must be written: zeros took what a checkpoint would have needed.
const SPARE: u64 = 64 << 20;
/// What is in front of a log's first page, and in front of each.
const HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// How long the file of a log should be that has `frames` pages of `page` bytes, and is copied when it has `pages`; `None` if it does
/// not matter.
pub(super) fn wanted(frames: u32, pages: u32, page: u32) -> Option<u64> {
    if cfg!(not(target_os = "linux")) || frames < pages / SHORT {
        return None;
    }
    let room = u64::from(frames.max(pages)) + u64::from(pages / AHEAD);
    Some(HEADER + room * (FRAME_HEADER + u64::from(page)))
}

/// What is known of how long a log's file is, to the writer and to the thread that makes it longer.
///
/// Nobody asks the system after each commit. It notes the time of a write to the nanosecond when somebody has looked at the file's
/// status since the last one, and to some milliseconds if not (Linux from 6.13 on); and where there is no journal to note it in, the
/// flush writes the inode whenever that time is another one, and waits once more.
#[derive(Debug, Default)]
pub(super) struct Room(AtomicU64);

impl Room {
    /// As many bytes, at least, as when it was looked at last; all there are when there is no more to be had.
    pub(super) fn is_known_for(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// The file may have become shorter.
    pub(super) fn forget(&self) {
        // Once the disk has none it is not tried again: what is left of it is for what must be written.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |known| (known < u64::MAX).then_some(0));
    }

    /// Makes the log of the database at `path` one piece longer, if it is not so long yet. A whole piece, so that not every commit asks
    /// for the next few pages.
    pub(super) fn make(&self, path: &Path, wanted: u64) {
        self.make_beside(path, wanted, SPARE);
    }

    /// The same, if the disk has at least `spare` bytes of room.
    fn make_beside(&self, path: &Path, wanted: u64, spare: u64) {
        if self.is_known_for() < wanted {
            self.0.store(lengthened(path, wanted, spare).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

/// Says how long the file is then.
///
/// # Errors
/// When it is not there, or the disk has no room, or none to spare, or fails. What is in the log is as it was; of a disk that failed to
/// flush, the next commit hears, too.
fn lengthened(path: &Path, wanted: u64, spare: u64) -> std::io::Result<u64> {
    let mut log = OpenOptions::new().append(true).open(side_file(path, "-wal"))?;
    // Not by its status, as above.
    let length = log.seek(SeekFrom::End(0))?;
    if length >= wanted {
        return Ok(length);
    }
    if room_on_disk(&log)? < spare {
        return Err(std::io::ErrorKind::StorageFull.into());
    }
    log.write_all(&vec![0; PIECE])?;
    log.file().sync_data()?;
    Ok(length + PIECE as u64)
}

/// Of the disk on which `log` is, in bytes.
#[cfg(target_os = "linux")]
fn room_on_disk(log: &File) -> std::io::Result<u64> {
    use std::os::fd::AsRawFd as _;
    let mut found = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the descriptor is open, and there is room for the answer.
    if unsafe { libc::fstatvfs(log.as_raw_fd(), found.as_mut_ptr()) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: the call has filled it in.
    let found = unsafe { found.assume_init() };
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(target_os = "linux"))]
fn room_on_disk(_: &File) -> std::io::Result<u64> {
    Ok(u64::MAX)
}

#[cfg(test)]
mod tests {
    use fs_err as fs;

    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn so_much_is_wanted() {
        let frame = 4096 + 24;
        let of = |frames| wanted(frames, 1000, 4096);
        assert_eq!(of(61), None);
        assert_eq!(of(62), Some(32 + 1250 * frame));
        assert_eq!(of(1000), of(62));
        assert_eq!(of(1001), Some(32 + 1251 * frame));
        assert_eq!(wanted(u32::MAX, u32::MAX, 65536), Some(32 + (u64::from(u32::MAX) + (1 << 30) - 1) * (65536 + 24)));
    }

    #[test]
    fn it_grows_by_pieces_until_it_is_so_long_and_what_is_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("db");
        assert_eq!(lengthened(&database, 10, 0).unwrap_err().kind(), std::io::ErrorKind::NotFound);
        assert!(!dir.path().join("db-wal").exists());
        let log = dir.path().join("db-wal");
        fs::write(&log, "log").unwrap();
        for length in [PIECE + 3, 2 * PIECE + 3, 2 * PIECE + 3] {
            assert_eq!(lengthened(&database, 2 * PIECE as u64, 0).unwrap(), length as u64);
            let found = fs::read(&log).unwrap();
            assert_eq!((found.len(), &found[..3]), (length, &b"log"[..]));
            assert!(found[3..].iter().all(|&byte| byte == 0));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn none_is_made_where_there_is_none_to_spare() {
        let dir = tempfile::tempdir().unwrap();
        let (database, log) = (dir.path().join("db"), dir.path().join("db-wal"));
        fs::write(&log, "log").unwrap();
        let there_is = room_on_disk(&File::open(&log).unwrap()).unwrap();
        assert!(there_is > 0 && there_is < u64::MAX, "{there_is}");
        assert_eq!(lengthened(&database, 10, u64::MAX).unwrap_err().kind(), std::io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&log).unwrap(), b"log");
        let room = Room::default();
        room.make_beside(&database, 10, u64::MAX);
        room.forget();
        assert_eq!(room.is_known_for(), u64::MAX, "nobody asks again");
        room.make_beside(&database, 10, 0);
        assert_eq!(fs::read(&log).unwrap(), b"log");
    }

    #[test]
    fn what_is_known_is_not_looked_at_again_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let (database, log) = (dir.path().join("db"), dir.path().join("db-wal"));
        fs::write(&log, "log").unwrap();
        let room = Room::default();
        let make = |is_forgotten: bool| {
            if is_forgotten {
                room.forget();
            }
            room.make_beside(&database, PIECE as u64, 0);
            (room.is_known_for(), fs::read(&log).unwrap().len())
        };
        let longer = (PIECE as u64 + 3, PIECE + 3);
        assert_eq!(make(false), longer);
        assert_eq!(make(true), longer);
        fs::write(&log, "log").unwrap();
        assert_eq!(make(false), (longer.0, 3));
        assert_eq!(make(true), longer);
    }
}
