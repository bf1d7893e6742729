//! Whether the old store's file is as it was when it was last looked at.

use std::path::Path;
use std::time::SystemTime;

use fs_err as fs;

/// How a file looked at some moment. There may have been none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen(Option<(u64, Option<SystemTime>)>);

impl Seen {
    /// How it looks now.
    pub(super) fn of(path: &Path) -> Self {
        Self(fs::metadata(path).ok().map(|data| (data.len(), data.modified().ok())))
    }
}
