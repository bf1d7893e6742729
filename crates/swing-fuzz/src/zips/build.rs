//! Zip files, sound ones and such that are not.

use arbitrary::{Result, Unstructured};
use sha2::{Digest as _, Sha512};
use swing_bundle::{b1_id, check_b1};

/// A zip file that was made, and what is known of it.
pub(super) struct Built {
    pub(super) zip: Vec<u8>,
    /// Nothing was done to it that could be wrong.
    pub(super) sound: bool,
    members: Vec<Member>,
    /// Which of them is a module that has a hash.
    hashed: Option<usize>,
}

/// A member of a zip file, with what a reader must not look at.
#[derive(Clone, Default)]
struct Member {
    name: String,
    content: Vec<u8>,
    method: u16,
    flags: u16,
    date: u32,
    extra: Vec<u8>,
    attributes: u32,
    checksum_off_by: u32,
    /// In the central directory `\` stands for `/`.
    backslashes: bool,
}

impl Member {
    fn new(name: &str, content: &[u8]) -> Self {
        Self { name: name.to_owned(), content: content.to_vec(), ..Self::default() }
    }

    fn header(&self, extra: &[u8]) -> Vec<u8> {
        let length = self.content.len() as u32;
        let mut crc = flate2::Crc::new();
        crc.update(&self.content);
        let mut header = vec![10, 0];
        header.extend(self.flags.to_le_bytes());
        header.extend(self.method.to_le_bytes());
        header.extend(self.date.to_le_bytes());
        for value in [crc.sum().wrapping_add(self.checksum_off_by), length, length] {
            header.extend(value.to_le_bytes());
        }
        header.extend((self.name.len() as u16).to_le_bytes());
        header.extend((extra.len() as u16).to_le_bytes());
        header
    }
}

fn written(members: &[Member]) -> Vec<u8> {
    let (mut zip, mut central) = (Vec::new(), Vec::new());
    for member in members {
        let at = zip.len() as u32;
        zip.extend(b"PK\x03\x04");
        zip.extend(member.header(&member.extra));
        zip.extend(member.name.as_bytes());
        zip.extend(&member.extra);
        zip.extend(&member.content);
        central.extend(b"PK\x01\x02\x14\x03");
        central.extend(member.header(&[]));
        central.extend([0; 6]);
        central.extend(member.attributes.to_le_bytes());
        central.extend(at.to_le_bytes());
        let name = if member.backslashes { member.name.replace('/', "\\") } else { member.name.clone() };
        central.extend(name.as_bytes());
    }
    let (at, count) = (zip.len() as u32, members.len() as u16);
    zip.extend(&central);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend([count.to_le_bytes(), count.to_le_bytes()].as_flattened());
    zip.extend([(central.len() as u32).to_le_bytes(), at.to_le_bytes()].as_flattened());
    zip.extend([0, 0]);
    zip
}

fn sha512(content: &[u8]) -> String {
    format!("{:x}", Sha512::digest(content))
}

/// A module as the map describes it.
struct Module {
    file: &'static str,
    parser: &'static str,
    content: Vec<u8>,
    hashed: bool,
}

fn map_of(modules: &[Module]) -> String {
    let described = modules.iter().map(|module| {
        let hash = if module.hashed { format!(r#", "sha512": "{}""#, sha512(&module.content)) } else { String::new() };
        format!(r#""./{0}": {{"location": "{0}", "parser": "{1}"{hash}}}"#, module.file, module.parser)
    });
    let described = described.collect::<Vec<_>>().join(", ");
    format!(
        r#"{{"tags": [], "entry": {{"compartment": "app-v1", "module": "./main.js"}}, "compartments": {{"app-v1": {{"name": "app", "label": "app-v1", "location": "app-v1", "modules": {{{described}}}}}}}}}"#
    )
}

fn members_of(map: &str, modules: &[Module]) -> Vec<Member> {
    let files = modules.iter().map(|module| Member::new(&format!("app-v1/{}", module.file), &module.content));
    std::iter::once(Member::new("compartment-map.json", map.as_bytes())).chain(files).collect()
}

/// A zip file of modules that are what a bundler would write; the first is the entry.
pub(crate) fn sound_zip(modules: &[(&'static str, &str)]) -> Vec<u8> {
    let modules: Vec<_> = modules
        .iter()
        .map(|(file, content)| Module {
            file,
            parser: "pre-mjs-json",
            content: content.as_bytes().to_vec(),
            hashed: true,
        })
        .collect();
    written(&members_of(&map_of(&modules), &modules))
}

fn modules(choices: &mut Unstructured<'_>) -> Result<Vec<Module>> {
    const OTHERS: [&str; 4] = ["a.js", "lib/b.js", "é.js", "data.bin"];
    let count = choices.int_in_range(0..=OTHERS.len())?;
    let mut modules = Vec::new();
    for file in &OTHERS[..count] {
        let precompiled = choices.ratio(1, 2)?;
        let (parser, content) = if precompiled {
            let number: u16 = choices.arbitrary()?;
            let up = if file.contains('/') { ".." } else { "." };
            ("pre-mjs-json", format!(r#"{{"imports":["{up}/main.js"],"n":{number}}}"#).into_bytes())
        } else {
            (*choices.choose(&["text", "bytes", "json"])?, choices.arbitrary::<&[u8]>()?.to_vec())
        };
        modules.push(Module { file, parser, content, hashed: choices.ratio(7, 8)? });
    }
    // The entry needs all of them.
    let imports: Vec<String> = modules.iter().map(|module| format!("\"./{}\"", module.file)).collect();
    let content = format!(r#"{{"imports":[{}],"exports":["x"]}}"#, imports.join(",")).into_bytes();
    modules.insert(0, Module { file: "main.js", parser: "pre-mjs-json", content, hashed: choices.ratio(7, 8)? });
    Ok(modules)
}

/// What a reader may not mind.
fn dress(members: &mut Vec<Member>, choices: &mut Unstructured<'_>) -> Result<()> {
    for member in members.iter_mut() {
        let bits: u8 = choices.arbitrary()?;
        member.date = if bits & 1 == 0 { 0 } else { choices.arbitrary()? };
        member.extra = if bits & 6 == 6 { choices.arbitrary::<&[u8]>()?.to_vec() } else { Vec::new() };
    }
    let first = choices.choose_index(members.len())?;
    members.rotate_left(first);
    if choices.ratio(1, 8)? {
        members.push(Member { attributes: 0x10, ..Member::new("app-v1/lib/", b"") });
    }
    Ok(())
}

/// Something that must not be, or may be. Whether it might be wrong.
fn fault(members: &mut Vec<Member>, choices: &mut Unstructured<'_>) -> Result<bool> {
    let at = choices.choose_index(members.len())?;
    match choices.int_in_range(0..=20)? {
        0 => members[at].checksum_off_by = choices.arbitrary()?,
        1 => members[at].method = choices.arbitrary()?,
        2 => members[at].flags = choices.arbitrary()?,
        3 => members[at].attributes = choices.arbitrary()?,
        4 => drop(members.remove(at)),
        5 => members.push(Member::new(choices.arbitrary()?, choices.arbitrary()?)),
        6 => members.push(members[at].clone()),
        7 => {
            let content = &mut members[at].content;
            let from = choices.int_in_range(0..=content.len())?;
            let to = choices.int_in_range(from..=content.len())?;
            content.splice(from..to, choices.arbitrary::<&[u8]>()?.iter().copied());
        }
        8 => members[at].name = choices.arbitrary::<&str>()?.to_owned(),
        // Such a member is known by the name with them, and so no module is found there.
        10 => members[at].backslashes = true,
        9 => {
            // In the map or a module, a word for another one.
            const WORDS: [(&str, &str); 8] = [
                ("\"sha512\"", "\"sha256\""),
                ("./", "../"),
                ("app-v1", "dep-v1"),
                ("\"location\"", "\"exit\""),
                ("pre-mjs-json", "mjs"),
                ("\"name\"", "\"policy\": {}, \"name\""),
                ("\"tags\": []", "\"tags\": [1]"),
                ("\"modules\"", "\"scopes\": {\"./a\": {\"compartment\": \"app-v1\"}}, \"modules\""),
            ];
            let (from, to) = choices.choose(&WORDS)?;
            let text = String::from_utf8_lossy(&members[at].content).replace(from, to);
            members[at].content = text.into_bytes();
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// A zip file, by choices.
pub(super) fn any(choices: &mut Unstructured<'_>) -> Result<Built> {
    let modules = modules(choices)?;
    let mut members = members_of(&map_of(&modules), &modules);
    dress(&mut members, choices)?;
    let mut sound = !fault(&mut members, choices)?;
    let mut zip = written(&members);
    let hashed = modules.iter().find(|module| module.hashed && !module.content.is_empty());
    let hashed = hashed.and_then(|module| {
        let name = format!("app-v1/{}", module.file);
        members.iter().position(|member| member.name == name)
    });
    if choices.ratio(1, 8)? {
        sound = false;
        let at = choices.choose_index(zip.len())?;
        zip[at] = choices.arbitrary()?;
    }
    Ok(Built { zip, sound, members, hashed: hashed.filter(|_| sound) })
}

/// Changes a byte of a module that has a hash, and the checksum with it, which must not go unnoticed.
pub(super) fn module_byte_counts(built: &Built, choice: u8) {
    let Some(at) = built.hashed else { return };
    let mut members = built.members.clone();
    let content = &mut members[at].content;
    let place = usize::from(choice) % content.len();
    content[place] ^= 1 << (choice & 7);
    let id = b1_id(&built.zip).expect("the ID of what was accepted");
    let zip = written(&members);
    assert_eq!(b1_id(&zip).ok().as_ref(), Some(&id), "the map is the same");
    assert!(check_b1(&id, &zip).is_err(), "a changed module is accepted");
}
