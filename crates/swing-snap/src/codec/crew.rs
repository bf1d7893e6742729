//! Threads that pack members, and the pile that they make.
//!
//! Members wait in one queue and whoever is free takes the next: a thread of the crew, or the one that brought them when it has
//! nothing better to do, so that every core is busy to the end. Packed members are piled up in the order in which they came,
//! whoever is done first, so the gzip is the same whatever the number of threads.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::thread::{self, Builder, JoinHandle};

use super::board::Board;
use super::error::CodecError;
use super::level::Level;
use super::member::Packer;

/// The raw bytes of a member, and which one it is.
struct Job {
    number: usize,
    raw: Vec<u8>,
    len: usize,
}

/// What the threads share. Its changes: something was added to the queue, or a member was packed, or it is over.
#[derive(Default)]
struct Work {
    waiting: VecDeque<Job>,
    /// Taken and not yet packed.
    in_hand: usize,
    /// Buffers whose raw bytes have been packed; `None` once nobody asks for any.
    spent: Option<Vec<Vec<u8>>>,
    pile: Pile,
    /// Nobody wants the rest: an error, or the crew is dismissed.
    over: bool,
    lost: bool,
}

/// The packed members so far.
#[derive(Default)]
struct Pile {
    gzip: Vec<u8>,
    next: usize,
    /// Packed before one that comes before them.
    early: BTreeMap<usize, Vec<u8>>,
    most: Option<u64>,
    too_long: bool,
}

impl Pile {
    fn add(&mut self, number: usize, packed: &[u8]) {
        if number != self.next {
            self.early.insert(number, packed.to_vec());
            return;
        }
        self.append(packed);
        while let Some(packed) = self.early.remove(&self.next) {
            self.append(&packed);
        }
    }

    fn append(&mut self, packed: &[u8]) {
        self.next += 1;
        self.too_long |= self.most.is_some_and(|most| (self.gzip.len() + packed.len()) as u64 > most);
        if !self.too_long {
            self.gzip.extend_from_slice(packed);
        }
    }
}

/// Packs what a thread has taken from the queue.
fn pack(board: &Board<Work>, job: Job, packer: &mut Packer) {
    let hand = Hand(board);
    let packed = packer.pack(&job.raw[..job.len], job.number);
    let mut work = board.look();
    work.pile.add(job.number, packed);
    work.over |= work.pile.too_long;
    if let Some(spent) = &mut work.spent {
        spent.push(job.raw);
    }
    drop(work);
    drop(hand);
}

/// A member in hand. However it is let go, nobody waits for it any longer.
struct Hand<'a>(&'a Board<Work>);

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        let mut work = self.0.look();
        work.in_hand -= 1;
        if thread::panicking() {
            (work.lost, work.over) = (true, true);
        }
        self.0.tell();
    }
}

impl Work {
    fn take(&mut self) -> Option<Job> {
        let job = if self.over { None } else { self.waiting.pop_front() };
        self.in_hand += usize::from(job.is_some());
        job
    }

    fn check(&self) -> Result<(), CodecError> {
        if self.lost {
            return Err(CodecError::ThreadLost);
        }
        match self.pile.most {
            Some(limit) if self.pile.too_long => Err(CodecError::PackedTooLong { limit }),
            _ => Ok(()),
        }
    }
}

/// Threads at work on one snapshot. Dropping it sends them home and waits for them, which takes no longer than one member.
pub(super) struct Crew {
    board: Arc<Board<Work>>,
    threads: Vec<JoinHandle<()>>,
    /// No more, or there are none to be had.
    most: usize,
    level: Level,
    /// How many members may wait before whoever brings another has to help.
    depth: usize,
    given: usize,
    packer: Option<Packer>,
}

impl Crew {
    /// A crew of up to so many threads, which are engaged as members arrive.
    pub(super) fn new(level: Level, threads: usize, depth: usize, max_gzip_len: Option<u64>) -> Self {
        let pile = Pile { most: max_gzip_len, ..Pile::default() };
        let board = Arc::new(Board::new(Work { pile, spent: Some(Vec::new()), ..Work::default() }));
        Self { board, threads: Vec::new(), most: threads, level, depth, given: 0, packer: None }
    }

    /// A buffer for the next member, of so many bytes: one that is spent, or a new one.
    pub(super) fn room(&self, len: usize) -> Vec<u8> {
        let spent = self.board.look().spent.as_mut().and_then(Vec::pop);
        match spent {
            Some(mut raw) => {
                raw.resize(len, 0);
                raw
            }
            None => vec![0; len],
        }
    }

    /// Says that no more members come, and no buffers are needed. Threads that find nothing to do go home: a snapshot may wait
    /// long for its commit, beside many others, and their tables and buffers are large.
    pub(super) fn complete(&self) {
        self.board.look().spent = None;
        self.board.tell();
    }

    /// How many raw bytes wait to be packed.
    pub(super) fn waiting(&self) -> usize {
        self.board.look().waiting.iter().map(|job| job.len).sum()
    }

    /// How many packed bytes there are so far, in order.
    pub(super) fn packed(&self) -> usize {
        self.board.look().pile.gzip.len()
    }

    /// Gives the next member to be packed, the first `len` bytes of `raw`, and helps if too many wait.
    ///
    /// # Errors
    ///
    /// [`CodecError::PackedTooLong`], [`CodecError::ThreadLost`].
    pub(super) fn give(&mut self, raw: Vec<u8>, len: usize) -> Result<(), CodecError> {
        let mut work = self.board.look();
        work.check()?;
        work.waiting.push_back(Job { number: self.given, raw, len });
        self.given += 1;
        let waiting = work.waiting.len();
        drop(work);
        self.board.tell_one();
        if waiting > self.depth {
            self.help();
        }
        Ok(())
    }

    /// Engages one more thread, unless there are as many as there may be.
    pub(super) fn engage(&mut self) {
        if self.threads.len() < self.most && self.start_thread().is_err() {
            // No thread to be had: go on with those there are, at worst none.
            self.most = self.threads.len();
            self.depth = if self.most == 0 { 0 } else { self.depth };
        }
    }

    fn start_thread(&mut self) -> io::Result<()> {
        let (board, level) = (Arc::clone(&self.board), self.level);
        let work = move || {
            let mut packer = Packer::new(level);
            let mut work = board.look();
            while !work.over {
                work = match work.take() {
                    Some(job) => {
                        drop(work);
                        pack(&board, job, &mut packer);
                        board.look()
                    }
                    None if work.spent.is_none() => return,
                    None => board.wait(work),
                };
            }
        };
        self.threads.push(Builder::new().name("swing-snap-pack".into()).spawn(work)?);
        Ok(())
    }

    /// Packs a member on the calling thread, if one waits.
    fn help(&mut self) -> bool {
        let Some(job) = self.board.look().take() else { return false };
        pack(&self.board, job, self.packer.get_or_insert_with(|| Packer::new(self.level)));
        true
    }

    /// The gzip, once all members are packed. The calling thread helps.
    ///
    /// # Errors
    ///
    /// As [`Crew::give`].
    pub(super) fn finish(mut self) -> Result<Vec<u8>, CodecError> {
        while self.help() {}
        let mut work = self.board.look();
        while work.in_hand > 0 {
            work = self.board.wait(work);
        }
        work.check()?;
        Ok(std::mem::take(&mut work.pile.gzip))
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.board.look().over = true;
        self.board.tell();
        for thread in self.threads.drain(..) {
            // A panic has been reported as a lost thread, or concerns a member that nobody wants any more.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::testing::{gunzip, heap};

    fn crew(threads: usize, depth: usize) -> Crew {
        Crew::new(Level::FASTEST, threads, depth, None)
    }

    #[test]
    fn members_are_piled_up_in_the_order_in_which_they_came() {
        let parts: Vec<_> = (0..40).map(|n| heap(50_000 >> (n % 7), n)).collect();
        let pack = |threads, depth| {
            let mut crew = crew(threads, depth);
            for part in &parts {
                crew.engage();
                crew.give(part.clone(), part.len()).unwrap();
            }
            crew.finish().unwrap()
        };
        let alone = pack(0, 0);
        assert!(gunzip(&alone) == parts.concat());
        for (threads, depth) in [(0, 3), (1, 0), (2, 4), (3, 100), (9, 1)] {
            assert!(pack(threads, depth) == alone, "{threads} threads, {depth} waiting");
        }
    }

    #[test]
    fn whoever_brings_more_than_may_wait_helps() {
        let mut crew = crew(0, 3);
        for member in 1..=10 {
            crew.give(vec![7; 1000], 1000).unwrap();
            assert_eq!(crew.waiting(), 1000 * member.min(3));
        }
    }

    #[test]
    fn a_member_early_in_the_pile_waits_for_those_before_it() {
        let mut pile = Pile { most: Some(6), ..Pile::default() };
        pile.add(2, b"cc");
        pile.add(1, b"bb");
        assert_eq!(pile.gzip, b"");
        pile.add(0, b"aa");
        assert_eq!((&pile.gzip[..], pile.too_long), (&b"aabbcc"[..], false));
        pile.add(3, b"d");
        assert!(pile.too_long);
    }

    #[test]
    fn a_thread_that_panics_is_told_and_not_waited_for() {
        let crew = crew(0, 1);
        crew.board.look().in_hand = 1;
        let board = Arc::clone(&crew.board);
        let thread = thread::spawn(move || {
            let _hand = Hand(&board);
            panic!("boom");
        });
        assert!(thread.join().is_err());
        assert!(matches!(crew.finish(), Err(CodecError::ThreadLost)));
    }

    #[test]
    fn threads_go_home_when_the_last_member_has_come() {
        for members in 1..4 {
            let mut crew = crew(3, 8);
            for _ in 0..3 {
                crew.engage();
            }
            for _ in 0..members {
                crew.give(vec![7; 1000], 1000).unwrap();
            }
            crew.complete();
            // Of many snapshots that wait for their commit, none keeps any.
            crew.threads.drain(..).for_each(|thread| thread.join().unwrap());
            assert!(!crew.board.look().over && crew.waiting() == 0);
            assert_eq!(gunzip(&crew.finish().unwrap()), vec![7; 1000 * members]);
        }
    }

    #[test]
    fn buffers_are_used_again_until_the_last_member_has_come() {
        let mut crew = crew(0, 0);
        let raw = crew.room(1000);
        let place = raw.as_ptr();
        crew.give(raw, 10).unwrap();
        let again = crew.room(1000);
        assert_eq!((again.as_ptr(), again.len()), (place, 1000));
        crew.complete();
        crew.give(again, 10).unwrap();
        assert!(crew.board.look().spent.is_none());
    }
}
