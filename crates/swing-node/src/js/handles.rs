//! What the handles that JavaScript holds stand for.
//!
//! A handle is an external value, and other native modules make such values too. So the address in one is not followed before it
//! is found in the table of ours.

use std::any::Any;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::rc::Rc;

/// All handles of one thread.
#[derive(Default)]
pub(super) struct Handles {
    held: RefCell<Held>,
}

#[derive(Default)]
struct Held {
    by_address: HashMap<usize, Rc<dyn Any>, foldhash::fast::RandomState>,
    /// The one that was asked for last, as it will be the next time.
    last: Option<(usize, Rc<dyn Any>)>,
}

impl Handles {
    /// Those of this thread.
    pub(super) fn of_thread() -> Rc<Self> {
        thread_local! {
            static HANDLES: Rc<Handles> = Rc::default();
        }
        HANDLES.with(Rc::clone)
    }

    /// Takes something in, and answers its address.
    pub(super) fn put(&self, data: impl Any) -> *mut c_void {
        let data = Rc::new(data);
        let address = Rc::as_ptr(&data).cast_mut().cast::<c_void>();
        self.held.borrow_mut().by_address.insert(address.addr(), data);
        address
    }

    /// What is at an address, if it is a `T`.
    pub(super) fn get<T: Any>(&self, address: *mut c_void) -> Option<Rc<T>> {
        let address = address.addr();
        let Held { by_address, last } = &mut *self.held.borrow_mut();
        let found = match last {
            Some((known, found)) if *known == address => found,
            _ => &mut last.insert((address, Rc::clone(by_address.get(&address)?))).1,
        };
        if found.is::<T>() { Rc::downcast(Rc::clone(found)).ok() } else { None }
    }

    /// Lets go of what is at an address.
    pub(super) fn release(&self, address: *mut c_void) {
        let mut held = self.held.borrow_mut();
        let last = held.last.take_if(|(known, _)| *known == address.addr());
        let found = held.by_address.remove(&address.addr());
        // What goes now may be a whole store, which does not need the table.
        drop(held);
        drop((last, found));
    }
}
