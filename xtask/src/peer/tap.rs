//! What a test runner says in the Test Anything Protocol.

/// One test, or something else that the runner found wrong, as a file that died.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Test {
    pub(crate) title: String,
    pub(crate) passed: bool,
    /// What is said about a failure.
    pub(crate) details: String,
}

/// The tests of a run. A test that was skipped has not passed.
pub(crate) fn parse(text: &str) -> Vec<Test> {
    let mut tests: Vec<Test> = Vec::new();
    for line in text.lines() {
        let result = match line.strip_prefix("not ok ") {
            Some(rest) => Some((false, rest)),
            None => line.strip_prefix("ok ").map(|rest| (true, rest)),
        };
        if let Some((passed, rest)) = result {
            let named = rest.split_once(" - ").map_or(rest, |(_, title)| title);
            let (title, skipped) = match named.rsplit_once(" # ") {
                Some((title, directive)) if directive.starts_with("SKIP") || directive.starts_with("TODO") => {
                    (title, true)
                }
                _ => (named, false),
            };
            tests.push(Test { title: title.to_owned(), passed: passed && !skipped, details: String::new() });
        } else if let Some(last) = tests.last_mut().filter(|_| line.starts_with("  ")) {
            last.details.push_str(line);
            last.details.push('\n');
        }
    }
    tests
}

#[cfg(test)]
mod tests {
    use super::{Test, parse};

    #[test]
    fn failures_have_details_and_skipped_tests_have_not_passed() {
        let text = "TAP version 13\nok 1 - a › one\nnot ok 2 - a › two\n  ---\n    message: oh\n  ...\n# note\n\
                    ok 3 - b › three - four\nok 4 - c # SKIP\n1..4\n";
        let test = |title: &str, passed, details: &str| Test { title: title.into(), passed, details: details.into() };
        let expected = [
            test("a › one", true, ""),
            test("a › two", false, "  ---\n    message: oh\n  ...\n"),
            test("b › three - four", true, ""),
            test("c", false, ""),
        ];
        assert_eq!(parse(text), expected);
    }
}
