//! What a disk may hold after a loss of power, given what was written and flushed.
//!
//! A file's content is durable once the file was flushed; its name once its directory was. SQLite's unix VFS flushes
//! the directory with the first flush of a journal or log that it has created, and with deletions that ask for it.
//! Whatever is not durable may have reached the disk or not, each page of each write for itself, in sectors of 512 bytes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use fs_err as fs;

use crate::rng::Rng;
use crate::vfs::Event;

const SECTOR: usize = 512;
/// What a system writes back by itself, whatever was written at once.
const PAGE: usize = 4096;

/// What becomes of what was not flushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Loss {
    /// None of it is there.
    All,
    /// All of it is there.
    None,
    /// Each write is there or not.
    Some,
    /// All of it is there, but of the last write only some sectors.
    LastTorn,
    /// Each write is there or not, or some sectors of it.
    SomeTorn,
    /// Each write is there or not, or has left some sectors full of garbage.
    SomeGarbage,
}

impl Loss {
    pub(crate) const ALL: [Self; 6] =
        [Self::All, Self::None, Self::Some, Self::LastTorn, Self::SomeTorn, Self::SomeGarbage];

    /// Whether it is another loss each time.
    pub(super) fn is_random(self) -> bool {
        matches!(self, Self::Some | Self::SomeTorn | Self::SomeGarbage)
    }
}

#[derive(Debug, Clone)]
enum Change {
    Write { at: usize, bytes: Arc<[u8]> },
    Truncate { size: usize },
}

impl Change {
    /// What of it becomes durable or is lost for itself.
    fn pages(&self) -> Vec<Self> {
        match self {
            Self::Write { at, bytes } => {
                pieces(*at, bytes, PAGE).map(|(at, piece)| Self::Write { at, bytes: piece.into() }).collect()
            }
            Self::Truncate { .. } => vec![self.clone()],
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Content {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

/// A name that was given to a content (by its number), or taken away.
#[derive(Debug, Clone)]
struct Naming {
    file: Arc<str>,
    content: Option<usize>,
}

/// A disk with what is durable on it and what is not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    contents: Vec<Content>,
    names: BTreeMap<Arc<str>, usize>,
    pending_names: Vec<Naming>,
}

/// The files that are left.
pub(crate) type Image = BTreeMap<Arc<str>, Vec<u8>>;

impl Disk {
    /// A disk on which all of this is durable.
    pub(crate) fn holding(image: &Image) -> Self {
        let mut disk = Self::default();
        for (name, bytes) in image {
            disk.names.insert(name.clone(), disk.contents.len());
            disk.contents.push(Content { durable: bytes.clone(), pending: Vec::new() });
        }
        disk
    }

    /// Which content has the name now, durable or not.
    fn current(&self, file: &str) -> Option<usize> {
        match self.pending_names.iter().rev().find(|naming| *naming.file == *file) {
            Some(naming) => naming.content,
            None => self.names.get(file).copied(),
        }
    }

    fn change(&mut self, file: &Arc<str>, change: Change) {
        // A file that the layer has not seen created was there, empty.
        let content = self.current(file).unwrap_or_else(|| self.create(file.clone()));
        self.contents[content].pending.push(change);
    }

    fn create(&mut self, file: Arc<str>) -> usize {
        let content = self.contents.len();
        self.contents.push(Content::default());
        self.pending_names.push(Naming { file, content: Some(content) });
        content
    }

    /// Makes what is in a file durable. Answers which content that is.
    fn flush(&mut self, file: &str) -> Option<usize> {
        let current = self.current(file)?;
        let content = &mut self.contents[current];
        for change in std::mem::take(&mut content.pending) {
            keep(&mut content.durable, &change);
        }
        Some(current)
    }

    fn flush_names(&mut self) {
        for Naming { file, content } in std::mem::take(&mut self.pending_names) {
            match content {
                Some(content) => self.names.insert(file, content),
                None => self.names.remove(&file),
            };
        }
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Mark(_) => {}
            Event::Create { file } => {
                if self.current(file).is_none() {
                    self.create(file.clone());
                }
            }
            Event::Write { file, at, bytes } => self.change(file, Change::Write { at: *at, bytes: bytes.clone() }),
            Event::Truncate { file, size } => self.change(file, Change::Truncate { size: *size }),
            Event::Flush { file } => drop(self.flush(file)),
            Event::FlushNames => self.flush_names(),
            Event::Rename { from, to } => {
                let content = self.current(from);
                // One may be there without the other, which no file system should do and no store should mind.
                self.pending_names.push(Naming { file: to.clone(), content });
                self.pending_names.push(Naming { file: from.clone(), content: None });
            }
            Event::Sync { file } => {
                let Some(current) = self.flush(file) else { return };
                let is_log = file.ends_with("-wal") || file.ends_with("-journal");
                if is_log && self.pending_names.iter().any(|naming| naming.content == Some(current)) {
                    self.flush_names();
                }
            }
            Event::Delete { file, synced } => {
                self.pending_names.push(Naming { file: file.clone(), content: None });
                if *synced {
                    self.flush_names();
                }
            }
        }
    }

    /// A flush has failed: what it could not write is taken for written.
    #[cfg(test)]
    pub(crate) fn fail_to_flush(&mut self, file: &str) {
        if let Some(current) = self.current(file) {
            self.contents[current].pending.clear();
        }
    }

    /// How much is not durable: changes of content and of names.
    pub(crate) fn pending(&self) -> usize {
        let named = self.names.values().chain(self.pending_names.iter().filter_map(|naming| naming.content.as_ref()));
        let named: std::collections::BTreeSet<_> = named.collect();
        named.into_iter().map(|content| self.contents[*content].pending.len()).sum::<usize>() + self.pending_names.len()
    }

    /// What is left when the power goes now.
    pub(crate) fn cut(&self, loss: Loss, rng: &mut Rng) -> Image {
        let mut names = self.names.clone();
        for Naming { file, content } in &self.pending_names {
            let kept = match loss {
                Loss::All => false,
                Loss::None | Loss::LastTorn => true,
                _ => rng.chance(50),
            };
            match (kept, content) {
                (false, _) => {}
                (true, Some(content)) => drop(names.insert(file.clone(), *content)),
                (true, None) => drop(names.remove(file)),
            }
        }
        let mut left: Image =
            names.into_iter().map(|(name, content)| (name, self.contents[content].cut(loss, rng))).collect();
        if loss.is_random() {
            left.iter_mut().filter(|(name, _)| name.ends_with("-wal")).for_each(|(_, log)| make_room(log, rng));
        }
        left
    }
}

/// Behind a log there may be zeros, which the store puts there beside SQLite, and so beside the layer that writes down what is done.
fn make_room(log: &mut Vec<u8>, rng: &mut Rng) {
    if rng.chance(50) {
        log.resize(log.len() + rng.index(64) * SECTOR, 0);
    }
}

impl Content {
    fn cut(&self, loss: Loss, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        // From nearly nothing to nearly everything.
        let share = [10, 50, 90][rng.index(3)];
        for (number, change) in self.pending.iter().enumerate() {
            let is_last = number + 1 == self.pending.len();
            match loss {
                Loss::All => {}
                Loss::None => keep(&mut bytes, change),
                Loss::LastTorn if is_last => tear(&mut bytes, change, rng, Sectors::Old),
                Loss::LastTorn => keep(&mut bytes, change),
                Loss::Some => {
                    change.pages().iter().filter(|_| rng.chance(share)).for_each(|page| keep(&mut bytes, page));
                }
                Loss::SomeTorn | Loss::SomeGarbage => {
                    let rest = if loss == Loss::SomeTorn { Sectors::Old } else { Sectors::Garbage };
                    for page in change.pages() {
                        match rng.below(3) {
                            0 => {}
                            1 => keep(&mut bytes, &page),
                            _ => tear(&mut bytes, &page, rng, rest),
                        }
                    }
                }
            }
        }
        bytes
    }
}

fn keep(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { at, bytes: written } => {
            let end = at + written.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*at..end].copy_from_slice(written);
        }
        Change::Truncate { size } => bytes.resize(*size, 0),
    }
}

/// What is in the sectors that a torn write has not reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sectors {
    Old,
    Garbage,
}

fn tear(bytes: &mut Vec<u8>, change: &Change, rng: &mut Rng, rest: Sectors) {
    let Change::Write { at, bytes: written } = change else {
        if rng.chance(50) {
            keep(bytes, change);
        }
        return;
    };
    for (at, piece) in pieces(*at, written, SECTOR) {
        if rng.chance(50) {
            keep(bytes, &Change::Write { at, bytes: piece.into() });
        } else if rest == Sectors::Garbage {
            let mut garbage = vec![0; piece.len()];
            rng.fill(&mut garbage);
            keep(bytes, &Change::Write { at, bytes: garbage.into() });
        }
    }
}

/// What is written at `at`, cut where a file's blocks of this size begin, and where each piece goes.
fn pieces(mut at: usize, mut written: &[u8], size: usize) -> impl Iterator<Item = (usize, &[u8])> {
    std::iter::from_fn(move || {
        let (piece, rest) = written.split_at(written.len().min(size - at % size));
        let begin = at;
        (at, written) = (at + piece.len(), rest);
        (!piece.is_empty()).then_some((begin, piece))
    })
}

/// Makes a directory hold exactly these files.
pub(crate) fn lay_out(image: &Image, dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if !image.contains_key(entry.file_name().to_string_lossy().as_ref()) {
            fs::remove_file(entry.path())?;
        }
    }
    for (name, bytes) in image {
        fs::write(dir.join(&**name), bytes)?;
    }
    Ok(())
}

/// The files of a directory.
pub(crate) fn image_of(dir: &Path) -> Result<Image> {
    let mut image = Image::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // An index is of the running system; what is left of it after a loss of power nobody reads.
        if !name.ends_with("-shm") && !name.ends_with("-lock") {
            image.insert(name.into(), fs::read(entry.path())?);
        }
    }
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(text: &str, at: usize) -> Event {
        Event::Write { file: "f".into(), at, bytes: text.as_bytes().into() }
    }

    fn disk(events: &[Event]) -> Disk {
        let mut disk = Disk::holding(&Image::from([("f".into(), b"old".to_vec())]));
        events.iter().for_each(|event| disk.apply(event));
        disk
    }

    #[test]
    fn what_was_flushed_is_never_lost_and_what_was_not_may_be() {
        let disk = disk(&[write("new", 0), Event::Sync { file: "f".into() }, write("er", 3)]);
        let mut rng = Rng::new(1);
        assert_eq!(disk.cut(Loss::All, &mut rng)["f"], b"new");
        assert_eq!(disk.cut(Loss::None, &mut rng)["f"], b"newer");
        assert_eq!(disk.pending(), 1);
    }

    #[test]
    fn a_file_that_is_new_is_lost_until_its_directory_is_flushed() {
        let wal: Arc<str> = "f-wal".into();
        let mut disk = disk(&[Event::Create { file: wal.clone() }]);
        let mut rng = Rng::new(1);
        assert!(!disk.cut(Loss::All, &mut rng).contains_key(&wal));
        assert!(disk.cut(Loss::None, &mut rng).contains_key(&wal));
        disk.apply(&Event::Sync { file: wal.clone() });
        assert!(disk.cut(Loss::All, &mut rng).contains_key(&wal));
        disk.apply(&Event::Delete { file: wal.clone(), synced: false });
        assert!(disk.cut(Loss::All, &mut rng).contains_key(&wal));
        assert!(!disk.cut(Loss::None, &mut rng).contains_key(&wal));
    }

    #[test]
    fn a_file_takes_the_place_of_another_once_the_names_are_flushed() {
        let (old, new): (Arc<str>, Arc<str>) = ("f".into(), "g".into());
        let moved = [
            Event::Create { file: new.clone() },
            Event::Write { file: new.clone(), at: 0, bytes: b"new".as_slice().into() },
            Event::Flush { file: new.clone() },
            Event::Rename { from: new.clone(), to: old.clone() },
        ];
        let mut disk = disk(&moved);
        let mut rng = Rng::new(1);
        assert_eq!(disk.cut(Loss::All, &mut rng), Image::from([(old.clone(), b"old".to_vec())]));
        assert_eq!(disk.cut(Loss::None, &mut rng), Image::from([(old.clone(), b"new".to_vec())]));
        disk.apply(&Event::FlushNames);
        assert_eq!(disk.cut(Loss::All, &mut rng), Image::from([(old, b"new".to_vec())]));
        assert_eq!(disk.pending(), 0);
    }

    #[test]
    fn each_page_of_a_write_is_lost_for_itself() {
        let disk = disk(&[Event::Write { file: "f".into(), at: PAGE - 1, bytes: vec![7; PAGE + 2].into() }]);
        let mut rng = Rng::new(1);
        let seen: std::collections::BTreeSet<_> = (0..200)
            .map(|_| {
                let left = disk.cut(Loss::Some, &mut rng).remove("f").unwrap_or_default();
                [PAGE - 1, PAGE, 2 * PAGE - 1, 2 * PAGE].map(|at| left.get(at) == Some(&7))
            })
            .collect();
        assert_eq!(seen.len(), 8, "{seen:?}");
        assert!(seen.iter().all(|[_, first, last, _]| first == last));
    }

    #[test]
    fn a_torn_write_leaves_whole_sectors() {
        let disk = disk(&[Event::Write { file: "f".into(), at: 100, bytes: vec![7; 2000].into() }]);
        let mut rng = Rng::new(3);
        let torn = disk.cut(Loss::LastTorn, &mut rng).remove("f").unwrap_or_default();
        let sector = |number: usize| torn.get(number * SECTOR + 110..(number + 1) * SECTOR).unwrap_or_default();
        let seen: Vec<_> = (0..3).map(|number| sector(number).iter().all(|byte| *byte == sector(number)[0])).collect();
        assert_eq!(seen, [true; 3]);
        assert!(torn.contains(&7) && torn[100..].contains(&0));
    }
}
