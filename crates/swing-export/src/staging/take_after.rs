//! What a new store's file has of the one whose place it takes: mode, owner, group.

use std::path::Path;

#[cfg(unix)]
use fs_err as fs;

/// Gives a file the mode of the one whose place it will take, if that is there, and its owner and group where that can be.
#[cfg(unix)]
pub(super) fn take_after(new: &Path, old: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(old) = fs::metadata(old) else { return Ok(()) };
    let old = Owned { uid: old.uid(), gid: old.gid(), mode: old.mode() };
    take_after_with(new, old, |uid, gid| fs_err::os::unix::fs::chown(new, uid, gid))
}

/// Whose a file is, and who may do what with it.
#[cfg(unix)]
#[derive(Clone, Copy)]
struct Owned {
    uid: u32,
    gid: u32,
    mode: u32,
}

#[cfg(unix)]
fn take_after_with(
    new: &Path,
    old: Owned,
    chown: impl Fn(Option<u32>, Option<u32>) -> std::io::Result<()>,
) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let found = fs::metadata(new)?;
    // One after the other: only root may give a file away, but an owner may hand it to a group of his. Whatever forbids it, the
    // store is as good.
    let keeps_owner = old.uid == found.uid() || chown(Some(old.uid), None).is_ok();
    let keeps_group = old.gid == found.gid() || chown(None, Some(old.gid)).is_ok();
    // Whoever owns it opens it next, to write. Who opened the old file as its owner, or by its group, may have nothing left but what
    // the umask gives to others.
    let others = if keeps_owner && keeps_group { 0 } else { found.mode() };
    let mode = (old.mode | others) & 0o777 | 0o600;
    if mode == found.mode() & 0o777 {
        return Ok(());
    }
    let mut permissions = found.permissions();
    permissions.set_mode(mode);
    fs::set_permissions(new, permissions)
}

#[cfg(not(unix))]
pub(super) fn take_after(_new: &Path, _old: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_kept_where_the_owner_cannot_be_and_nobody_is_shut_out() {
        use std::cell::RefCell;
        use std::io::Error;
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
        let dir = tempfile::tempdir().unwrap();
        let new = dir.path().join("new");
        let made = |path: &Path, mode| {
            fs::write(path, "").unwrap();
            let mut permissions = fs::metadata(path).unwrap().permissions();
            permissions.set_mode(mode);
            fs::set_permissions(path, permissions).unwrap();
        };
        // Somebody else's, whoever runs this.
        made(&new, 0o644);
        let own = fs::metadata(&new).unwrap();
        let old = Owned { uid: own.uid() + 1, gid: own.gid() + 1, mode: 0o620 };
        let [eperm, einval] = [1, 22];
        for (owner, group, mode) in
            [(0, 0, 0o620), (eperm, 0, 0o664), (einval, 0, 0o664), (0, eperm, 0o664), (einval, einval, 0o664)]
        {
            made(&new, 0o644);
            let asked = RefCell::new(Vec::new());
            let answer = |code| if code == 0 { Ok(()) } else { Err(Error::from_raw_os_error(code)) };
            take_after_with(&new, old, |uid, gid| {
                asked.borrow_mut().push((uid, gid));
                answer(if uid.is_some() { owner } else { group })
            })
            .unwrap();
            assert_eq!(asked.into_inner(), [(Some(old.uid), None), (None, Some(old.gid))]);
            assert_eq!(fs::metadata(&new).unwrap().mode() & 0o777, mode, "{owner} {group}");
        }
    }
}
