//! The compartment map of an archive: which packages it holds, and which modules each of them has.
//!
//! Which maps are sound depends on the release of `@endo/compartment-mapper` that a node happens to run: 1.x wants every
//! module to be of exactly one kind, 2.x looks at a module only when it is loaded; 1.x allows scopes, parsers and types,
//! 2.x does not. A map is bound to its bundle by the ID, so nothing depends on its schema but whether a bundle that is in
//! use can be imported. Hence [`CompartmentMap::parse`] accepts what either release accepts. It also makes sure of what
//! both leave to the linker: every compartment's `location` names a compartment, every language has a parser.

use std::collections::HashMap;
use std::fmt;

use crate::error::ArchiveFault;
use crate::json::{JsString, Json, Object, excerpt};
use crate::policy;

/// The languages of modules that an archive may hold.
const PARSERS: [&str; 5] = ["pre-cjs-json", "pre-mjs-json", "json", "text", "bytes"];

/// Why a member of the map is refused: a place in it, shown as a path from its root.
#[derive(Clone, Copy)]
pub(crate) struct Place<'p> {
    within: Option<&'p Place<'p>>,
    name: &'p [u8],
}

impl<'p> Place<'p> {
    fn root() -> Self {
        Self { within: None, name: b"the map" }
    }

    pub(crate) fn member(&'p self, name: &'p (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self { within: Some(self), name: name.as_ref() }
    }

    pub(crate) fn fault(&self, problem: impl Into<String>) -> ArchiveFault {
        ArchiveFault::Map { path: self.to_string(), problem: problem.into() }
    }

    pub(crate) fn object<'a>(&self, json: Json<'a>) -> Result<Object<'a>, ArchiveFault> {
        json.object().ok_or_else(|| self.fault("is not an object"))
    }

    pub(crate) fn only(&self, object: &Object<'_>, known: &[&str]) -> Result<(), ArchiveFault> {
        match object.unknown(|name| known.iter().any(|known| known.as_bytes() == name)) {
            Some(name) => Err(self.fault(format!("has a member `{name}` that it must not have"))),
            None => Ok(()),
        }
    }

    fn string(&self, object: &Object<'_>, name: &str) -> Result<JsString, ArchiveFault> {
        object.get(name).and_then(Json::string).ok_or_else(|| self.member(name).fault("is not a string"))
    }

    /// An object of strings, or nothing.
    fn strings(&self, object: &Object<'_>, name: &str) -> Result<Vec<JsString>, ArchiveFault> {
        let Some(json) = object.get(name) else { return Ok(Vec::new()) };
        let here = self.member(name);
        here.object(json)?
            .iter()
            .map(|(key, value)| value.string().ok_or_else(|| here.member(key).fault("is not a string")))
            .collect()
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = excerpt(self.name);
        match self.within {
            None => f.write_str(&name),
            Some(within @ Self { within: Some(_), .. }) => write!(f, "{within}[`{name}`]"),
            Some(_) => write!(f, "`{name}`"),
        }
    }
}

/// A compartment map that keeps its schema.
#[derive(Debug)]
pub(crate) struct CompartmentMap {
    /// The compartment and the specifier of the module that an import of the archive begins with.
    pub(crate) entry: (usize, JsString),
    pub(crate) compartments: Vec<Compartment>,
    index: HashMap<JsString, usize>,
}

/// One package.
#[derive(Debug)]
pub(crate) struct Compartment {
    pub(crate) key: JsString,
    /// The package's name, without a version.
    pub(crate) name: JsString,
    /// The directory of its files, and the key of the compartment whose `modules` describe them: itself, in real maps.
    pub(crate) location: JsString,
    pub(crate) located: usize,
    pub(crate) modules: Modules,
    /// Prefixes of specifiers, each with a compartment that all modules below are found in, in the order they are tried.
    pub(crate) scopes: Vec<(JsString, JsString)>,
    pub(crate) has_policy: bool,
    pub(crate) attenuates_globals: bool,
}

/// The modules of a compartment by their full specifier.
pub(crate) type Modules = HashMap<JsString, Module>;

/// Where a module is.
#[derive(Debug)]
pub(crate) enum Module {
    /// In another compartment, or in this one under another specifier.
    Alias { compartment: JsString, specifier: JsString },
    /// In a file, below the compartment's location.
    File { location: JsString, parser: JsString, sha512: Option<JsString> },
    /// Nowhere: to run it is an error, but to load it is not.
    Deferred,
    /// Nowhere that an archive could be loaded from.
    Unloadable,
}

impl CompartmentMap {
    pub(crate) fn parse(text: &str) -> Result<Self, ArchiveFault> {
        let json = Json::parse(text).map_err(ArchiveFault::MapNotJson)?;
        let root = Place::root();
        let map = root.object(json)?;
        root.only(&map, &["tags", "entry", "compartments"])?;
        if let Some(tags) = map.get("tags") {
            let tags = tags.array().ok_or_else(|| root.member("tags").fault("is not an array"))?;
            if tags.into_iter().any(|tag| tag.string().is_none()) {
                return Err(root.member("tags").fault("is not an array of strings"));
            }
        }
        let (entry_compartment, entry_module) = parse_entry(&map, &root)?;
        let place = root.member("compartments");
        let all = place.object(map.get("compartments").ok_or_else(|| place.fault("is missing"))?)?;
        let index: HashMap<_, _> = all.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect();
        let mut compartments = Vec::with_capacity(index.len());
        for (key, json) in all.iter() {
            compartments.push(parse_compartment(key, json, &index, &place.member(key))?);
        }
        let entry = find(&index, &entry_compartment, || "the entry".into())?;
        Ok(Self { entry: (entry, entry_module), compartments, index })
    }

    /// The compartment with this key, which `user` refers to.
    pub(crate) fn find(&self, key: &JsString, user: impl FnOnce() -> String) -> Result<usize, ArchiveFault> {
        find(&self.index, key, user)
    }
}

fn find(
    index: &HashMap<JsString, usize>,
    key: &JsString,
    user: impl FnOnce() -> String,
) -> Result<usize, ArchiveFault> {
    let missing = || ArchiveFault::NoCompartment { name: key.to_string(), user: user() };
    index.get(key).copied().ok_or_else(missing)
}

fn parse_entry(map: &Object<'_>, root: &Place<'_>) -> Result<(JsString, JsString), ArchiveFault> {
    let place = root.member("entry");
    let entry = place.object(map.get("entry").ok_or_else(|| place.fault("is missing"))?)?;
    place.only(&entry, &["compartment", "module"])?;
    Ok((place.string(&entry, "compartment")?, place.string(&entry, "module")?))
}

fn parse_compartment(
    key: &JsString,
    json: Json<'_>,
    index: &HashMap<JsString, usize>,
    place: &Place<'_>,
) -> Result<Compartment, ArchiveFault> {
    let object = place.object(json)?;
    place.only(&object, &["location", "name", "label", "parsers", "types", "scopes", "modules", "policy"])?;
    let location = place.string(&object, "location")?;
    let name = place.string(&object, "name")?;
    place.string(&object, "label")?;
    let modules = parse_modules(&object, place)?;
    for language in place.strings(&object, "parsers")? {
        if !is_parser(&language) {
            return Err(place.member("parsers").fault(format!("has `{language}`, which is no language of archives")));
        }
    }
    let scopes = parse_scopes(&object, place)?;
    place.strings(&object, "types")?;
    let attenuates_globals = match object.get("policy") {
        Some(json) => policy::check(json, &place.member("policy"))?,
        None => false,
    };
    let has_policy = object.get("policy").is_some();
    if key.as_bytes() == b"<ATTENUATORS>" && !has_policy {
        return Err(place.fault("has no policy"));
    }
    let located = find(index, &location, || format!("the location of `{key}`"))?;
    let key = key.clone();
    Ok(Compartment { key, name, location, located, modules, scopes, has_policy, attenuates_globals })
}

pub(crate) fn is_parser(language: &JsString) -> bool {
    PARSERS.iter().any(|parser| parser.as_bytes() == language.as_bytes())
}

fn parse_modules(compartment: &Object<'_>, place: &Place<'_>) -> Result<Modules, ArchiveFault> {
    let Some(json) = compartment.get("modules") else { return Ok(Modules::new()) };
    let place = place.member("modules");
    let modules = place.object(json)?;
    modules
        .iter()
        .map(|(specifier, json)| Ok((specifier.clone(), parse_module(json, &place.member(specifier))?)))
        .collect()
}

fn parse_module(json: Json<'_>, place: &Place<'_>) -> Result<Module, ArchiveFault> {
    let object = place.object(json)?;
    if object.get("retained").is_some_and(|json| json.boolean().is_none()) {
        return Err(place.member("retained").fault("is not a boolean"));
    }
    if object.get("deferredError").is_some() {
        place.string(&object, "deferredError")?;
        return Ok(Module::Deferred);
    }
    let string = |name| object.get(name).and_then(Json::string);
    // With an `exit` besides, 2.x does not follow the alias, but it does load a file.
    let alias = if object.get("exit").is_none() { string("compartment").zip(string("module")) } else { None };
    if let Some((compartment, specifier)) = alias {
        return Ok(Module::Alias { compartment, specifier });
    }
    match (string("location"), string("parser"), object.get("sha512").map(Json::string)) {
        (Some(location), Some(parser), None) => Ok(Module::File { location, parser, sha512: None }),
        (Some(location), Some(parser), Some(Some(sha512))) => {
            Ok(Module::File { location, parser, sha512: Some(sha512) })
        }
        _ => Ok(Module::Unloadable),
    }
}

fn parse_scopes(compartment: &Object<'_>, place: &Place<'_>) -> Result<Vec<(JsString, JsString)>, ArchiveFault> {
    let Some(json) = compartment.get("scopes") else { return Ok(Vec::new()) };
    let place = place.member("scopes");
    let mut scopes = Vec::new();
    for (prefix, json) in place.object(json)?.iter() {
        let place = place.member(prefix);
        let scope = place.object(json)?;
        place.only(&scope, &["compartment"])?;
        scopes.push((prefix.clone(), place.string(&scope, "compartment")?));
    }
    // JavaScript lists members whose names are array indices before all others, by number.
    scopes.sort_by_key(|(prefix, _)| array_index(prefix).map_or((1, 0), |index| (0, index)));
    Ok(scopes)
}

fn array_index(name: &JsString) -> Option<u32> {
    let text = std::str::from_utf8(name.as_bytes()).ok()?;
    let index: u32 = text.parse().ok()?;
    (index != u32::MAX && index.to_string() == text).then_some(index)
}
