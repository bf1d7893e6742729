//! What a call answered, and where two answers part.

use std::fmt;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

/// What the export callback got at one call of it.
pub(crate) type Batch = Vec<(String, Option<String>)>;

/// Everything that can be seen of a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    /// What it answered, or why it failed.
    pub(crate) outcome: Result<Value, String>,
    /// What the export callback got meanwhile.
    pub(crate) exports: Vec<Batch>,
    /// What the callback got when it failed on purpose. The reference's is lost.
    pub(crate) refused: Option<Batch>,
    /// Failures beside the call.
    pub(crate) strays: Vec<String>,
}

impl Answer {
    pub(crate) fn of(result: Result<Value>) -> Self {
        let outcome = result.map_err(|error| format!("{error:#}"));
        Self { outcome, exports: Vec::new(), refused: None, strays: Vec::new() }
    }

    /// Reads a line of the driver's.
    pub(crate) fn parse(line: &str) -> Result<Self> {
        let read = || -> Result<Self> {
            let mut answer: Value = serde_json::from_str(line)?;
            let mut part = |name: &str| answer.get_mut(name).map(Value::take);
            let outcome = match (part("ok"), part("err")) {
                (Some(value), None) => Ok(value),
                (None, Some(Value::String(message))) => Err(message),
                _ => bail!("neither result nor error"),
            };
            let exports = part("exports").map(serde_json::from_value).transpose()?.unwrap_or_default();
            let strays = part("strays").map(serde_json::from_value).transpose()?.unwrap_or_default();
            Ok(Self { outcome, exports, refused: None, strays })
        };
        read().with_context(|| format!("the driver answered {}", excerpt(line, 200)))
    }

    pub(crate) fn value(self, of: &str) -> Result<Value> {
        match self.outcome {
            Ok(value) => Ok(value),
            Err(message) => bail!("{of} failed: {message}"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Ok(value) => write!(f, "{}", shortened(value))?,
            Err(message) => write!(f, "error: {}", excerpt(message, 300))?,
        }
        for batch in &self.exports {
            write!(f, "\n              exports {}", shortened(&json!(batch)))?;
        }
        for stray in &self.strays {
            write!(f, "\n              beside it: {}", excerpt(stray, 300))?;
        }
        Ok(())
    }
}

fn excerpt(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

/// A value for people: long strings and lists only begin.
pub(crate) fn shortened(value: &Value) -> Value {
    const MOST: usize = 24;
    match value {
        Value::String(text) => excerpt(text, 160).into(),
        Value::Array(list) => {
            let mut short: Vec<_> = list.iter().take(MOST).map(shortened).collect();
            if list.len() > MOST {
                short.push(format!("… ({} in all)", list.len()).into());
            }
            short.into()
        }
        Value::Object(members) => {
            members.iter().take(MOST).map(|(name, value)| (excerpt(name, 80), shortened(value))).collect()
        }
        other => other.clone(),
    }
}

/// Says where two values part, or fails to.
pub(crate) fn expect_same(what: &str, ours: &Value, theirs: &Value) -> Result<()> {
    let Some((path, ours, theirs)) = parting(ours, theirs) else { return Ok(()) };
    let shown =
        |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), |value| shortened(value).to_string());
    bail!("{what} differ at {path}\n    ours:      {}\n    reference: {}", shown(ours), shown(theirs));
}

/// The first place where they differ.
fn parting<'v>(ours: &'v Value, theirs: &'v Value) -> Option<(String, Option<&'v Value>, Option<&'v Value>)> {
    match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) => {
            (0..ours.len().max(theirs.len())).find_map(|at| inside(format!("[{at}]"), ours.get(at), theirs.get(at)))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            let names = ours.keys().chain(theirs.keys());
            names.into_iter().find_map(|name| inside(format!(".{name}"), ours.get(name), theirs.get(name)))
        }
        _ if ours == theirs => None,
        _ => Some((String::new(), Some(ours), Some(theirs))),
    }
}

fn inside<'v>(
    step: String,
    ours: Option<&'v Value>,
    theirs: Option<&'v Value>,
) -> Option<(String, Option<&'v Value>, Option<&'v Value>)> {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => {
            parting(ours, theirs).map(|(path, ours, theirs)| (format!("{step}{path}"), ours, theirs))
        }
        _ => Some((step, ours, theirs)),
    }
}
