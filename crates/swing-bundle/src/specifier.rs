//! Arithmetic on module specifiers, as `@endo/compartment-mapper` does it.
//!
//! A specifier is a path of parts joined by `/`. One that begins with `.` names a module of the same package, any other
//! begins with the name of a dependency.

use crate::json::JsString;

/// Follows a path: `.` and empty parts stay, `..` goes up. False if it goes up from nothing.
fn walk<'p>(solution: &mut Vec<&'p [u8]>, path: impl Iterator<Item = &'p [u8]>) -> bool {
    for part in path {
        match part {
            b"" | b"." => {}
            b".." => {
                if solution.pop().is_none() {
                    return false;
                }
            }
            _ => solution.push(part),
        }
    }
    true
}

fn parts(specifier: &[u8]) -> impl Iterator<Item = &[u8]> {
    specifier.split(|&byte| byte == b'/')
}

/// The full specifier that an import names, seen from the module that imports; none where the reference throws.
///
/// From the top of a package `../x` resolves to `x`: the leading `.` counts as a part that `..` may leave.
pub(crate) fn resolve(import: &[u8], referrer: &[u8]) -> Option<JsString> {
    if import.starts_with(b"/") || !referrer.starts_with(b"./") {
        return None;
    }
    let relative = matches!(parts(import).next(), Some(b"." | b".."));
    let mut solution: Vec<&[u8]> = Vec::new();
    if relative {
        solution.push(b".");
        let directory = &referrer[..referrer.iter().rposition(|&byte| byte == b'/')?];
        if !walk(&mut solution, parts(directory)) {
            return None;
        }
    }
    walk(&mut solution, parts(import)).then(|| JsString::from_wtf8(solution.join(&b'/')))
}

/// Whether an import names a place on some machine, and not in a package.
pub(crate) fn is_absolute(import: &[u8]) -> bool {
    import.starts_with(b"/") || import.starts_with(b"file://")
}

/// Whether the reference can name the source of a module of this package: the package's name ends in a proper part, and
/// the specifier is a path inside of the package.
pub(crate) fn is_internal(specifier: &[u8], package_name: &[u8]) -> bool {
    let base = parts(package_name).last();
    !matches!(base, Some(b"." | b".."))
        && parts(specifier).next() == Some(b".")
        && walk(&mut Vec::new(), parts(specifier))
}

/// The specifier inside a dependency that `specifier` names, if it begins with the dependency's `prefix`.
pub(crate) fn trim_prefix(specifier: &[u8], prefix: &[u8]) -> Option<JsString> {
    match specifier.strip_prefix(prefix)? {
        b"" => Some(".".into()),
        [b'/', rest @ ..] => Some(JsString::from_wtf8([b"./", rest].concat())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(import: &str, referrer: &str) -> Option<String> {
        resolve(import.as_bytes(), referrer.as_bytes()).map(|s| s.to_string())
    }

    /// What `resolve` of `@endo/compartment-mapper` 1.6.3 answered.
    #[test]
    fn resolution_agrees_with_the_reference() {
        for (import, referrer, full) in [
            ("./b.js", "./a.js", Some("./b.js")),
            ("./b.js", "./lib/a.js", Some("./lib/b.js")),
            ("../b.js", "./lib/a.js", Some("./b.js")),
            ("../b.js", "./a.js", Some("b.js")),
            ("../../b.js", "./a.js", None),
            (".", "./lib/a.js", Some("./lib")),
            ("..", "./a.js", Some("")),
            ("./x//y/./z", "./a.js", Some("./x/y/z")),
            ("dep", "./a.js", Some("dep")),
            ("@scope/dep/x.js", "./lib/a.js", Some("@scope/dep/x.js")),
            ("dep/../other", "./a.js", Some("other")),
            ("dep/../../other", "./a.js", None),
            ("", "./a.js", Some("")),
            ("/abs", "./a.js", None),
            ("./b.js", ".", None),
            ("./b.js", "dep", None),
            ("./b.js", "./lib/../../a.js", Some("b.js")),
            ("./b.js", "./lib/../../../a.js", None),
            (".hidden", "./lib/a.js", Some(".hidden")),
        ] {
            assert_eq!(resolved(import, referrer).as_deref(), full, "{import} from {referrer}");
        }
    }

    /// Where `join` of `@endo/compartment-mapper` 1.6.3 threw, and where it did not.
    #[test]
    fn internal_specifiers_are_those_the_reference_can_join() {
        for (specifier, name, fine) in [
            ("./index.js", "app", true),
            ("./index.js", "@scope/app", true),
            ("./index.js", "", true),
            (".", "app", true),
            ("./a/../b.js", "app", true),
            ("./a/../../b.js", "app", false),
            ("", "app", false),
            ("/x", "app", false),
            ("index.js", "app", false),
            ("../index.js", "app", false),
            ("./index.js", ".", false),
            ("./index.js", "@scope/..", false),
            ("./index.js", "../app", true),
        ] {
            assert_eq!(is_internal(specifier.as_bytes(), name.as_bytes()), fine, "{specifier} in {name}");
        }
    }

    #[test]
    fn a_prefix_ends_at_a_slash() {
        let trimmed =
            |specifier: &str, prefix: &str| trim_prefix(specifier.as_bytes(), prefix.as_bytes()).map(|s| s.to_string());
        assert_eq!(trimmed("dep", "dep").as_deref(), Some("."));
        assert_eq!(trimmed("dep/x/y", "dep").as_deref(), Some("./x/y"));
        assert_eq!(trimmed("deputy", "dep"), None);
        assert_eq!(trimmed("de", "dep"), None);
    }
}
