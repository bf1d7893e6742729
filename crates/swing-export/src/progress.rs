//! How far a long walk over a store has come, told to whoever wants to show it.

/// One step of an export, import or verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'s> {
    /// A new stage began, such as `"records"`.
    Stage(&'s str),
    /// This many records so far.
    Records(u64),
    /// This artifact is done.
    Artifact {
        /// Its name.
        name: &'s str,
        /// Its length in bytes; 0 when it was not read.
        bytes: u64,
    },
}

/// Told of every step.
pub type Progress<'p> = &'p mut dyn FnMut(Step<'_>);

/// Records are told of once in this many.
pub(crate) const RECORDS_PER_STEP: u64 = 1024;

/// Counts what is read through it.
pub(crate) struct Counted<R> {
    pub(crate) inner: R,
    pub(crate) bytes: u64,
}

impl<R> Counted<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, bytes: 0 }
    }
}

impl<R: std::io::Read> std::io::Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}
