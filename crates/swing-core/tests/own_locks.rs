//! In a process of its own, where nothing but opening a session can have exchanged SQLite's locks.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use std::os::unix::fs::MetadataExt as _;

use swing_core::session::{Location, OpenOptions, Session, store_file};

#[test]
fn an_open_session_holds_locks_of_its_file_description() {
    let dir = tempfile::tempdir().unwrap();
    let path = store_file(dir.path());
    let _session = Session::open(Location::File(path.clone()), &OpenOptions::default(), &[]).unwrap();
    let inode = fs_err::metadata(&path).unwrap().ino();
    let locks = fs_err::read_to_string("/proc/locks").unwrap();
    let mut own = locks.lines().filter(|line| line.contains(&format!(":{inode} "))).peekable();
    assert!(own.peek().is_some(), "{locks}");
    assert!(own.all(|line| line.contains("OFDLCK")), "{locks}");
}
