//! A `.sql` file, statement by statement.

/// The statements of a file in which every statement ends with a semicolon at the end of a line, and nothing else does.
pub(super) fn statements(file: &str) -> impl Iterator<Item = &str> {
    file.split(";\n").map(|statement| statement.trim_start()).filter(|statement| !statement.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_keep_their_comments_and_lose_their_semicolons() {
        let file = "-- why; so\n\nDROP TABLE a;\n\nCREATE TABLE b (\n  c -- it; too\n);\n";
        assert_eq!(
            statements(file).collect::<Vec<_>>(),
            ["-- why; so\n\nDROP TABLE a", "CREATE TABLE b (\n  c -- it; too\n)"]
        );
    }
}
