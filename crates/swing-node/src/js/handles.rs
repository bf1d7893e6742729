//! What the handles that JavaScript holds stand for.
//!
//! A handle is an external value, and other native modules make such values too. So the address in one of ours is not followed: it
//! is the number of a place in this table, and what is not in the table is no handle of ours.

use std::any::Any;
use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;

/// All handles of one thread, by their places.
#[derive(Default)]
pub(super) struct Handles {
    places: RefCell<Places>,
}

#[derive(Default)]
struct Places {
    held: Vec<Option<Rc<dyn Any>>>,
    free: Vec<usize>,
}

impl Handles {
    /// Those of this thread.
    pub(super) fn of_thread() -> Rc<Self> {
        thread_local! {
            static HANDLES: Rc<Handles> = Rc::default();
        }
        HANDLES.with(Rc::clone)
    }

    /// Where `data` is from now on.
    pub(super) fn put<T: 'static>(&self, data: T) -> *mut c_void {
        let Places { held, free } = &mut *self.places.borrow_mut();
        let data: Option<Rc<dyn Any>> = Some(Rc::new(data));
        let place = match free.pop() {
            Some(place) => {
                held[place] = data;
                place
            }
            None => {
                held.push(data);
                held.len() - 1
            }
        };
        ptr::without_provenance_mut(place + 1)
    }

    /// What is there, if it is a `T`.
    pub(super) fn get<T: 'static>(&self, place: *mut c_void) -> Option<Rc<T>> {
        let places = self.places.borrow();
        let held = places.held.get(place.addr().wrapping_sub(1))?.as_ref()?;
        if held.is::<T>() { Rc::downcast(Rc::clone(held)).ok() } else { None }
    }

    /// Takes out what is there.
    pub(super) fn take(&self, place: *mut c_void) -> Option<Rc<dyn Any>> {
        let place = place.addr().wrapping_sub(1);
        let Places { held, free } = &mut *self.places.borrow_mut();
        let taken = held.get_mut(place)?.take()?;
        free.push(place);
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_holds_what_was_put_there_until_it_is_taken_and_then_something_else() {
        let handles = Handles::default();
        let (first, second) = (handles.put(1), handles.put("two"));
        assert_eq!((handles.get(first).as_deref(), handles.get(second).as_deref()), (Some(&1), Some(&"two")));
        assert!(handles.take(first).is_some_and(|taken| taken.is::<i32>()));
        assert!(handles.take(first).is_none() && handles.get::<i32>(first).is_none());
        assert_eq!(handles.put("three"), first);
        assert_eq!((handles.get(first).as_deref(), handles.get(second).as_deref()), (Some(&"three"), Some(&"two")));
        assert_eq!(handles.places.borrow().held.len(), 2);
    }

    #[test]
    fn what_is_of_another_kind_or_not_there_is_not_found() {
        let handles = Handles::default();
        let place = handles.put(1_u8);
        assert_eq!(handles.get::<u16>(place), None);
        let local = 7_u8;
        for other in [ptr::null_mut(), place.wrapping_byte_add(1), (&raw const local).cast_mut().cast::<c_void>()] {
            assert_eq!(handles.get::<u8>(other), None);
            assert!(handles.take(other).is_none());
        }
    }
}
