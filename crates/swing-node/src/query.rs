//! Queries of a tool's own. What the parameters of a call are is JavaScript's affair; here each has its place.

use std::cell::RefCell;
use std::rc::Rc;
use std::vec::IntoIter;

use swing_core::SessionError;
use swing_core::session::{Query, Rows, SqlValue};
use swing_store::StoreError;

use crate::cell::Cell;
use crate::error::{Answer, Failure, Kind};
use crate::js::{Body, Call, Js, Value};

pub(crate) static FUNCTIONS: [(&str, Body<Rc<Cell>>); 2] = [("parameters", parameters), ("ask", ask)];

/// What takes the answer of a query.
pub(crate) static ON_ANSWERS: [(&str, Body<Answered>); 2] = [("columns", columns), ("nextRows", next_rows)];

/// What one batch of rows holds.
const BATCH_ROWS: usize = 256;
const BATCH_BYTES: usize = 1 << 20;

/// An answer that is being taken.
pub(crate) struct Answered {
    columns: Vec<String>,
    rows: RefCell<IntoIter<Vec<SqlValue>>>,
}

fn query(call: &Call) -> Answer<Query> {
    Query::parse(&call.argument(0, "sql").string()?).map_err(|error| Failure::of(Kind::ARGUMENT, &error))
}

/// What SQLite says of a query is the tool's mistake, unless the database has failed.
fn refused(error: StoreError) -> Failure {
    match error {
        StoreError::Session(error) if error.is_of_the_statement() => match error {
            SessionError::Sql { source, .. } => Failure::of(Kind::ARGUMENT, &source),
            error => Failure::of(Kind::ARGUMENT, &error),
        },
        // The session itself is none, or says so before.
        StoreError::Session(error @ SessionError::ReadOnly) => {
            Failure::new(Kind::ARGUMENT, format!("only queries are answered: {error}"))
        }
        error => error.into(),
    }
}

/// `parameters(sql)`: the names of a query's parameters, without the sign before them; JSON text.
fn parameters(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let names = cell.read()?.store.parameters(&query(call)?).map_err(refused)?;
    let names: Vec<_> = names.iter().map(|name| name.as_ref().map(|name| name.get(1..).unwrap_or_default())).collect();
    call.js.json(&names)
}

/// `ask(sql, parameters, most)`: the handle of the answer, which is all there. Without `most` it has all rows.
fn ask(cell: &Rc<Cell>, call: &Call) -> Answer<Value> {
    let bound = call.argument(1, "parameters").elements()?.map(|value| value?.scalar()).collect::<Answer<Vec<_>>>()?;
    let most = call.argument(2, "most");
    let most = if most.is_absent()? { usize::MAX } else { usize::try_from(most.integer()?).unwrap_or(usize::MAX) };
    let Rows { columns, rows } = cell.read()?.store.ask(&query(call)?, &bound, most).map_err(refused)?;
    call.js.handle(Answered { columns, rows: RefCell::new(rows.into_iter()) })
}

fn columns(answered: &Answered, call: &Call) -> Answer<Value> {
    call.js.strings(answered.columns.iter().map(String::as_str))
}

/// `nextRows(answer)`: the values of the next rows, one after the other; none at the end.
fn next_rows(answered: &Answered, call: &Call) -> Answer<Value> {
    let rows = &mut *answered.rows.borrow_mut();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < BATCH_ROWS && bytes < BATCH_BYTES {
        let Some(row) = rows.next() else { break };
        bytes += row.iter().map(size).sum::<usize>();
        batch.push(row);
    }
    call.js.list(batch.iter().flatten(), value)
}

fn size(value: &SqlValue) -> usize {
    match value {
        SqlValue::Text(text) => text.len(),
        SqlValue::Blob(bytes) => bytes.len(),
        SqlValue::Null | SqlValue::Integer(_) | SqlValue::Real(_) => 8,
    }
}

fn value(js: Js, value: &SqlValue) -> Answer<Value> {
    match value {
        SqlValue::Null => js.null(),
        #[expect(clippy::cast_precision_loss, reason = "so the original's database library tells it")]
        SqlValue::Integer(number) => js.float(*number as f64),
        SqlValue::Real(number) => js.float(*number),
        SqlValue::Text(text) => js.string(text),
        SqlValue::Blob(bytes) => js.buffer(bytes),
    }
}
