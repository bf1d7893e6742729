//! What a case is, as a line of `fixtures/hostile/cases.jsonl`.

use serde::{Deserialize, Serialize};

/// What is fed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// Records and artifacts, to be imported.
    Dataset,
    /// A dataset on disk, manifest and all.
    Folder,
    /// A database, to be exported and verified.
    Database,
    /// Files of an archive, to be read.
    Archive,
}

/// Some bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bytes {
    /// A text.
    Text(String),
    /// Hex digits.
    Hex(String),
    /// A text, over and over.
    Times(String, u64),
}

/// One change of a fixture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Edit {
    /// Gives a record this text, or adds it.
    Record(String, String),
    /// Takes a record away.
    NoRecord(String),
    /// Gives a record another key.
    RecordKey(String, String),
    /// Replaces a part of a record's text.
    InRecord(String, String, String),
    /// Adds a line to the export data as it is.
    RawLine(Bytes),
    /// Makes the export data these lines alone.
    OnlyLines(Vec<String>),
    /// Makes an artifact of these bytes, or adds it.
    Artifact(String, Bytes),
    /// Adds bytes to the end of an artifact or file.
    Append(String, Bytes),
    /// Adds bytes to the beginning.
    Prepend(String, Bytes),
    /// Takes so many bytes off the end.
    Cut(String, u64),
    /// Flips a bit.
    Flip(String, u64),
    /// Replaces all of some bytes by others.
    Replace(String, Bytes, Bytes),
    /// Takes an artifact or file away.
    NoArtifact(String),
    /// Offers an artifact or file under another name.
    Rename(String, String),
    /// Offers the bytes of the first name under the second one too.
    Copy(String, String),
    /// Makes the source fail after so many bytes of an artifact.
    Fails(String, u64),
    /// Offers an artifact under a long name: a beginning, a text over and over, an end.
    LongName(String, String, Bytes, String),
    /// Makes the manifest this text.
    Manifest(Bytes),
    /// Gives the manifest's field this value.
    Field(String, serde_json::Value),
    /// Puts an artifact's file elsewhere.
    FileName(String, String),
    /// Makes an artifact's file a link.
    Link(String, String),
    /// Changes the database.
    Sql(String),
}

/// A recipe, where it comes from, and what is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its name, which is unique.
    pub name: String,
    /// The weakness of the reference that it is about, by its number there; or its family.
    pub about: String,
    /// What is fed in.
    pub input: Input,
    /// The fixture that is edited.
    pub base: String,
    /// The mode of the import or export.
    pub mode: String,
    /// What is changed.
    pub edits: Vec<Edit>,
    /// After how many bytes of artifacts the error can be proved by length alone, where it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provable_at: Option<u64>,
    /// Why that is right.
    pub why: String,
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is taken.
    Accepted,
    /// It is refused, with these words.
    Refused(String),
    /// The process ends, or would, by an error that nobody can catch.
    Dies(String),
    /// It has nothing that takes such a thing.
    Nothing,
}

impl Verdict {
    /// The same with no more of the words than a person would read.
    #[must_use]
    pub fn shortened(self) -> Self {
        const MOST: usize = 300;
        let short = |text: String| match text.chars().count() {
            count if count > MOST => {
                let kept: String = text.chars().take(MOST).collect();
                format!("{kept}… and {} more", count - MOST)
            }
            _ => text,
        };
        match self {
            Self::Refused(text) => Self::Refused(short(text)),
            Self::Dies(text) => Self::Dies(short(text)),
            other => other,
        }
    }
}

/// A case and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The case.
    #[serde(flatten)]
    pub case: Case,
    /// What the reference does.
    pub reference: Verdict,
    /// What we do.
    pub ours: Verdict,
}
