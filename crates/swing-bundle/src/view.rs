//! The bundleStore as a kernel calls it. Bundles are few and written rarely, so there is nothing to keep in memory:
//! every call goes to the table, inside the session's transaction.

use swing_core::roles::{Bundle, BundleStore};
use swing_core::session::{Reader, Scope};
use swing_core::{BundleId, BundleKind, Session, SessionError};

use crate::content::{Stored, from_artifact, from_object};
use crate::error::ContentError;
use crate::schema::BUNDLES;

/// A call that could not be answered. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The bundle is not what its ID says.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The ID is that of a bundle of the other kind.
    #[error("bundle {id:?} is not of the format that its ID says")]
    WrongKind {
        /// The ID.
        id: BundleId,
    },
    /// There is a bundle of that ID.
    #[error("bundle {id:?} is in the store already")]
    Exists {
        /// The ID.
        id: BundleId,
    },
    /// There is none.
    #[error("bundle {id:?} not found")]
    NotFound {
        /// The ID.
        id: BundleId,
    },
    /// There is only a record of one.
    #[error("bundle {id:?} pruned")]
    Pruned {
        /// The ID.
        id: BundleId,
    },
    /// What is stored is no text, where it should be.
    #[error("bundle {id:?} is corrupt: its text is not UTF-8")]
    NotText {
        /// The ID.
        id: BundleId,
    },
    /// The database failed.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// Whether a row is there, and with its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Absent,
    Record,
    Content,
}

/// The bundleStore over a session.
pub struct Bundles<'s> {
    session: &'s mut Session,
}

swing_core::opaque!(Bundles<'_>);

impl<'s> Bundles<'s> {
    /// The bundleStore of the store that `session` has open.
    pub fn new(session: &'s mut Session) -> Self {
        Self { session }
    }

    fn presence(&self, id: &BundleId) -> Result<Presence, SessionError> {
        const SQL: &str = "SELECT bundle IS NOT NULL FROM bundles WHERE bundleID = ?1";
        Ok(match self.session.read().one(SQL, [id], |row| row.get(0))? {
            None => Presence::Absent,
            Some(false) => Presence::Record,
            Some(true) => Presence::Content,
        })
    }

    /// The IDs of all bundles, in order, also of those whose content is missing.
    ///
    /// # Errors
    /// [`BundleError::Session`] when the rows cannot be read.
    pub fn ids(&self) -> Result<Vec<BundleId>, BundleError> {
        const SQL: &str = "SELECT bundleID FROM bundles ORDER BY bundleID";
        Ok(self.session.read().all(SQL, [], |row| row.get(0))?)
    }

    /// Adds the record of a bundle whose content is still to come, as an import does. Nothing is exported.
    ///
    /// # Errors
    /// [`BundleError::Exists`], or a failure of the database.
    pub fn add_record(&mut self, id: &BundleId) -> Result<(), BundleError> {
        const SQL: &str = "INSERT INTO bundles (bundleID, bundle) VALUES (?1, NULL)";
        if self.presence(id)? != Presence::Absent {
            return Err(BundleError::Exists { id: id.clone() });
        }
        self.session.write()?.run_over(BUNDLES, row(id), SQL, [id])?;
        Ok(())
    }

    /// Gives a record its content: an artifact, which is held to everything that the ID can vouch for. Nothing is exported.
    ///
    /// # Errors
    /// [`BundleError::Content`] when it is not the bundle's artifact, [`BundleError::NotFound`] when there is no record.
    pub fn populate(&mut self, id: &BundleId, artifact: &[u8]) -> Result<(), BundleError> {
        const SQL: &str = "UPDATE bundles SET bundle = ?2 WHERE bundleID = ?1";
        let stored = from_artifact(id.as_str(), artifact)?;
        if self.presence(id)? == Presence::Absent {
            return Err(BundleError::NotFound { id: id.clone() });
        }
        let mut writer = self.session.write()?;
        match &stored {
            Stored::Text(text) => writer.run_over(BUNDLES, row(id), SQL, (id, text.as_ref()))?,
            Stored::Zip(zip) => writer.run_over(BUNDLES, row(id), SQL, (id, zip.as_ref()))?,
        };
        Ok(())
    }

    /// A bundle's stored bytes, which are its artifact; `None` when its content is missing.
    ///
    /// # Errors
    /// [`BundleError::NotFound`] when there is no such bundle.
    pub fn stored(&self, id: &BundleId) -> Result<Option<Vec<u8>>, BundleError> {
        stored(self.session.read(), id)?.ok_or_else(|| BundleError::NotFound { id: id.clone() })
    }
}

/// The stored bytes: the outer `None` when there is no row, the inner one when it has no content.
pub(crate) fn stored(db: Reader<'_>, id: &BundleId) -> Result<Option<Option<Vec<u8>>>, SessionError> {
    const SQL: &str = "SELECT bundle FROM bundles WHERE bundleID = ?1";
    db.one(SQL, [id], |row| Ok(row.get_ref(0)?.as_bytes_or_null()?.map(<[u8]>::to_vec)))
}

/// The row of a bundle.
fn row(id: &BundleId) -> Scope<[&BundleId; 1]> {
    Scope { condition: "bundleID = ?1", params: [id] }
}

/// Checks a bundle against its ID and answers what is to be stored.
fn checked<'b>(id: &BundleId, bundle: &'b Bundle) -> Result<Stored<'b>, BundleError> {
    match (id.kind(), bundle) {
        (BundleKind::NestedEvaluate, Bundle::NestedEvaluate(text)) => Ok(from_object(id.as_str(), text)?),
        (BundleKind::EndoZip, Bundle::EndoZip { sha512, zip }) => {
            if id.hash() != sha512 {
                return Err(ContentError::IdMismatch { id: id.to_string(), actual: format!("b1-{sha512}") }.into());
            }
            Ok(Stored::Zip(zip.into()))
        }
        _ => Err(BundleError::WrongKind { id: id.clone() }),
    }
}

impl BundleStore for Bundles<'_> {
    type Error = BundleError;

    fn add_bundle(&mut self, id: &BundleId, bundle: &Bundle) -> Result<(), BundleError> {
        const SQL: &str = "INSERT INTO bundles (bundleID, bundle) VALUES (?1, ?2)";
        let stored = checked(id, bundle)?;
        if self.presence(id)? != Presence::Absent {
            return Err(BundleError::Exists { id: id.clone() });
        }
        let mut writer = self.session.write()?;
        match &stored {
            Stored::Text(text) => writer.run_over(BUNDLES, row(id), SQL, (id, text.as_ref()))?,
            Stored::Zip(zip) => writer.run_over(BUNDLES, row(id), SQL, (id, zip.as_ref()))?,
        };
        writer.note_export(format!("bundle.{id}"), Some(id.as_str().into()));
        Ok(())
    }

    fn has_bundle(&mut self, id: &BundleId) -> Result<bool, BundleError> {
        Ok(self.presence(id)? == Presence::Content)
    }

    fn get_bundle(&mut self, id: &BundleId) -> Result<Bundle, BundleError> {
        let bytes = self.stored(id)?.ok_or_else(|| BundleError::Pruned { id: id.clone() })?;
        match id.kind() {
            BundleKind::NestedEvaluate => match String::from_utf8(bytes) {
                Ok(text) => Ok(Bundle::NestedEvaluate(text)),
                Err(_) => Err(BundleError::NotText { id: id.clone() }),
            },
            BundleKind::EndoZip => Ok(Bundle::EndoZip { sha512: id.hash().to_owned(), zip: bytes }),
        }
    }

    fn delete_bundle(&mut self, id: &BundleId) -> Result<(), BundleError> {
        const SQL: &str = "DELETE FROM bundles WHERE bundleID = ?1";
        if self.presence(id)? == Presence::Content {
            let mut writer = self.session.write()?;
            writer.run_over(BUNDLES, row(id), SQL, [id])?;
            writer.note_export(format!("bundle.{id}"), None);
        }
        Ok(())
    }
}
