//! An error and its causes in one line, for places that take a text.

/// An error's message and those of all its sources, joined by colons. What a source says that was said before is left
/// out.
#[must_use]
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            // SQLite's: a number, and the same words again.
            let new = more.rsplit_once(": ").filter(|(_, words)| text.ends_with(words)).map_or(&*more, |(new, _)| new);
            text = format!("{text}: {new}");
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{said}")]
    struct Said {
        said: &'static str,
        source: Option<Box<Said>>,
    }

    fn chain(said: &[&'static str]) -> String {
        let errors = said.iter().rev().fold(None, |source, said| Some(Box::new(Said { said, source })));
        error_chain(&*errors.unwrap())
    }

    #[test]
    fn what_was_said_before_is_left_out() {
        assert_eq!(chain(&["no store", "the disk is full", "the disk is full"]), "no store: the disk is full");
        assert_eq!(chain(&["no store: full", "full", "code 13"]), "no store: full: code 13");
        assert_eq!(chain(&["no store", "full", "code 13: full"]), "no store: full: code 13");
        assert_eq!(chain(&["no store", "full", "code 13: damaged"]), "no store: full: code 13: damaged");
        assert_eq!(chain(&["full", "code: 13: full"]), "full: code: 13");
    }
}
