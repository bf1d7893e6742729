//! What must be flushed before something is acknowledged: every file's content, and every name in its directory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::calls::Call;

/// Something that a loss of power could take away although it was acknowledged, or that it could leave half done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Broken {
    /// Acknowledged while a file had content that was not flushed.
    Content(PathBuf),
    /// Acknowledged while a directory had a new name that was not flushed.
    Name(PathBuf),
    /// Renamed while its content was not flushed: the name may be durable before the content.
    RenamedUnflushed(PathBuf),
    /// A log was begun anew, cut or removed while what had been copied from it was not flushed in its database.
    LogGone(PathBuf),
    /// A database was replaced while it was not yet durable that the old one's log is gone or empty: SQLite would apply
    /// that log to the new database.
    OldLog(PathBuf),
    /// A database was made anew while it was not yet durable that the one before it, and its log, are gone: the one's file could
    /// be left beside the other's log.
    OldFiles(PathBuf),
}

/// What is not flushed so far.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    content: BTreeSet<PathBuf>,
    /// Databases that have logs, and whether something was written to them since, which is in the log, too.
    logged: BTreeMap<PathBuf, bool>,
    names: BTreeSet<PathBuf>,
    removed: BTreeSet<PathBuf>,
    pub(crate) broken: BTreeSet<Broken>,
}

/// Files whose loss loses nothing: the lock, the index of the log, what is thrown away, what has no name any more, the pipe.
fn is_passing(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let passes = ["-shm", "-lock", " (deleted)"].iter().any(|end| name.ends_with(end));
    passes || !path.is_absolute() || path.starts_with("/proc")
}

/// What SQLite, or the store, keeps beside a database. Each comes and goes with it.
fn is_beside(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    ["-wal", "-shm", "-journal", "-lock"].iter().any(|end| name.ends_with(end))
}

/// A database and those of the files beside it that are of use to it alone.
fn with_logs(database: &Path) -> impl Iterator<Item = PathBuf> {
    ["", "-wal", "-journal"].into_iter().map(|suffix| {
        let mut path = database.as_os_str().to_owned();
        path.push(suffix);
        path.into()
    })
}

/// The database whose log is at `path`, if one can be.
fn database_of(path: &Path) -> Option<PathBuf> {
    path.to_str()?.strip_suffix("-wal").map(PathBuf::from)
}

impl Ledger {
    /// Takes a call that has succeeded.
    pub(crate) fn take(&mut self, call: &Call) {
        match call {
            Call::Create(path) | Call::MakeDir(path) => {
                if !is_beside(path) && with_logs(path).any(|old| self.removed.contains(&old)) {
                    self.broken.insert(Broken::OldFiles(path.clone()));
                }
                self.removed.remove(path);
                self.names.insert(path.clone());
            }
            Call::Begin(path) | Call::Write(path) | Call::Truncate(path) => {
                let database = database_of(path);
                if let Some(database) = &database {
                    if !matches!(call, Call::Write(_)) {
                        self.log_gone(database);
                    }
                    if !matches!(call, Call::Truncate(_)) {
                        self.logged.entry(database.clone()).or_default();
                    }
                }
                match self.logged.get_mut(path) {
                    Some(copied) => *copied = true,
                    None => _ = self.content.insert(path.clone()),
                }
            }
            Call::Flush(path) => {
                self.content.remove(path);
                self.logged.entry(path.clone()).and_modify(|copied| *copied = false);
                self.names.retain(|name| name.parent() != Some(path));
                self.removed.retain(|name| name.parent() != Some(path));
            }
            Call::Rename { from, to } => {
                if self.content.remove(from) {
                    self.broken.insert(Broken::RenamedUnflushed(to.clone()));
                    self.content.insert(to.clone());
                }
                for log in with_logs(to).skip(1) {
                    if self.removed.contains(&log) || self.content.contains(&log) {
                        self.broken.insert(Broken::OldLog(to.clone()));
                    }
                }
                self.names.remove(from);
                self.names.insert(to.clone());
            }
            Call::Unlink(path) => {
                if let Some(database) = database_of(path) {
                    self.log_gone(&database);
                }
                self.logged.remove(path);
                self.content.remove(path);
                self.names.remove(path);
                self.removed.insert(path.clone());
            }
            Call::Lengthen(_) | Call::Say(_) => {}
        }
    }

    /// The log of `database` is no more, whose content has to be in the database.
    fn log_gone(&mut self, database: &Path) {
        if self.logged.remove(database) == Some(true) {
            self.broken.insert(Broken::LogGone(database.to_owned()));
            self.content.insert(database.to_owned());
        }
    }

    /// What was promised must be durable now: everything but the files in `except`.
    pub(crate) fn acknowledged(&mut self, except: impl Fn(&Path) -> bool) {
        let counts = |path: &&PathBuf| !is_passing(path) && !except(path);
        self.broken.extend(self.content.iter().filter(counts).cloned().map(Broken::Content));
        self.broken.extend(self.names.iter().filter(counts).cloned().map(Broken::Name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> PathBuf {
        PathBuf::from(text)
    }

    fn broken(calls: &[Call]) -> Vec<Broken> {
        let mut ledger = Ledger::default();
        calls.iter().for_each(|call| ledger.take(call));
        ledger.acknowledged(|_| false);
        ledger.broken.into_iter().collect()
    }

    #[test]
    fn a_file_that_is_moved_into_place_needs_three_things() {
        let good = [
            Call::MakeDir(path("/a/d")),
            Call::Flush(path("/a")),
            Call::Create(path("/a/d/x.tmp")),
            Call::Write(path("/a/d/x.tmp")),
            Call::Flush(path("/a/d/x.tmp")),
            Call::Rename { from: path("/a/d/x.tmp"), to: path("/a/d/x") },
            Call::Flush(path("/a/d")),
        ];
        assert_eq!(broken(&good), []);
        let without = |left_out: usize| {
            let mut calls = good.to_vec();
            calls.remove(left_out);
            broken(&calls)
        };
        assert_eq!(without(1), [Broken::Name(path("/a/d"))]);
        assert!(without(4).contains(&Broken::RenamedUnflushed(path("/a/d/x"))));
        assert_eq!(without(6), [Broken::Name(path("/a/d/x"))]);
    }

    #[test]
    fn the_log_of_a_database_that_is_replaced_is_gone_for_good_before() {
        let replaced = Call::Rename { from: path("/d/x-import"), to: path("/d/x") };
        let gone = Call::Unlink(path("/d/x-wal"));
        let old_log = Broken::OldLog(path("/d/x"));
        let flush = Call::Flush(path("/d"));
        assert!(broken(&[gone.clone(), replaced.clone(), flush.clone()]).contains(&old_log));
        assert_eq!(broken(&[gone, flush.clone(), replaced.clone(), flush.clone()]), []);
        assert!(broken(&[Call::Truncate(path("/d/x-wal")), replaced, flush]).contains(&old_log));
    }

    #[test]
    fn a_database_is_made_anew_when_the_one_before_is_gone_for_good() {
        let (database, log) = (path("/d/x"), path("/d/x-wal"));
        let create = [Call::Create(database.clone()), Call::Create(log.clone())];
        let flush = [Call::Flush(path("/d"))];
        for gone in [[Call::Unlink(database.clone())], [Call::Unlink(log.clone())]] {
            let after = |between: &[Call]| broken(&[&gone[..], between, &create, &flush].concat());
            assert_eq!(after(&[]), [Broken::OldFiles(database.clone())], "{gone:?}");
            assert_eq!(after(&flush), [], "{gone:?}");
        }
        // SQLite's own business: all that was in the log is in the database.
        assert_eq!(broken(&[&[Call::Unlink(log.clone()), Call::Create(log)][..], &flush].concat()), []);
    }

    #[test]
    fn room_in_a_log_need_not_be_flushed_but_what_is_written_there_must() {
        let log = path("/d/x-wal");
        let room = Call::Lengthen(log.clone());
        let frames = [Call::Write(log.clone()), Call::Flush(log.clone())];
        assert_eq!(broken(&[&frames[..], std::slice::from_ref(&room)].concat()), []);
        assert_eq!(broken(&[room, frames[0].clone()]), [Broken::Content(log)]);
    }

    #[test]
    fn what_a_log_has_too_is_flushed_before_the_log_goes() {
        let (log, database) = (path("/d/x-wal"), path("/d/x"));
        let begin = [Call::Begin(log.clone()), Call::Write(log.clone()), Call::Flush(log.clone())];
        let copied = Call::Write(database.clone());
        let after = |more: &[Call]| broken(&[&begin[..], std::slice::from_ref(&copied), more].concat());
        assert_eq!(after(&[]), [], "acknowledged meanwhile");
        for gone in [Call::Begin(log.clone()), Call::Truncate(log.clone()), Call::Unlink(log.clone())] {
            let flush = Call::Flush(log.clone());
            assert!(after(&[gone.clone(), flush.clone()]).contains(&Broken::LogGone(database.clone())), "{gone:?}");
            assert_eq!(after(&[Call::Flush(database.clone()), gone, flush]), []);
        }
        // Without a log, or before it, what is written stands there alone.
        assert_eq!(broken(&[copied, begin.to_vec().remove(0), begin[2].clone()]), [Broken::Content(database)]);
    }

    #[test]
    fn what_is_removed_again_need_not_be_flushed() {
        let calls = [Call::Create(path("/d/x")), Call::Write(path("/d/x")), Call::Unlink(path("/d/x"))];
        assert_eq!(broken(&calls), []);
    }
}
