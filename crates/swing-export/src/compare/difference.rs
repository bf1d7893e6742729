//! In which way two values differ, in a few words.

use serde_json::{Map, Value};

/// No more characters of a value are shown.
const SHOWN: usize = 200;
/// Of what is the same before a difference.
const BEFORE: usize = 40;
/// No more fields of an object are shown.
const FIELDS: usize = 10;

/// The fields that differ, of two JSON objects; else both values, around the first difference.
pub(crate) fn difference(ours: &str, theirs: &str) -> String {
    if let (Some(ours), Some(theirs)) = (object(ours), object(theirs))
        && let Some(fields) = fields(&ours, &theirs)
    {
        return fields;
    }
    let (ours, theirs) = around(ours, theirs);
    format!("{ours:?} here, {theirs:?} there")
}

/// A value, or its beginning.
pub(crate) fn cut(value: &str) -> String {
    format!("{:?}", window(value, 0))
}

fn object(text: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}

/// `None` if they differ in how they are written alone.
fn fields(ours: &Map<String, Value>, theirs: &Map<String, Value>) -> Option<String> {
    let added = theirs.keys().filter(|name| !ours.contains_key(*name));
    let names = ours.keys().chain(added).filter(|name| ours.get(*name) != theirs.get(*name));
    let mut told: Vec<_> = names
        .map(|name| {
            let text = |of: &Map<String, Value>| of.get(name).map_or("nothing".to_owned(), ToString::to_string);
            let (ours, theirs) = (text(ours), text(theirs));
            let (ours, theirs) = around(&ours, &theirs);
            format!("{name} is {ours} here, {theirs} there")
        })
        .collect();
    let more = told.len().saturating_sub(FIELDS);
    if more > 0 {
        told.truncate(FIELDS);
        told.push(format!("and {more} more fields"));
    }
    (!told.is_empty()).then(|| told.join("; "))
}

/// Both, cut so that the first difference is to be seen.
pub(super) fn around(ours: &str, theirs: &str) -> (String, String) {
    let same = ours.chars().zip(theirs.chars()).take_while(|(ours, theirs)| ours == theirs).count();
    let from = if same < SHOWN - BEFORE { 0 } else { same - BEFORE };
    (window(ours, from), window(theirs, from))
}

/// So many characters from this one on.
fn window(text: &str, from: usize) -> String {
    let mut rest = text.chars().skip(from);
    let mut shown: String = rest.by_ref().take(SHOWN).collect();
    if rest.next().is_some() {
        shown.push('…');
    }
    if from > 0 { format!("…{shown}") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_objects_the_fields_that_differ_are_told() {
        let ours = r#"{"vatID":"v1","hash":"ab","endPos":5,"own":[1]}"#;
        let theirs = r#"{"vatID":"v1","hash":"cd","endPos":6,"isCurrent":1}"#;
        let told = difference(ours, theirs);
        for words in [r#"hash is "ab" here, "cd" there"#, "endPos is 5 here, 6 there", "own is [1] here, nothing there"]
        {
            assert!(told.contains(words), "{told}");
        }
        assert!(told.contains("isCurrent is nothing here, 1 there") && !told.contains("vatID"), "{told}");
        // Two ways to write the same are two values.
        assert_eq!(difference("{}", "{ }"), r#""{}" here, "{ }" there"#);
        let many = |value: u32| {
            format!("{{{}}}", (0..99).map(|at| format!("\"f{at}\":{value}")).collect::<Vec<_>>().join(","))
        };
        assert!(difference(&many(1), &many(2)).ends_with("; and 89 more fields"));
    }

    #[test]
    fn long_values_are_cut_around_their_first_difference() {
        assert_eq!(difference("a", "b"), r#""a" here, "b" there"#);
        let (long, tail) = ("é".repeat(1000), "é".repeat(300));
        let told = difference(&format!("{long}1{tail}"), &format!("{long}2"));
        assert_eq!(told, format!("\"…{0}1{1}…\" here, \"…{0}2\" there", "é".repeat(40), "é".repeat(159)));
        assert_eq!(cut(&long), format!("\"{}…\"", "é".repeat(200)));
        assert_eq!(cut(""), "\"\"");
    }

    #[test]
    fn what_comes_before_a_difference_is_cut_only_where_it_is_long() {
        for at in 0..300 {
            let same = "é".repeat(at);
            let told = difference(&format!("{same}1"), &format!("{same}2"));
            let shown = if at < 160 { same } else { format!("…{}", "é".repeat(40)) };
            assert_eq!(told, format!("\"{shown}1\" here, \"{shown}2\" there"));
        }
    }
}
