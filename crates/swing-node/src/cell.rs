//! Where the store is between calls: in the hands of JavaScript's one thread, away on another, or closed.
//!
//! Every end that JavaScript holds shares one cell. A call borrows the store for as long as it runs and calls nobody meanwhile, so
//! two calls never meet; what JavaScript may do in the middle of something (its export callback is running, an import is
//! being put in place) is a state of the cell.

use std::cell::{RefCell, RefMut};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use swing_store::{ImportedStore, Store};

use crate::error::{Answer, Failure, Kind};
use crate::joined::Joined;
use crate::js::{Js, TextBuffer, Weight};

/// An open store and what calls need besides.
pub(crate) struct Open {
    pub(crate) store: Store,
    /// Buffers for the strings of a call.
    pub(crate) texts: [TextBuffer; 2],
    /// A buffer for what a call answers.
    pub(crate) joined: Joined,
    /// The host is being told of changes; until it has answered, nothing may change.
    pub(crate) handing_over: bool,
}

/// A store, or what will be one.
pub(crate) enum Inside {
    Open(Box<Open>),
    /// Complete, and not in place yet.
    Imported(Box<ImportedStore>),
    /// On another thread; it comes back as what it is then.
    Away {
        /// What is done to it there.
        what: &'static str,
        back: Back,
    },
    /// An import that could not be put in its place, and is lost.
    GivenUp,
    Closed,
}

/// Where a store comes back from another thread.
pub(crate) type Back = Arc<Mutex<Option<Inside>>>;

/// What all ends of a store share.
pub(crate) struct Cell {
    inside: RefCell<Inside>,
    /// The database file, if it is one.
    pub(crate) file: Option<PathBuf>,
    /// Given back when it is closed, or when nobody has it any more.
    weight: RefCell<Option<Weight>>,
}

/// What an open store keeps in memory at least: a connection of SQLite with its statements and first pages.
const STORE_BYTES: u32 = 256 << 10;

impl Cell {
    pub(crate) fn open(js: Js, store: Store, file: Option<PathBuf>) -> Self {
        Self::holding(js, Inside::open(store), file)
    }

    pub(crate) fn imported(js: Js, store: ImportedStore, file: Option<PathBuf>) -> Self {
        Self::holding(js, Inside::Imported(Box::new(store)), file)
    }

    fn holding(js: Js, inside: Inside, file: Option<PathBuf>) -> Self {
        Self { inside: RefCell::new(inside), file, weight: RefCell::new(Some(Weight::of(js, STORE_BYTES))) }
    }

    /// It is closed, and weighs nothing any more.
    pub(crate) fn lighten(&self) {
        self.weight.take();
    }

    /// The store or what there is of it.
    pub(crate) fn inside(&self) -> Answer<RefMut<'_, Inside>> {
        let inside = self.inside.try_borrow_mut();
        let mut inside = inside.map_err(|_| Failure::new(Kind::STATE, "the store is in the middle of a call"))?;
        if let Inside::Away { back, .. } = &*inside {
            let landed = back.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(landed) = landed {
                *inside = landed;
            }
        }
        Ok(inside)
    }

    /// The store, for reading.
    pub(crate) fn read(&self) -> Answer<RefMut<'_, Open>> {
        let mut refused = None;
        let open = RefMut::filter_map(self.inside()?, |inside| match inside {
            Inside::Open(open) => Some(&mut **open),
            Inside::Imported(_) => {
                refused = Some(Failure::new(Kind::STATE, "the imported store is not in place yet: commit it first"));
                None
            }
            Inside::Away { what, .. } => {
                refused = Some(Inside::away(what));
                None
            }
            Inside::GivenUp | Inside::Closed => None,
        });
        open.map_err(|_| refused.unwrap_or_else(closed))
    }

    /// The store, for a change.
    pub(crate) fn write(&self) -> Answer<RefMut<'_, Open>> {
        let open = self.read().map_err(|failure| match failure.kind {
            // In the original a write begins a transaction first, and words it so.
            Kind::CLOSED => Failure::new(Kind::CLOSED, "db not initialized (the store is closed)"),
            _ => failure,
        })?;
        if open.handing_over {
            return Err(Failure::new(Kind::STATE, "the store cannot be changed from inside its export callback"));
        }
        Ok(open)
    }
}

impl Inside {
    /// What is said of a store that is on another thread.
    pub(crate) fn away(what: &str) -> Failure {
        Failure::new(Kind::STATE, format!("the store is {what}"))
    }

    pub(crate) fn open(store: Store) -> Self {
        Self::Open(Box::new(Open {
            store,
            texts: [TextBuffer::default(), TextBuffer::default()],
            joined: Joined::default(),
            handing_over: false,
        }))
    }
}

/// In the words of the original's database library.
pub(crate) fn closed() -> Failure {
    Failure::new(Kind::CLOSED, "The database connection is not open (the store is closed)")
}
