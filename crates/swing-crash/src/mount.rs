//! A small file system of one's own, to be filled or made read-only.
#![expect(unsafe_code, reason = "mounting is a system call")]

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use fs_err as fs;
use swing_store::{Options, Store};

use crate::datasets::export_digest;
use crate::kill::{Scenario, Staged, copy_dir};
use crate::stage::scratch;

/// A file system of 4 MiB, gone when dropped.
pub(crate) struct Mount {
    path: PathBuf,
}

impl Mount {
    pub(crate) fn new(path: &Path) -> Result<Self> {
        fs::create_dir_all(path)?;
        let target = CString::new(path.as_os_str().as_bytes())?;
        // SAFETY: every pointer is a string that lives during the call.
        let code = unsafe {
            libc::mount(c"tmpfs".as_ptr(), target.as_ptr(), c"tmpfs".as_ptr(), 0, c"size=4m".as_ptr().cast())
        };
        if code != 0 {
            return Err(std::io::Error::last_os_error()).context("cannot mount a small file system");
        }
        Ok(Self { path: path.to_owned() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets nothing be changed any more.
    fn make_read_only(&self) -> Result<()> {
        let target = CString::new(self.path.as_os_str().as_bytes())?;
        let flags = libc::MS_REMOUNT | libc::MS_RDONLY;
        // SAFETY: as in `new`.
        let code =
            unsafe { libc::mount(c"tmpfs".as_ptr(), target.as_ptr(), c"tmpfs".as_ptr(), flags, std::ptr::null()) };
        if code == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()).context("cannot make it read-only") }
    }

    /// How much room there is.
    fn room(&self) -> Result<u64> {
        let target = CString::new(self.path.as_os_str().as_bytes())?;
        // SAFETY: zeros are a value of this plain struct, which the call fills.
        let (code, found) = unsafe {
            let mut found: libc::statvfs = std::mem::zeroed();
            (libc::statvfs(target.as_ptr(), &raw mut found), found)
        };
        if code != 0 {
            return Err(std::io::Error::last_os_error()).context("cannot ask for the room");
        }
        Ok(found.f_bavail * found.f_frsize)
    }

    /// Leaves so much room and no more.
    pub(crate) fn fill(&self, leave: u64) -> Result<()> {
        let ballast = self.room()?.checked_sub(leave).context("there is not that much room")?;
        fs::write(self.ballast(), vec![1; usize::try_from(ballast)?])?;
        Ok(())
    }

    pub(crate) fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if let Ok(target) = CString::new(self.path.as_os_str().as_bytes()) {
            // SAFETY: the string lives during the call. A failure leaves a mount that goes with the machine.
            unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) };
        }
    }
}

/// Whether a small file system can be mounted; if not, whether it can in a namespace of one's own, in which this program
/// is then run again.
pub(crate) enum Ability {
    Here,
    /// It has been run there, and this is what it said.
    Elsewhere(bool),
    None(String),
}

pub(crate) fn ability(in_namespace: bool) -> Result<Ability> {
    let place = scratch()?;
    let error = match Mount::new(&place.path().join("try")) {
        Ok(_) => return Ok(Ability::Here),
        Err(error) => error,
    };
    let can_unshare = || {
        let tried = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    if in_namespace || !can_unshare() {
        return Ok(Ability::None(format!("{error:#}")));
    }
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount"]).arg(std::env::current_exe()?);
    let status = command.args(std::env::args_os().skip(1)).arg("--in-namespace").status()?;
    Ok(Ability::Elsewhere(status.success()))
}

/// Opens a closed store, and one whose writer was killed, where nothing can be written.
pub(crate) fn read_only_stores(seed: u64) -> Result<()> {
    for scenario in [Scenario::Closed, Scenario::Killed] {
        let place = scratch()?;
        let staged = Staged::new(scenario, seed, place.path())?;
        staged.reset()?;
        let mount = Mount::new(&place.path().join("small"))?;
        let dir = mount.path().join("store");
        copy_dir(&staged.work.join("store"), &dir)?;
        mount.make_read_only()?;
        let read_only = Options { read_only: true, ..Options::default() };
        let opened = Store::open(&dir, read_only).map(drop);
        let exported = export_digest(&dir);
        if scenario == Scenario::Closed {
            opened.context("a closed store on a read-only disk")?;
            let (height, digest) = exported.context("exporting a closed store from a read-only disk")?;
            let (same_height, same) = export_digest(&staged.work.join("store"))?;
            ensure!((height, digest) == (same_height, same), "an export from a read-only disk is another one");
        } else {
            // What is in its log can be read only where an index of it can be made.
            let said = |error: anyhow::Error| format!("{error:#}");
            let refused = opened.map_err(anyhow::Error::from).map_err(said).err();
            let refusals = [refused, exported.err().map(said)];
            let clear = |said: &Option<String>| said.as_ref().is_some_and(|said| said.contains("open it once where"));
            ensure!(refusals.iter().all(clear), "a killed store on a read-only disk: {refusals:?}");
        }
        ensure!(Store::open(&dir, Options::default()).is_err(), "a store on a read-only disk opens for writing");
    }
    Ok(())
}
