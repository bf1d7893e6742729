//! System calls that change files, with the paths they are about.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use fs_err as fs;

/// Before the kernel does it, or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Before,
    After,
}

/// A call that changes files, or says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    /// Opens a file that is not there yet.
    Create(PathBuf),
    Write(PathBuf),
    /// Puts zeros behind a log's end, which nobody misses.
    Lengthen(PathBuf),
    /// Writes the beginning of a file.
    Begin(PathBuf),
    Truncate(PathBuf),
    Flush(PathBuf),
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Unlink(PathBuf),
    MakeDir(PathBuf),
    /// Writes to the pipe to whoever started it.
    Say(String),
}

impl Call {
    pub(crate) fn verb(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Write(_) => "write",
            Self::Lengthen(_) => "lengthen",
            Self::Begin(_) => "begin",
            Self::Truncate(_) => "truncate",
            Self::Flush(_) => "flush",
            Self::Rename { .. } => "rename",
            Self::Unlink(_) => "unlink",
            Self::MakeDir(_) => "mkdir",
            Self::Say(_) => "say",
        }
    }

    /// The kind of file it is about: the same for the many files of an archive, and for every height.
    pub(crate) fn kind(&self) -> String {
        let (Self::Create(path)
        | Self::Write(path)
        | Self::Lengthen(path)
        | Self::Begin(path)
        | Self::Truncate(path)
        | Self::Flush(path)
        | Self::Unlink(path)
        | Self::MakeDir(path)
        | Self::Rename { to: path, .. }) = self
        else {
            let Self::Say(text) = self else { unreachable!("every other call has a path") };
            return text.split_whitespace().next().unwrap_or_default().to_owned();
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".gz") || name.ends_with(".gz.tmp") {
            let kind = name.split('.').next().unwrap_or_default();
            let end = if name.ends_with(".tmp") { "gz.tmp" } else { "gz" };
            return format!("{kind}.*.{end}");
        }
        name
    }
}

/// The traced process as the kernel shows it.
pub(super) struct Memory {
    pid: i32,
}

impl Memory {
    pub(super) fn of(pid: i32) -> Self {
        Self { pid }
    }

    fn bytes(&self, at: u64, most: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let Ok(mut memory) = fs::File::open(format!("/proc/{}/mem", self.pid)) else { return bytes };
        if memory.seek(SeekFrom::Start(at)).is_ok() {
            // Up to the end of what is mapped.
            let _ = memory.take(most as u64).read_to_end(&mut bytes);
        }
        bytes
    }

    fn are_zeros(&self, at: u64, length: u64) -> bool {
        let length = usize::try_from(length).unwrap_or_default();
        let bytes = self.bytes(at, length);
        bytes.len() == length && bytes.iter().all(|&byte| byte == 0)
    }

    fn text(&self, at: u64) -> PathBuf {
        let bytes = self.bytes(at, 4096);
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        PathBuf::from(String::from_utf8_lossy(&bytes[..end]).into_owned())
    }

    fn descriptor(&self, number: u64) -> PathBuf {
        fs::read_link(format!("/proc/{}/fd/{number}", self.pid)).unwrap_or_default()
    }

    /// A path relative to a directory that is open as `dir`, or to where the process is.
    fn path(&self, dir: u64, at: u64) -> PathBuf {
        let path = self.text(at);
        if path.is_absolute() {
            return path;
        }
        // AT_FDCWD is -100, as an int.
        let here = u32::try_from(dir & 0xffff_ffff).unwrap_or_default().cast_signed() == libc::AT_FDCWD;
        let base = if here {
            fs::read_link(format!("/proc/{}/cwd", self.pid)).unwrap_or_default()
        } else {
            self.descriptor(dir)
        };
        base.join(path)
    }

    /// What a system call, about to be made, is to do.
    pub(super) fn decode(&self, number: u64, args: [u64; 6]) -> Option<Call> {
        let number = i64::try_from(number).ok()?;
        let create = |path: PathBuf, flags: u64| {
            let create = flags & u64::from(libc::O_CREAT.unsigned_abs()) != 0;
            (create && fs::symlink_metadata(&path).is_err()).then_some(Call::Create(path))
        };
        let cwd = u64::from(libc::AT_FDCWD.cast_unsigned());
        #[cfg(target_arch = "x86_64")]
        match number {
            libc::SYS_open => return create(self.path(cwd, args[0]), args[1]),
            libc::SYS_rename => {
                return Some(Call::Rename { from: self.path(cwd, args[0]), to: self.path(cwd, args[1]) });
            }
            libc::SYS_unlink => return Some(Call::Unlink(self.path(cwd, args[0]))),
            libc::SYS_mkdir => return Some(Call::MakeDir(self.path(cwd, args[0]))),
            _ => {}
        }
        let _ = cwd;
        match number {
            libc::SYS_openat => create(self.path(args[0], args[1]), args[2]),
            libc::SYS_write if args[0] == 1 => {
                let length = usize::try_from(args[2]).unwrap_or_default().min(200);
                Some(Call::Say(String::from_utf8_lossy(&self.bytes(args[1], length)).trim().to_owned()))
            }
            libc::SYS_pwrite64 | libc::SYS_pwritev if args[3] == 0 => {
                let path = self.descriptor(args[0]);
                is_file(&path).then_some(Call::Begin(path))
            }
            // SQLite says where it writes: this is the room that the store makes in a log.
            libc::SYS_write if is_log(&self.descriptor(args[0])) && self.are_zeros(args[1], args[2]) => {
                Some(Call::Lengthen(self.descriptor(args[0])))
            }
            libc::SYS_write | libc::SYS_pwrite64 | libc::SYS_writev | libc::SYS_pwritev => {
                let path = self.descriptor(args[0]);
                is_file(&path).then_some(Call::Write(path))
            }
            libc::SYS_ftruncate | libc::SYS_fallocate => Some(Call::Truncate(self.descriptor(args[0]))),
            libc::SYS_fsync | libc::SYS_fdatasync => Some(Call::Flush(self.descriptor(args[0]))),
            libc::SYS_renameat | libc::SYS_renameat2 => {
                Some(Call::Rename { from: self.path(args[0], args[1]), to: self.path(args[2], args[3]) })
            }
            // A hard link gives a name as a creation does.
            libc::SYS_linkat => Some(Call::Create(self.path(args[2], args[3]))),
            libc::SYS_unlinkat => Some(Call::Unlink(self.path(args[0], args[1]))),
            libc::SYS_mkdirat => Some(Call::MakeDir(self.path(args[0], args[1]))),
            _ => None,
        }
    }
}

fn is_log(path: &Path) -> bool {
    path.to_string_lossy().ends_with("-wal")
}

/// Not a pipe, a socket or a device.
fn is_file(path: &Path) -> bool {
    path.is_absolute() && !path.starts_with("/dev/null") && !path.starts_with("/proc")
}
