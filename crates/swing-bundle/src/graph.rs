//! Loads the graph of modules in an archive, without running any.
//!
//! The reference loads an archive's entry module, and all that it imports, into compartments of the SES shim; that each
//! file's hash is checked, that no file is missing and that none is left over all comes out of that walk. [`load`] is the
//! same walk: a specifier is looked up in its compartment, aliases and scopes lead into others, a file is hashed and its
//! imports are resolved. What it refuses the walk of the reference refuses as well, or never finishes (a module that is
//! an alias of itself), but for what [`check_b1`](crate::check_b1) lists.
//!
//! A file whose module has no `sha512` is not bound to the bundle's ID. The reference accepts that, so this does;
//! `bundle-source` never writes such a map.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use sha2::{Digest, Sha512};

use crate::compartment_map::{Compartment, CompartmentMap, Module, is_parser};
use crate::error::ArchiveFault;
use crate::json::{JsString, Json, decode_text, excerpt};
use crate::specifier;
use crate::zip::Zip;

/// A limit for the walk, in bytes of specifiers looked at. Real archives need some megabytes; a hand-made one could need
/// a number that is quadratic in its size.
const EFFORT: u64 = 1 << 27;

/// Specifiers that find something in any object of JavaScript. What they find is no module, and loading fails.
const INHERITED: [&str; 12] = [
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
];

/// A module, by compartment and full specifier.
type Node = (usize, JsString);

/// Loads everything that the archive's entry needs.
///
/// # Errors
///
/// If a module or file is missing, a hash is wrong, or a file other than `map_path` was not needed.
pub(crate) fn load(map: &CompartmentMap, zip: &Zip<'_>, map_path: &str) -> Result<(), ArchiveFault> {
    if let Some(compartment) = map.compartments.iter().find(|compartment| compartment.attenuates_globals) {
        return Err(ArchiveFault::Attenuator { compartment: compartment.key.to_string() });
    }
    let mut walk = Walk {
        map,
        files: Files { zip, used: HashMap::new() },
        wanted: HashSet::from([map.entry.clone()]),
        queue: vec![map.entry.clone()],
        effort: EFFORT,
    };
    let mut loaded = HashSet::new();
    while let Some(mut node) = walk.queue.pop() {
        let mut aliases = HashSet::new();
        while loaded.insert(node.clone()) {
            let Some(next) = walk.visit(&node)? else { break };
            aliases.insert(node);
            node = next;
        }
        if aliases.contains(&node) {
            let (compartment, specifier) = walk.names(&node);
            return Err(ArchiveFault::AliasCycle { compartment, specifier });
        }
    }
    walk.files.leave_none_but(map_path)
}

struct Walk<'w, 'z> {
    map: &'w CompartmentMap,
    files: Files<'w, 'z>,
    /// All modules that were ever put in the queue.
    wanted: HashSet<Node>,
    queue: Vec<Node>,
    effort: u64,
}

impl<'w> Walk<'w, '_> {
    /// Follows a module one step: to the one it is an alias of, or to its file, whose imports are put in the queue.
    fn visit(&mut self, node: &Node) -> Result<Option<Node>, ArchiveFault> {
        let (at, specifier) = node;
        let map: &'w CompartmentMap = self.map;
        let compartment = &map.compartments[*at];
        let module = compartment.modules.get(specifier);
        if module.is_none() && is_inherited(specifier.as_bytes()) {
            return Err(self.no_module(node));
        }
        match module {
            Some(Module::Alias { compartment, specifier }) => {
                let next = map.find(compartment, || format!("module `{}`", node.1))?;
                return Ok(Some((next, specifier.clone())));
            }
            Some(Module::Unloadable) => {}
            _ => {
                if let Some(next) = self.through_scope(compartment, node)? {
                    return Ok(Some(next));
                }
            }
        }
        match map.compartments[compartment.located].modules.get(specifier) {
            Some(Module::Deferred) => {}
            Some(Module::File { location, parser, sha512 }) => {
                if !specifier::is_internal(specifier.as_bytes(), compartment.name.as_bytes()) {
                    return Err(self.no_module(node));
                }
                let path = [compartment.location.as_bytes(), b"/", location.as_bytes()].concat();
                let imports = self.files.module(JsString::from_wtf8(path), parser, sha512.as_ref())?;
                self.enqueue(node, &imports)?;
            }
            Some(Module::Alias { .. } | Module::Unloadable) | None => return Err(self.no_module(node)),
        }
        Ok(None)
    }

    fn through_scope(&mut self, compartment: &Compartment, node: &Node) -> Result<Option<Node>, ArchiveFault> {
        let specifier = node.1.as_bytes();
        for (prefix, target) in &compartment.scopes {
            self.spend(prefix.as_bytes().len())?;
            let Some(inside) = specifier::trim_prefix(specifier, prefix.as_bytes()) else { continue };
            let next = self.map.find(target, || format!("scope `{prefix}`"))?;
            if compartment.has_policy && !compartment.modules.contains_key(prefix) && !is_inherited(prefix.as_bytes()) {
                return Err(self.no_module(node));
            }
            return Ok(Some((next, inside)));
        }
        Ok(None)
    }

    fn enqueue(&mut self, node: &Node, imports: &[JsString]) -> Result<(), ArchiveFault> {
        let (at, specifier) = node;
        for import in imports {
            self.spend(specifier.as_bytes().len() + import.as_bytes().len())?;
            let full = match specifier::resolve(import.as_bytes(), specifier.as_bytes()) {
                // compartment-mapper 2.x leaves absolute specifiers as they are.
                _ if self.map.compartments[*at].modules.contains_key(import)
                    && specifier::is_absolute(import.as_bytes()) =>
                {
                    import.clone()
                }
                Some(full) => full,
                None => {
                    let (compartment, specifier) = self.names(node);
                    return Err(ArchiveFault::Import { compartment, specifier, import: import.to_string() });
                }
            };
            let wanted = (*at, full);
            if self.wanted.insert(wanted.clone()) {
                self.queue.push(wanted);
            }
        }
        Ok(())
    }

    /// Takes a step over `len` bytes of specifiers; the constant is what a step costs besides.
    fn spend(&mut self, len: usize) -> Result<(), ArchiveFault> {
        self.effort = self.effort.checked_sub(len as u64 + 32).ok_or(ArchiveFault::TooLarge)?;
        Ok(())
    }

    fn names(&self, node: &Node) -> (String, String) {
        (self.map.compartments[node.0].key.to_string(), node.1.to_string())
    }

    fn no_module(&self, node: &Node) -> ArchiveFault {
        let (compartment, specifier) = self.names(node);
        ArchiveFault::NoModule { compartment, specifier }
    }
}

fn is_inherited(specifier: &[u8]) -> bool {
    INHERITED.iter().any(|inherited| inherited.as_bytes() == specifier)
}

/// The files of the archive, each hashed and parsed once at most.
struct Files<'w, 'z> {
    zip: &'w Zip<'z>,
    used: HashMap<JsString, File<'z>>,
}

struct File<'z> {
    content: &'z [u8],
    sha512: Option<String>,
    imports: Option<Rc<[JsString]>>,
}

impl Files<'_, '_> {
    /// Checks a module's file against its hash, and returns what the module imports.
    fn module(
        &mut self,
        path: JsString,
        parser: &JsString,
        sha512: Option<&JsString>,
    ) -> Result<Rc<[JsString]>, ArchiveFault> {
        let name = path.to_string();
        if !is_parser(parser) {
            return Err(ArchiveFault::Parser { path: name, parser: parser.to_string() });
        }
        if !self.used.contains_key(&path) {
            let found = std::str::from_utf8(path.as_bytes()).ok().and_then(|path| self.zip.get(path));
            let content = found.ok_or_else(|| ArchiveFault::NoFile { path: name.clone() })?;
            self.used.insert(path.clone(), File { content, sha512: None, imports: None });
        }
        let Some(file) = self.used.get_mut(&path) else { return Err(ArchiveFault::NoFile { path: name }) };
        if let Some(expected) = sha512 {
            let actual = file.sha512.get_or_insert_with(|| format!("{:x}", Sha512::digest(file.content)));
            if actual.as_bytes() != expected.as_bytes() {
                let (expected, actual) = (expected.to_string(), actual.clone());
                return Err(ArchiveFault::ModuleHash { path: name, expected, actual });
            }
        }
        if !matches!(parser.as_bytes(), b"pre-mjs-json" | b"pre-cjs-json") {
            return Ok(Rc::new([]));
        }
        let imports = match &file.imports {
            Some(imports) => imports.clone(),
            None => imports_of(file.content, &name)?,
        };
        file.imports = Some(imports.clone());
        Ok(imports)
    }

    fn leave_none_but(&self, map_path: &str) -> Result<(), ArchiveFault> {
        let left = |name: &&str| *name != map_path && !self.used.contains_key(name.as_bytes());
        match self.zip.names().filter(left).min() {
            None => Ok(()),
            Some(path) => {
                let count = self.zip.names().filter(left).count();
                Err(ArchiveFault::ExtraneousFiles { path: excerpt(path.as_bytes()), count })
            }
        }
    }
}

/// The specifiers that a precompiled module imports.
fn imports_of(content: &[u8], path: &str) -> Result<Rc<[JsString]>, ArchiveFault> {
    let fault = |source| ArchiveFault::NotAModule { path: path.to_owned(), source };
    let text = decode_text(content);
    let record = Json::parse(&text).map_err(|error| fault(Some(error)))?.object();
    let imports = record.and_then(|record| record.get("imports")).and_then(Json::array);
    imports.and_then(|imports| imports.into_iter().map(Json::string).collect()).ok_or_else(|| fault(None))
}
