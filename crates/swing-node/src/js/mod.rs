//! JavaScript, as much of it as this crate needs: reading arguments, making values, plain functions, promises.
//!
//! A kernel makes a hundred calls a crank, most of them for a key of twelve characters. A generated class method looks up and
//! checks its receiver and allocates each string twice; the functions here have their data attached or take a handle that the
//! JavaScript half keeps to itself, need no receiver (so none can be forged, and a kernel may take them off their object), and
//! read strings into a buffer that is there already. All of this crate's unsafe code is in here.

mod argument;
mod function;
mod handles;
mod make;
mod promise;
mod text;
mod value;
mod weight;

pub(crate) use argument::Argument;
pub(crate) use function::{Body, Call, Functions};
pub(crate) use text::TextBuffer;
pub(crate) use value::{Js, Value};
pub(crate) use weight::Weight;
