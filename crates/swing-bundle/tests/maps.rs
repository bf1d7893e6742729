//! Compartment maps and modules that are odd or wrong, in sound zip files, each with the ID of its own map. For each of
//! them `reference.mjs` says that 1.x or 2.x of `@endo/compartment-mapper` decides the same.

mod support;

use serde_json::{Value, json};
use support::{Archive, Case, Expect, Member, PACKAGES, TINY, TINY_MODULE, run};

fn bundle(zip: &[u8], name: &'static str, expect: Expect, change: impl FnOnce(&mut Archive)) -> Case {
    let mut archive = Archive::read(zip);
    change(&mut archive);
    Case { name, id: archive.id(), zip: archive.write(), expect }
}

/// The tiny bundle with another compartment map.
fn map(name: &'static str, expect: Expect, edit: impl FnOnce(&mut Value)) -> Case {
    bundle(TINY, name, expect, |archive| archive.edit_map(edit))
}

/// The bundle with packages, with another compartment map.
fn packages(name: &'static str, expect: Expect, edit: impl FnOnce(&mut Value)) -> Case {
    bundle(PACKAGES, name, expect, |archive| archive.edit_map(edit))
}

/// The tiny bundle with this in place of a string in the text of its map.
fn text(name: &'static str, expect: Expect, from: &str, to: &str) -> Case {
    bundle(TINY, name, expect, |archive| archive.replace_in_map(from, to))
}

/// The tiny bundle with another module, and the hash of that in its map.
fn module(name: &'static str, expect: Expect, content: &[u8]) -> Case {
    bundle(TINY, name, expect, |archive| archive.set_module(TINY_MODULE, content))
}

/// The compartment of the tiny bundle.
fn tiny(map: &mut Value) -> &mut Value {
    &mut map["compartments"]["tiny-v1.0.0"]
}

fn app(map: &mut Value) -> &mut Value {
    &mut map["compartments"]["app-v1.0.0"]
}

#[test]
fn the_map_as_json() {
    use Expect::{Fine, Refused};
    run(&[
        text("other white space", Fine, "\n", "\r\t \n"),
        text("byte order mark", Fine, "{", "\u{feff}{"),
        text("two byte order marks", Refused("not JSON"), "{", "\u{feff}\u{feff}{"),
        text("lone surrogate", Fine, "$root$", "\\ud83d\\ud83d\\ude00"),
        text("lone surrogate in a hash", Refused("hash mismatch"), r#""sha512": ""#, r#""sha512": "\ud800"#),
        text("lone surrogate in a path", Refused("no file"), r#""location": "index"#, r#""location": "\ud800index"#),
        text("a member twice, the last one right", Fine, r#""entry":"#, r#""entry": 1, "entry":"#),
        text("a member twice, the last one wrong", Refused("`entry` is not an object"), "\n}", ",\"entry\": 1}"),
        text("a huge number", Fine, r#""name":"#, r#""name": 1e999, "name":"#),
        text("something behind it", Refused("not JSON"), "\n}", "}x"),
        text("escaped names", Fine, r#""entry":"#, r#""\u0065ntr\u0079":"#),
        bundle(TINY, "bad UTF-8 in a label", Fine, |archive| {
            let content = &mut archive.map().content;
            let at = content.windows(4).position(|bytes| bytes == b"root").unwrap_or_default();
            content[at] = 0xff;
        }),
    ]);
}

#[test]
fn the_schema_of_the_map() {
    use Expect::{Fine, Refused};
    let policy = |policy: Value| move |map: &mut Value| tiny(map)["policy"] = policy;
    run(&[
        map("extra member", Refused("the map has a member `extra`"), |m| m["extra"] = json!(1)),
        map("an array", Refused("the map is not an object"), |m| *m = json!([])),
        map("null", Refused("the map is not an object"), |m| *m = json!(null)),
        map("no tags", Fine, |m| drop(m.as_object_mut().map(|m| m.remove("tags")))),
        map("tags that are no array", Refused("`tags` is not an array"), |m| m["tags"] = json!({})),
        map("tags that are no strings", Refused("array of strings"), |m| m["tags"] = json!([1])),
        map("no entry", Refused("`entry` is missing"), |m| drop(m.as_object_mut().map(|m| m.remove("entry")))),
        map("extra member of the entry", Refused("`entry` has a member `x`"), |m| m["entry"]["x"] = json!(1)),
        map("entry module not a string", Refused("`entry`[`module`] is not a string"), |m| {
            m["entry"]["module"] = json!(1)
        }),
        map("unknown entry", Refused("no compartment `x`, which the entry needs"), |m| {
            m["entry"]["compartment"] = json!("x")
        }),
        map("no compartments", Refused("`compartments`"), |m| m["compartments"] = json!(null)),
        map("extra member of a compartment", Refused("has a member `x`"), |m| tiny(m)["x"] = json!(1)),
        map("label not a string", Refused("[`label`] is not a string"), |m| tiny(m)["label"] = json!(1)),
        map("name not a string", Refused("[`name`] is not a string"), |m| tiny(m)["name"] = json!(null)),
        map("unknown location", Refused("the location of `tiny-v1.0.0`"), |m| tiny(m)["location"] = json!("x")),
        map("module not an object", Refused("[`./x`] is not an object"), |m| tiny(m)["modules"]["./x"] = json!("x")),
        map("modules not an object", Refused("[`modules`] is not an object"), |m| tiny(m)["modules"] = json!(7)),
        map("retained not a boolean", Refused("is not a boolean"), |m| {
            tiny(m)["modules"]["./x"] = json!({"retained": 1})
        }),
        map("members of 2.x", Fine, |m| tiny(m)["modules"]["./index.js"]["__createdBy"] = json!("digest")),
        map("a module of no kind, not loaded", Fine, |m| tiny(m)["modules"]["./x"] = json!({"x": 1})),
        map("parsers", Fine, |m| tiny(m)["parsers"] = json!({"js": "pre-mjs-json"})),
        map("parsers no archive has", Refused("`mjs`, which is no language"), |m| {
            tiny(m)["parsers"] = json!({"js": "mjs"})
        }),
        map("types", Fine, |m| tiny(m)["types"] = json!({"x": "y"})),
        map("types that are no strings", Refused("is not a string"), |m| tiny(m)["types"] = json!({"x": 1})),
        map("scope without a compartment", Refused("is not a string"), |m| tiny(m)["scopes"] = json!({"x": {}})),
        map("empty policy", Fine, policy(json!({}))),
        map(
            "policy of everything",
            Fine,
            policy(
                json!({"packages": "any", "globals": {"x": true}, "builtins": {"fs": ["p"], "x": {"attenuate": "y"}}, "noGlobalFreeze": true, "options": 1, "defaultAttenuator": "z"}),
            ),
        ),
        map("policy not an object", Refused("is not an object"), policy(json!("any"))),
        map("policy with more", Refused("has a member `x`"), policy(json!({"x": 1}))),
        map("policy with numbers", Refused("must be"), policy(json!({"packages": {"x": 1}}))),
        map("policy that runs code", Refused("by running code"), policy(json!({"globals": ["x"]}))),
        map("attenuators without a policy", Refused("has no policy"), |m| {
            m["compartments"]["<ATTENUATORS>"] =
                json!({"name": "x", "label": "x", "location": "tiny-v1.0.0", "modules": {}});
        }),
    ]);
}

#[test]
fn the_graph_of_modules() {
    use Expect::{Fine, Refused};
    let (main, alias) = ("./main.js", |module: &str| json!({"compartment": "tiny-v1.0.0", "module": module}));
    run(&[
        map("entry that is no module", Refused("no module `./x`"), |m| m["entry"]["module"] = json!("./x")),
        map("entry by an alias", Fine, |m| {
            tiny(m)["modules"]["./x"] = alias("./index.js");
            m["entry"]["module"] = json!("./x");
        }),
        map("alias of itself", Refused("is an alias of itself"), |m| {
            tiny(m)["modules"]["./index.js"] = alias("./index.js")
        }),
        map("aliases of one another", Refused("is an alias of itself"), |m| {
            tiny(m)["modules"]["./index.js"] = alias("./x");
            tiny(m)["modules"]["./x"] = alias("./y");
            tiny(m)["modules"]["./y"] = alias("./x");
        }),
        map("alias into nowhere", Refused("no compartment `x`"), |m| {
            tiny(m)["modules"]["./index.js"] = json!({"compartment": "x", "module": "./index.js"});
        }),
        map("file of a module that is not loaded", Refused("extraneous"), |m| {
            let file = tiny(m)["modules"]["./index.js"].take();
            tiny(m)["modules"] = json!({"./other.js": file, "./index.js": {"deferredError": "no"}});
        }),
        map("missing file of a module that is not loaded", Fine, |m| {
            tiny(m)["modules"]["./x"] = json!({"location": "x.js", "parser": "zzz"});
        }),
        map("unknown parser", Refused("parser `mjs`"), |m| tiny(m)["modules"]["./index.js"]["parser"] = json!("mjs")),
        map("module as text", Fine, |m| tiny(m)["modules"]["./index.js"]["parser"] = json!("text")),
        map("exit module", Refused("no module `./index.js`"), |m| {
            tiny(m)["modules"]["./index.js"] = json!({"exit": "fs"})
        }),
        map("specifier outside of the package", Refused("no module `index.js`"), |m| {
            let file = tiny(m)["modules"]["./index.js"].take();
            tiny(m)["modules"] = json!({"index.js": file});
            m["entry"]["module"] = json!("index.js");
        }),
        map("package with a bad name", Refused("no module"), |m| tiny(m)["name"] = json!("@scope/..")),
        map("entry by a name every object has", Refused("no module `constructor`"), |m| {
            m["entry"]["module"] = json!("constructor")
        }),
        map("entry by a scope", Fine, |m| {
            tiny(m)["scopes"] = json!({"tiny": {"compartment": "tiny-v1.0.0"}});
            m["entry"]["module"] = json!("tiny/index.js");
        }),
        map("scope by a name every object has", Refused("no module `constructor`"), |m| {
            tiny(m)["scopes"] = json!({"constructor": {"compartment": "tiny-v1.0.0"}});
            tiny(m)["modules"]["."] = alias("./index.js");
            m["entry"]["module"] = json!("constructor");
        }),
        map("scope into nowhere", Refused("no compartment `x`, which scope `tiny`"), |m| {
            tiny(m)["scopes"] = json!({"tiny": {"compartment": "x"}});
            m["entry"]["module"] = json!("tiny/index.js");
        }),
        map("scope that the policy does not allow", Refused("no module `tiny/index.js`"), |m| {
            tiny(m)["scopes"] = json!({"tiny": {"compartment": "tiny-v1.0.0"}});
            tiny(m)["policy"] = json!({});
            m["entry"]["module"] = json!("tiny/index.js");
        }),
        packages("dependency by a scope", Fine, |m| {
            app(m)["modules"]["dep"].take();
            if let Some(modules) = app(m)["modules"].as_object_mut() {
                modules.remove("dep");
            }
            app(m)["scopes"] = json!({"dep": {"compartment": "dep-v2.0.0"}});
            m["compartments"]["dep-v2.0.0"]["modules"]["."] = json!({"compartment": "dep-v2.0.0", "module": main});
        }),
        bundle(PACKAGES, "missing file", Refused("no file `dep-v2.0.0/main.js`"), |archive| {
            archive.members.retain(|member| member.name != b"dep-v2.0.0/main.js");
        }),
        packages("missing dependency", Refused("no module `dep`"), |m| {
            drop(app(m)["modules"].as_object_mut().map(|modules| modules.remove("dep")));
        }),
        packages("deferred dependency", Refused("extraneous files, one is `dep-v2.0.0/main.js`"), |m| {
            app(m)["modules"]["dep"] = json!({"deferredError": "no"});
        }),
        packages("another package's location", Refused("no module"), |m| app(m)["location"] = json!("dep-v2.0.0")),
        bundle(PACKAGES, "one file of two modules", Fine, |archive| {
            archive.edit_map(|m| {
                let file = app(m)["modules"]["./lib/add.js"].clone();
                app(m)["modules"]["./lib/facts.json"] = file;
            });
            archive.members.retain(|member| member.name != b"app-v1.0.0/lib/facts.json");
        }),
        bundle(TINY, "no hash, another module", Fine, |archive| {
            archive.edit_map(|m| drop(tiny(m)["modules"]["./index.js"].as_object_mut().map(|m| m.remove("sha512"))));
            archive.member(TINY_MODULE).content = br#"{"imports":[]}"#.to_vec();
        }),
        bundle(TINY, "hash in capitals", Refused("hash mismatch"), |archive| {
            archive.edit_map(|m| {
                let hash = &mut tiny(m)["modules"]["./index.js"]["sha512"];
                *hash = json!(hash.as_str().unwrap_or_default().to_uppercase());
            });
        }),
        bundle(TINY, "package with an odd name", Fine, |archive| {
            archive.edit_map(|m| {
                let mut compartment = tiny(m).take();
                compartment["location"] = json!("é b\\");
                m["compartments"] = json!({"é b\\": compartment});
                m["entry"]["compartment"] = json!("é b\\");
            });
            let content = archive.member(TINY_MODULE).content.clone();
            archive.members[1] =
                Member { local_name: Some("é b//index.js".into()), ..Member::new("é b\\/index.js", &content) };
        }),
    ]);
}

#[test]
fn the_imports_of_a_module() {
    use Expect::{Fine, Refused};
    run(&[
        module("nothing but imports", Fine, br#"{"imports":[]}"#),
        module("import of itself", Fine, br#"{"imports":["./index.js","././x/../index.js"]}"#),
        module("byte order mark", Fine, b"\xef\xbb\xbf{\"imports\":[]}"),
        module("bad UTF-8", Fine, b"{\"imports\":[],\"x\":\"\xff\"}"),
        module("lone surrogate", Fine, br#"{"imports":[],"x":"\ud800"}"#),
        module("imports twice", Fine, br#"{"imports":["x"],"n":1e999,"imports":[]}"#),
        module("no imports", Refused("array of strings `imports`"), b"{}"),
        module("import that is no string", Refused("array of strings `imports`"), br#"{"imports":[1]}"#),
        module("imports that are no array", Refused("array of strings `imports`"), br#"{"imports":{}}"#),
        module("null", Refused("array of strings `imports`"), b"null"),
        module("array", Refused("array of strings `imports`"), b"[]"),
        module("no JSON", Refused("array of strings `imports`"), b"export const answer = 42;"),
        module("import of nothing", Refused("no module `./x.js`"), br#"{"imports":["./x.js"]}"#),
        module("import of a lone surrogate", Refused("no module"), br#"{"imports":["\ud800"]}"#),
        module("import of an absolute path", Refused("cannot import `/x`"), br#"{"imports":["/x"]}"#),
        module("import from above", Refused("cannot import `../../x`"), br#"{"imports":["../../x"]}"#),
        bundle(TINY, "import of what is deferred", Fine, |archive| {
            archive.set_module(TINY_MODULE, br#"{"imports":["../x","file:///y"]}"#);
            archive.edit_map(|m| {
                tiny(m)["modules"]["x"] = json!({"deferredError": "no"});
                tiny(m)["modules"]["file:///y"] = json!({"deferredError": "no"});
            });
        }),
    ]);
}

/// One file that many modules share, each of which imports all of them by other words: the reference would be at it for
/// hours.
#[test]
fn a_graph_that_is_the_square_of_its_archive_is_given_up_soon() {
    let imports: Vec<String> = (0..2_000).map(|n| format!("./{n}.js")).collect();
    let record = json!({ "imports": imports }).to_string();
    let file = json!({"location": "index.js", "parser": "pre-mjs-json"});
    let mut archive = Archive::read(TINY);
    archive.member(TINY_MODULE).content = record.into_bytes();
    archive.edit_map(|m| {
        let modules =
            imports.iter().map(|specifier| (format!("./{}{}", "x/".repeat(200), &specifier[2..]), file.clone()));
        tiny(m)["modules"] = Value::Object(modules.collect());
        m["entry"]["module"] = json!(format!("./{}0.js", "x/".repeat(200)));
    });
    let error = swing_bundle::check_b1(&archive.id(), &archive.write()).unwrap_err();
    assert!(support::chain(&error).contains("too large"), "{error:?}");
}
