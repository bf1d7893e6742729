//! Plain functions over data of ours: bound to it, or given it as a handle.
//!
//! To make a function takes Node five microseconds, so what a store can do is made once, when the module is loaded, and takes
//! the store's handle before its other arguments. What lives for one stream or one import is bound to it.

use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::rc::Rc;

use napi::sys;

use super::argument::Argument;
use super::handles::Handles;
use super::text::TextBuffer;
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

/// Functions with the names that JavaScript finds them under.
pub(crate) type Functions<T> = [(&'static str, Body<T>)];

struct Bound<T> {
    data: T,
    body: Body<T>,
}

/// Takes a handle first.
struct OnHandle<T: 'static> {
    handles: Rc<Handles>,
    body: &'static Body<T>,
}

impl Call {
    /// Argument number `index`, with the name it has in error messages. One that was not given is undefined.
    pub(crate) fn argument<'c>(&'c self, index: usize, what: &'c str) -> Argument<'c> {
        Argument { env: self.js.0, value: self.arguments[index], what }
    }

    /// A string argument, read into `buffer`.
    pub(crate) fn text<'b>(&self, index: usize, what: &str, buffer: &'b mut TextBuffer) -> Answer<&'b str> {
        self.argument(index, what).text(buffer)
    }
}

impl Js {
    /// An object of plain functions over clones of `data`.
    pub(crate) fn functions<T: Clone + 'static>(self, data: &T, functions: &Functions<T>) -> Answer<Value> {
        let object = self.object()?;
        for (name, body) in functions {
            self.define(object, name, self.function(name, data.clone(), *body)?)?;
        }
        Ok(object)
    }

    /// Something of ours for JavaScript to hold, and to give to functions that take handles.
    pub(crate) fn handle<T: 'static>(self, data: T) -> Answer<Value> {
        let handles = Handles::of_thread();
        let address = handles.put(data);
        let mut value = null_mut();
        let hint = Rc::into_raw(handles).cast_mut().cast::<c_void>();
        // SAFETY: native code runs on the thread of this environment; Node hands address and hint to the finalizer once, when nobody has
        // the value.
        let made = unsafe { sys::napi_create_external(self.0, address, Some(release_handle), hint, &raw mut value) };
        if let Err(failure) = checked(made, "make a handle") {
            // SAFETY: no finalizer knows of them.
            unsafe { release_handle(self.0, address, hint) };
            return Err(failure);
        }
        Ok(Value(value))
    }

    /// An object of plain functions that take a handle of a `T` before what else they take.
    pub(crate) fn functions_of_handles<T: 'static>(self, functions: &'static Functions<T>) -> Answer<Value> {
        let object = self.object()?;
        for (name, body) in functions {
            let bound = OnHandle { handles: Handles::of_thread(), body };
            self.define(object, name, self.function_over(name, bound, on_handle::<T>)?)?;
        }
        Ok(object)
    }

    /// A plain function over `data`.
    pub(crate) fn function<T: 'static>(self, name: &str, data: T, body: Body<T>) -> Answer<Value> {
        self.function_over(name, Bound { data, body }, trampoline::<T>)
    }

    /// A function whose `trampoline` expects a `B`.
    fn function_over<B: 'static>(self, name: &str, bound: B, trampoline: Trampoline) -> Answer<Value> {
        let mut function = null_mut();
        let bound = Box::into_raw(Box::new(bound)).cast::<c_void>();
        let (start, length) = (name.as_ptr().cast::<c_char>(), name.len().cast_signed());
        // SAFETY: Node copies the name; `bound` is what the trampoline expects and lives until the function is collected.
        let made =
            unsafe { sys::napi_create_function(self.0, start, length, Some(trampoline), bound, &raw mut function) };
        let attached = checked(made, "make a function").and_then(|()| {
            // SAFETY: Node hands `bound` to the finalizer once, after the last call.
            let status =
                unsafe { sys::napi_add_finalizer(self.0, function, bound, Some(release::<B>), null_mut(), null_mut()) };
            checked(status, "keep a function's data")
        });
        if let Err(failure) = attached {
            // SAFETY: no finalizer knows of `bound`, and the function, if there is one, is not handed out.
            drop(unsafe { Box::from_raw(bound.cast::<B>()) });
            return Err(failure);
        }
        Ok(Value(function))
    }
}

type Trampoline = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

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
    answered(&call, || (bound.body)(&bound.data, &call))
}

unsafe extern "C" fn on_handle<T: 'static>(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let (mut count, mut given, mut data) = (ARGUMENTS + 1, [null_mut(); ARGUMENTS + 1], null_mut());
    // SAFETY: Node fills in as many arguments as it is told there is room for, and undefined for those that were not given.
    let status =
        unsafe { sys::napi_get_cb_info(env, info, &raw mut count, given.as_mut_ptr(), null_mut(), &raw mut data) };
    if status != sys::Status::napi_ok {
        return null_mut();
    }
    // SAFETY: the data of this function is the `OnHandle<T>` it was made with, which is not released before the function is.
    let bound = unsafe { &*data.cast::<OnHandle<T>>() };
    let [handle, arguments @ ..] = given;
    let call = Call { js: Js(env), arguments };
    answered(&call, || {
        let mut address = null_mut();
        // SAFETY: the value is of the call under way.
        let status = unsafe { sys::napi_get_value_external(env, handle, &raw mut address) };
        let data = if status == sys::Status::napi_ok { bound.handles.get::<T>(address) } else { None };
        let data = data.ok_or_else(|| Failure::argument("this takes a handle of another kind"))?;
        (bound.body)(&data, &call)
    })
}

/// What JavaScript is given: the answer, or an error that is thrown.
fn answered(call: &Call, work: impl FnOnce() -> Answer<Value>) -> sys::napi_value {
    let answer = catch_unwind(AssertUnwindSafe(work));
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
    // SAFETY: `data` is the `T` of a value that nobody has any longer; Node calls this once.
    drop(unsafe { Box::from_raw(data.cast::<T>()) });
}

unsafe extern "C" fn release_handle(_env: sys::napi_env, address: *mut c_void, hint: *mut c_void) {
    // SAFETY: the hint is a count of the table that the handle is in; Node calls this once.
    let handles = unsafe { Rc::from_raw(hint.cast_const().cast::<Handles>()) };
    handles.release(address);
}
