//! libdeflate's decompressor, asked how much of its input it has used: the one thing that its safe binding does not tell.

use std::ptr::NonNull;

use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_decompressor, libdeflate_free_decompressor,
    libdeflate_gzip_decompress_ex, libdeflate_result_LIBDEFLATE_SUCCESS as SUCCESS,
};

/// Unpacks gzip members, one after another, with the tables of one decompressor.
pub(super) struct Unpacker {
    /// `None` when there was no memory for it.
    decompressor: Option<NonNull<libdeflate_decompressor>>,
}

// SAFETY: a decompressor is memory that nobody else knows of, and it is only used through `&mut`.
unsafe impl Send for Unpacker {}

impl Unpacker {
    pub(super) fn new() -> Self {
        // SAFETY: it takes nothing and answers null when there is no memory.
        Self { decompressor: NonNull::new(unsafe { libdeflate_alloc_decompressor() }) }
    }

    /// Fills `raw` from `gzip`. Answers whether it is one member that ends where `gzip` does and gives just these bytes.
    pub(super) fn fill(&mut self, gzip: &[u8], raw: &mut [u8]) -> bool {
        let Some(decompressor) = self.decompressor else { return false };
        let (mut used, mut made) = (0, 0);
        // SAFETY: the decompressor is live until `drop`; both slices are valid for the lengths that are given with them, one for
        // reading and the other for writing; the two results are written to locals that outlive the call.
        let result = unsafe {
            libdeflate_gzip_decompress_ex(
                decompressor.as_ptr(),
                gzip.as_ptr().cast(),
                gzip.len(),
                raw.as_mut_ptr().cast(),
                raw.len(),
                &raw mut used,
                &raw mut made,
            )
        };
        result == SUCCESS && used == gzip.len() && made == raw.len()
    }
}

impl Drop for Unpacker {
    fn drop(&mut self) {
        if let Some(decompressor) = self.decompressor.take() {
            // SAFETY: it came from the allocation in `new` and is freed once.
            unsafe { libdeflate_free_decompressor(decompressor.as_ptr()) }
        }
    }
}
