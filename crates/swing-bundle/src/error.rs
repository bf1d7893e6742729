//! What can be wrong with the content of a bundle.

use crate::zip::ZipFault;

/// Why a bundle's content was refused.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The ID begins with neither `b0-` nor `b1-`.
    #[error("bundle `{id}`: an ID must begin with `b0-` or `b1-`")]
    UnsupportedId {
        /// The ID.
        id: String,
    },
    /// The module format is not the one that goes with the ID.
    #[error("bundle `{id}`: module format is `{format}`, must be `{expected}`")]
    ModuleFormat {
        /// The bundle.
        id: String,
        /// Its format.
        format: String,
        /// The only format for such an ID.
        expected: &'static str,
    },
    /// The content has another hash than the ID says.
    #[error("bundle `{id}`: content hashes to `{actual}`")]
    IdMismatch {
        /// The bundle.
        id: String,
        /// The ID that fits the content.
        actual: String,
    },
    /// Text that must be UTF-8 is not.
    #[error("bundle `{id}`: text is not UTF-8 at byte {at}")]
    NotUtf8 {
        /// The bundle.
        id: String,
        /// Where it stops being UTF-8.
        at: usize,
    },
    /// Text that must be a JSON object is not.
    #[error("bundle `{id}`: text is not a JSON object")]
    NotAnObject {
        /// The bundle.
        id: String,
        /// Why it is not JSON; none if it is JSON of another kind.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// A member of the object is missing or not a string.
    #[error("bundle `{id}`: member `{member}` is missing or not a string")]
    Member {
        /// The bundle.
        id: String,
        /// The member.
        member: &'static str,
    },
    /// The text is not what `JSON.stringify` makes of the bundle's members.
    #[error("bundle `{id}`: text is not canonical from byte {at} on")]
    NotCanonical {
        /// The bundle.
        id: String,
        /// The first byte that differs.
        at: usize,
    },
    /// The zip file is not in base64.
    #[error("bundle `{id}`: `endoZipBase64` is not base64")]
    Base64 {
        /// The bundle.
        id: String,
        /// What is wrong.
        #[source]
        source: base64::DecodeError,
    },
    /// The zip file is not an archive that the reference would accept.
    #[error("bundle `{id}` is not a sound archive")]
    Archive {
        /// The bundle.
        id: String,
        /// What is wrong.
        #[source]
        source: ArchiveFault,
    },
}

/// What is wrong with the archive in a `b1-` bundle.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveFault {
    /// It is not a zip file that the reference reads.
    #[error(transparent)]
    Zip(#[from] ZipFault),
    /// It holds less than a compartment map and one module.
    #[error("archive holds {found} files, must be at least 2")]
    TooFewFiles {
        /// How many it holds.
        found: usize,
    },
    /// It has no such file.
    #[error("archive has no file `{path}`")]
    NoFile {
        /// The file.
        path: String,
    },
    /// It has files that no module of its graph is made of.
    #[error("archive has {count} extraneous files, one is `{path}`")]
    ExtraneousFiles {
        /// The first of them.
        path: String,
        /// How many.
        count: usize,
    },
    /// The compartment map is not JSON.
    #[error("compartment map is not JSON")]
    MapNotJson(#[source] serde_json::Error),
    /// The compartment map breaks its schema.
    #[error("compartment map: {path} {problem}")]
    Map {
        /// Where.
        path: String,
        /// What is wrong there.
        problem: String,
    },
    /// The compartment map refers to a compartment that it does not have.
    #[error("compartment map has no compartment `{name}`, which {user} needs")]
    NoCompartment {
        /// The missing one.
        name: String,
        /// Who refers to it.
        user: String,
    },
    /// A compartment's global object would be made by code of the archive, which is not run here.
    #[error("compartment `{compartment}` has a policy that attenuates its globals by running code")]
    Attenuator {
        /// The compartment.
        compartment: String,
    },
    /// The graph of modules needs one that the compartment map does not have.
    #[error("compartment `{compartment}` has no module `{specifier}` that could be loaded")]
    NoModule {
        /// The compartment.
        compartment: String,
        /// The module's full specifier.
        specifier: String,
    },
    /// A module stands for itself, by way of others.
    #[error("module `{specifier}` of compartment `{compartment}` is an alias of itself")]
    AliasCycle {
        /// The compartment.
        compartment: String,
        /// The module's full specifier.
        specifier: String,
    },
    /// There is no parser for a module.
    #[error("module file `{path}`: parser `{parser}` is none that an archive may use")]
    Parser {
        /// The module's file.
        path: String,
        /// The parser.
        parser: String,
    },
    /// A module's file has another SHA-512 than the compartment map says.
    #[error("module file `{path}`: hash mismatch (expected {expected}, got {actual})")]
    ModuleHash {
        /// The module's file.
        path: String,
        /// The hash in the compartment map.
        expected: String,
        /// The hash of the file.
        actual: String,
    },
    /// A module's file is not a precompiled module.
    #[error("module file `{path}` is not an object with an array of strings `imports`")]
    NotAModule {
        /// The module's file.
        path: String,
        /// Why it is not JSON; none if it is.
        #[source]
        source: Option<serde_json::Error>,
    },
    /// A module imports what cannot be resolved.
    #[error("module `{specifier}` of compartment `{compartment}` cannot import `{import}`")]
    Import {
        /// The compartment.
        compartment: String,
        /// The full specifier of the module that imports.
        specifier: String,
        /// What it imports.
        import: String,
    },
    /// The graph of modules takes too long to walk.
    #[error("graph of modules is too large")]
    TooLarge,
}
