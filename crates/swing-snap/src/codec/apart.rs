//! Members inflated apart from each other, by some threads and by whoever reads them.
//!
//! A reader that finds its next member not yet begun inflates it; one that would have to wait for it inflates a later one
//! meanwhile. So two cores share both inflating and hashing, whichever takes longer.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use super::board::Board;
use super::inflate::Block;
use super::member::{Claim, unpack};
use super::unpacker::Unpacker;

/// Members that may be inflated before they are asked for, for each thread.
const DEPTH: usize = 2;

/// Why there is no next block.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stumble {
    /// The member at this byte of the gzip is not what it claims to be, and those that follow may not be members.
    NotAsClaimed { at: usize },
    /// A thread has panicked.
    ThreadLost,
}

/// What became of a member.
enum Made {
    Raw(Vec<u8>),
    NotAsClaimed,
    Lost,
}

struct Work {
    /// The first member that nobody has begun.
    next: usize,
    /// The one that is handed out next.
    wanted: usize,
    made: BTreeMap<usize, Made>,
    spent: Vec<Vec<u8>>,
    over: bool,
}

struct Shared {
    gzip: Arc<Vec<u8>>,
    claims: Vec<Claim>,
    /// How many members may have been begun and not been handed out.
    most: usize,
    /// Its changes: a member was made, or may be begun, or it is over.
    board: Board<Work>,
}

impl Shared {
    /// The next member to begin, and a buffer for it.
    fn begin(&self, work: &mut Work) -> Option<(usize, Vec<u8>)> {
        if work.over || work.next == self.claims.len() || work.next >= work.wanted + self.most {
            return None;
        }
        work.next += 1;
        Some((work.next - 1, work.spent.pop().unwrap_or_default()))
    }

    fn make(&self, member: usize, mut raw: Vec<u8>, unpacker: &mut Unpacker) -> Made {
        let Claim { place, raw_len } = &self.claims[member];
        if unpack(unpacker, &self.gzip[place.clone()], *raw_len, &mut raw) {
            Made::Raw(raw)
        } else {
            Made::NotAsClaimed
        }
    }

    fn keep(&self, member: usize, made: Made) {
        self.board.look().made.insert(member, made);
        self.board.tell();
    }
}

/// A member that a thread has begun. However it is let go, something became of it.
struct Begun<'a> {
    shared: &'a Shared,
    member: usize,
    made: Made,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        self.shared.keep(self.member, std::mem::replace(&mut self.made, Made::Lost));
    }
}

/// The blocks of a gzip whose members claim to be somewhere, each a member.
///
/// Dropping it ends its threads and waits for them, which takes no longer than the inflating of one member.
pub(super) struct Apart {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    unpacker: Unpacker,
}

impl Apart {
    /// Starts to inflate on up to so many threads besides the reading one.
    pub(super) fn new(gzip: Arc<Vec<u8>>, claims: Vec<Claim>, threads: usize) -> Self {
        let threads = threads.min(claims.len().saturating_sub(1));
        let work = Work { next: 0, wanted: 0, made: BTreeMap::new(), spent: Vec::new(), over: false };
        let shared = Arc::new(Shared { gzip, claims, most: 1 + threads * DEPTH, board: Board::new(work) });
        // Where there are fewer threads to be had, the reading one does more.
        let threads = (0..threads).map_while(|_| start(&shared).ok()).collect();
        Self { shared, threads, unpacker: Unpacker::new() }
    }

    /// The gzip that is being inflated.
    pub(super) fn gzip(&self) -> Arc<Vec<u8>> {
        Arc::clone(&self.shared.gzip)
    }

    /// Waits for the next block, or makes it, and takes a spent buffer back. Not to be called after the last one.
    ///
    /// # Errors
    ///
    /// [`Stumble`]; then it is of no use any more.
    pub(super) fn next(&mut self, spent: Vec<u8>) -> Result<Block, Stumble> {
        let shared = &*self.shared;
        let mut work = shared.board.look();
        if spent.capacity() > 0 {
            work.spent.push(spent);
        }
        let wanted = work.wanted;
        let made = loop {
            if let Some(made) = work.made.remove(&wanted) {
                break made;
            }
            work = match shared.begin(&mut work) {
                Some((member, raw)) => {
                    drop(work);
                    let made = shared.make(member, raw, &mut self.unpacker);
                    let mut work = shared.board.look();
                    work.made.insert(member, made);
                    work
                }
                None => shared.board.wait(work),
            };
        };
        work.wanted += 1;
        drop(work);
        shared.board.tell_one();
        match made {
            Made::Raw(bytes) => Ok(Block { bytes, last: wanted + 1 == shared.claims.len() }),
            Made::NotAsClaimed => Err(Stumble::NotAsClaimed { at: shared.claims[wanted].place.start }),
            Made::Lost => Err(Stumble::ThreadLost),
        }
    }
}

fn start(shared: &Arc<Shared>) -> io::Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    let inflate = move || {
        let mut unpacker = Unpacker::new();
        let mut work = shared.board.look();
        while !work.over && work.next < shared.claims.len() {
            work = match shared.begin(&mut work) {
                Some((member, raw)) => {
                    drop(work);
                    let mut begun = Begun { shared: &shared, member, made: Made::Lost };
                    begun.made = shared.make(member, raw, &mut unpacker);
                    drop(begun);
                    shared.board.look()
                }
                None => shared.board.wait(work),
            };
        }
    };
    Builder::new().name("swing-snap-inflate".into()).spawn(inflate)
}

impl Drop for Apart {
    fn drop(&mut self) {
        self.shared.board.look().over = true;
        self.shared.board.tell();
        for thread in self.threads.drain(..) {
            // A panic in it was told as a lost thread, or concerns a member that nobody asked for.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::level::Level;
    use crate::codec::member::{Packer, claims};
    use crate::codec::testing::heap;

    fn members(count: usize) -> (Arc<Vec<u8>>, Vec<Claim>, Vec<u8>) {
        let mut packer = Packer::new(Level::FASTEST);
        let parts = (0..count).map(|n| heap(3000 + 10 * n, n as u64)).collect::<Vec<_>>();
        let gzip = parts.iter().flat_map(|part| packer.pack(part, 0).to_vec()).collect::<Vec<_>>();
        let found = claims(&gzip, parts.concat().len() as u64).unwrap();
        (Arc::new(gzip), found, parts.concat())
    }

    #[test]
    fn blocks_come_in_order_whoever_makes_them() {
        for threads in [0, 1, 2, 5, 40] {
            for count in [1, 2, 3, 20] {
                let (gzip, claims, raw) = members(count);
                let mut apart = Apart::new(gzip, claims, threads);
                let (mut read, mut spent) = (Vec::new(), Vec::new());
                loop {
                    let block = apart.next(spent).unwrap();
                    read.extend_from_slice(&block.bytes);
                    if block.last {
                        break;
                    }
                    spent = block.bytes;
                }
                assert!(read == raw, "{threads} threads, {count} members");
            }
        }
    }

    #[test]
    fn threads_are_gone_after_a_drop_at_any_point() {
        let (gzip, claims, _) = members(12);
        for reads in 0..=12 {
            let mut apart = Apart::new(Arc::clone(&gzip), claims.clone(), 3);
            for _ in 0..reads {
                apart.next(Vec::new()).unwrap();
            }
            drop(apart);
            assert_eq!(Arc::strong_count(&gzip), 1, "a thread still holds the gzip after {reads} blocks");
        }
    }

    #[test]
    fn no_more_are_made_than_may_wait() {
        let (gzip, claims, _) = members(30);
        let apart = Apart::new(gzip, claims, 2);
        let most = 1 + 2 * DEPTH;
        let mut work = apart.shared.board.look();
        while work.made.len() < most {
            work = apart.shared.board.wait(work);
        }
        drop(work);
        std::thread::yield_now();
        assert_eq!(apart.shared.board.look().next, most);
    }

    #[test]
    fn a_thread_that_panics_is_told_when_its_member_is_wanted() {
        let (gzip, claims, _) = members(2);
        let mut apart = Apart::new(gzip, claims, 0);
        apart.shared.board.look().next = 1;
        let shared = Arc::clone(&apart.shared);
        let thread = std::thread::spawn(move || {
            let _begun = Begun { shared: &shared, member: 0, made: Made::Lost };
            panic!("boom");
        });
        assert!(thread.join().is_err());
        assert_eq!(apart.next(Vec::new()).err(), Some(Stumble::ThreadLost));
    }

    #[test]
    fn member_that_lied_is_told_when_its_turn_comes() {
        for threads in [0, 2] {
            let (gzip, claims, _) = members(5);
            let mut gzip = gzip.to_vec();
            let at = claims[3].place.start;
            gzip[at + 200] ^= 1;
            let mut apart = Apart::new(Arc::new(gzip), claims, threads);
            for _ in 0..3 {
                apart.next(Vec::new()).unwrap();
            }
            assert_eq!(apart.next(Vec::new()).err(), Some(Stumble::NotAsClaimed { at }));
        }
    }
}
