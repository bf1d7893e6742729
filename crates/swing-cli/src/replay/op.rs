//! The operations of a trace, by their two letters.

/// Declares them once: variant, letters.
macro_rules! ops {
    ($($variant:ident $letters:literal),+ $(,)?) => {
        /// What a line of a trace calls.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Op { $($variant),+ }

        impl Op {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),+];

            pub(crate) fn letters(self) -> &'static str {
                match self { $(Self::$variant => $letters),+ }
            }

            pub(super) fn of(letters: &str) -> Option<Self> {
                match letters { $($letters => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

ops! {
    Open "ho", Commit "hc", Close "hx",
    KernelGet "kg", KernelHas "kh", KernelNext "kn", KernelSet "ks", KernelDelete "kd",
    HostGet "hg", HostHas "hh", HostNext "hn", HostSet "hs", HostDelete "hd",
    StartCrank "C<", EndCrank "C>", Savepoint "Cs", Rollback "Cr", EmitHashes "Ce", Activityhash "Ca",
    InitTranscript "ti", AddItem "ta", SpanBounds "tb", ReadSpan "tr",
    RolloverSpan "to", RolloverIncarnation "tn", StopTranscript "tx", DeleteTranscripts "td",
    SaveSnapshot "ss", LoadSnapshot "sl", SnapshotInfo "si", StopSnapshot "sx", DeleteSnapshots "sd", DeleteUnused "su",
    AddBundle "ba", HasBundle "bh", GetBundle "bg", DeleteBundle "bd",
}

impl Op {
    /// Whether it moves the bytes of a snapshot or a bundle: what it costs is up to them.
    pub(crate) fn moves_blobs(self) -> bool {
        matches!(self, Self::SaveSnapshot | Self::LoadSnapshot | Self::AddBundle | Self::GetBundle)
    }
}
