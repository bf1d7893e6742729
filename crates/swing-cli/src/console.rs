//! What the program says: results on standard output, everything else on standard error.

use std::fmt::Display;
use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::hint::hints;

/// In which form results are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Human,
    Json,
}

/// The two ends that a person or a script listens at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    pub(crate) format: Format,
}

impl Console {
    /// Prints a result. Somebody who has stopped listening has heard enough: that is no error.
    pub(crate) fn report(self, report: &(impl Serialize + Display)) -> Result<()> {
        let mut text = match self.format {
            Format::Human => report.to_string(),
            Format::Json => serde_json::to_string(report).context("cannot write the result as JSON")?,
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("cannot print the result"),
            _ => Ok(()),
        }
    }

    /// Prints why the command failed, and what to do about it.
    pub(crate) fn failure(self, error: &anyhow::Error) {
        complain(&format!("error: {}", chain(error)));
        hints(error).iter().for_each(|hint| complain(&format!("hint: {hint}")));
    }
}

/// Prints a line on standard error, which may be closed.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// An error and its causes in one line, none of them twice.
pub(crate) fn chain(error: &anyhow::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.iter().any(|said| said.contains(&cause)) {
            continue;
        }
        // SQLite's errors say first what, then which number that is, and what again.
        if said.last().is_some_and(|last| cause.ends_with(last)) {
            said.pop();
        }
        said.push(cause);
    }
    said.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_was_said_is_not_said_again() {
        let error = anyhow::anyhow!("disk full").context("cannot write a: disk full").context("the export failed");
        assert_eq!(chain(&error), "the export failed: cannot write a: disk full");
        let error = anyhow::anyhow!("Error code 11: malformed").context("malformed").context("cannot open a");
        assert_eq!(chain(&error), "cannot open a: Error code 11: malformed");
    }
}
