//! Plain functions over data of ours.

use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use napi::sys;

use super::argument::Argument;
use super::value::{Js, Value, checked};
use crate::error::{Answer, Failure, Kind};

/// The most arguments that a function here takes.
const ARGUMENTS: usize = 4;

/// One call from JavaScript.
pub(crate) struct Call {
    pub(crate) js: Js,
    arguments: [sys::napi_value; ARGUMENTS],
}

/// What a plain function does with its data.
pub(crate) type Body<T> = fn(&T, &Call) -> Answer<Value>;

struct Bound<T> {
    data: T,
    body: Body<T>,
}

impl Call {
    /// Argument number `index`, with the name it has in error messages. One that was not given is undefined.
    pub(crate) fn argument<'c>(&'c self, index: usize, what: &'c str) -> Argument<'c> {
        Argument { env: self.js.0, value: self.arguments[index], what }
    }

    /// A string argument, read into `buffer`.
    pub(crate) fn text<'b>(&self, index: usize, what: &str, buffer: &'b mut Vec<u8>) -> Answer<&'b str> {
        self.argument(index, what).text(buffer)
    }
}

impl Js {
    /// An object of plain functions over clones of `data`.
    pub(crate) fn functions<T: Clone + 'static>(self, data: &T, functions: &[(&str, Body<T>)]) -> Answer<Value> {
        let object = self.object()?;
        for (name, body) in functions {
            self.define(object, name, self.function(name, data.clone(), *body)?)?;
        }
        Ok(object)
    }

    /// A plain function over `data`.
    pub(crate) fn function<T: 'static>(self, name: &str, data: T, body: Body<T>) -> Answer<Value> {
        let mut function = null_mut();
        let bound = Box::into_raw(Box::new(Bound { data, body })).cast::<c_void>();
        let (start, length) = (name.as_ptr().cast::<c_char>(), name.len().cast_signed());
        // SAFETY: Node copies the name; `bound` is what `trampoline::<T>` expects and lives until the function is collected.
        let made = unsafe {
            sys::napi_create_function(self.0, start, length, Some(trampoline::<T>), bound, &raw mut function)
        };
        let attached = checked(made, "make a function").and_then(|()| {
            // SAFETY: Node hands `bound` to the finalizer once, after the last call.
            let status =
                unsafe { sys::napi_add_finalizer(self.0, function, bound, Some(release::<T>), null_mut(), null_mut()) };
            checked(status, "keep a function's data")
        });
        if let Err(failure) = attached {
            // SAFETY: no finalizer knows of `bound`, and the function, if there is one, is not handed out.
            drop(unsafe { Box::from_raw(bound.cast::<Bound<T>>()) });
            return Err(failure);
        }
        Ok(Value(function))
    }
}

unsafe extern "C" fn trampoline<T>(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let (mut count, mut arguments, mut data) = (ARGUMENTS, [null_mut(); ARGUMENTS], null_mut());
    // SAFETY: Node fills in as many arguments as it is told there is room for, and undefined for those that were not given.
    let status =
        unsafe { sys::napi_get_cb_info(env, info, &raw mut count, arguments.as_mut_ptr(), null_mut(), &raw mut data) };
    if status != sys::Status::napi_ok {
        return null_mut();
    }
    // SAFETY: the data of this function is the `Bound<T>` it was made with, which is not released before the function is.
    let bound = unsafe { &*data.cast::<Bound<T>>() };
    let call = Call { js: Js(env), arguments };
    let answer = catch_unwind(AssertUnwindSafe(|| (bound.body)(&bound.data, &call)));
    match answer.unwrap_or_else(|_| Err(Failure::new(Kind::INTERNAL, "the store failed unexpectedly: a bug"))) {
        Ok(value) => value.0,
        Err(failure) => {
            // When not even an error can be made, Node has one of its own pending.
            let _ = call.js.throw(&failure);
            null_mut()
        }
    }
}

unsafe extern "C" fn release<T>(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `data` is the `Bound<T>` of a function that can no longer be called; Node calls this once.
    drop(unsafe { Box::from_raw(data.cast::<Bound<T>>()) });
}
