//! Zip files that are odd or wrong around sound modules: the ID stays, the shape decides. `reference.mjs` says that
//! `@endo/zip` decides the same for each of them, and the comments say where that may surprise.

mod support;

use support::{Archive, Case, Expect, Member, PACKAGES, PACKAGES_ID, TINY, TINY_ID, TINY_MODULE, run};

/// The tiny bundle in another shape, under its own ID.
fn shape(name: &'static str, expect: Expect, change: impl FnOnce(&mut Archive)) -> Case {
    let mut archive = Archive::read(TINY);
    change(&mut archive);
    Case { name, id: TINY_ID.to_owned(), zip: archive.write(), expect }
}

fn module(archive: &mut Archive) -> &mut Member {
    archive.member(TINY_MODULE)
}

#[test]
fn the_writer_of_these_tests_writes_canonical_zip_files() {
    for zip in [TINY, PACKAGES] {
        assert_eq!(Archive::read(zip).write(), zip);
    }
}

#[test]
fn freedom_that_a_zip_file_has() {
    use Expect::Fine;
    run(&[
        shape("as it is", Fine, |_| {}),
        shape("members in another order", Fine, |a| a.members.reverse()),
        shape("a date", Fine, |a| module(a).date = 0x5a21_6000),
        shape("extra fields", Fine, |a| module(a).extra = b"extra".to_vec()),
        shape("a member's comment", Fine, |a| module(a).comment = b"comment".to_vec()),
        shape("bytes between members", Fine, |a| module(a).junk_before = vec![b'x'; 99]),
        shape("bytes after the central directory", Fine, |a| a.junk_after_central = b"xyz".to_vec()),
        shape("disk numbers", Fine, |a| (a.disks, module(a).disk) = ([1, 2], 65535)),
        shape("another count for this disk", Fine, |a| a.count_here = Some(7)),
        shape("a size that both headers lie about", Fine, |a| module(a).uncompressed_len = Some(7)),
        shape("flags nobody looks at", Fine, |a| module(a).flags = 0x0808),
        shape("a member without a signature", Fine, |a| module(a).unsigned = true),
        shape("one byte before", Fine, |a| a.junk_before = vec![b'x']),
        shape("22 bytes before", Fine, |a| a.junk_before = vec![b'x'; 22]),
        shape("a directory", Fine, |a| a.members.push(Member { attributes: 0x10, ..Member::new("dir/", b"") })),
        shape("a compressed directory with content", Fine, |a| {
            a.members.push(Member { attributes: 0x10, method: 8, ..Member::new("dir/", b"what") });
        }),
        shape("a member listed twice", Fine, |a| module(a).central_records = Some(2)),
        shape("a wrong member, replaced by the right one", Fine, |a| {
            a.members.insert(0, Member::new(TINY_MODULE, b"other"));
        }),
        shape("a name with a byte order mark", Fine, |a| {
            module(a).name = [b"\xef\xbb\xbf", TINY_MODULE.as_bytes()].concat();
        }),
    ]);
}

#[test]
fn damage_that_a_zip_file_may_have() {
    use Expect::Refused;
    run(&[
        shape("23 bytes before", Refused("ends within"), |a| a.junk_before = vec![b'x'; 23]),
        shape("trailing byte", Refused("no end record"), |a| a.junk_after = vec![0]),
        shape("trailing end record", Refused("ends within"), |a| a.junk_after = Archive::default().write()),
        shape("comment", Refused("no end record"), |a| a.comment = b"comment".to_vec()),
        shape("extra file", Refused("1 extraneous files, one is `junk`"), |a| a.members.push(Member::new("junk", b""))),
        shape("extra file with a bad name", Refused("extraneous"), |a| {
            a.members.push(Member { name: b"\xff".to_vec(), ..Member::new("", b"") });
        }),
        shape("missing file", Refused("1 files"), |a| module(a).central_records = Some(0)),
        shape("renamed file", Refused("no file `tiny-v1.0.0/index.js`"), |a| module(a).name = b"index.js".to_vec()),
        shape("no module", Refused("1 files"), |a| a.members.truncate(1)),
        shape("no compartment map", Refused("no file `compartment-map.json`"), |a| drop(a.members.remove(0))),
        shape("no members", Refused("no file"), |a| a.members.clear()),
        shape("changed module", Refused("hash mismatch"), |a| module(a).content[7] ^= 1),
        shape("changed module, stale checksum", Refused("checksum mismatch"), |a| {
            module(a).checksum = Some(1);
        }),
        shape("right member, replaced by a wrong one", Refused("hash mismatch"), |a| {
            a.members.push(Member::new(TINY_MODULE, b"other"));
        }),
        shape("changed compartment map", Refused("content hashes to"), |a| a.map().content.push(b' ')),
        shape("checksum in one header", Refused("disagree about the checksum"), |a| module(a).local_checksum = Some(1)),
        shape("flags in one header", Refused("disagree about the flags"), |a| module(a).local_flags = Some(8)),
        shape("size in one header", Refused("disagree about the uncompressed size"), |a| {
            module(a).local_uncompressed_len = Some(1);
        }),
        shape("name in one header", Refused("disagree about the name"), |a| {
            module(a).local_name = Some(b"tiny-v1.0.0/indes.js".to_vec());
        }),
        shape("backslash in both headers", Refused("disagree about the name"), |a| {
            module(a).name = b"tiny-v1.0.0\\index.js".to_vec();
        }),
        shape("backslash in the central header", Refused("no file `tiny-v1.0.0/index.js`"), |a| {
            let module = module(a);
            module.name = b"tiny-v1.0.0\\index.js".to_vec();
            module.local_name = Some(TINY_MODULE.into());
        }),
        shape("compressed", Refused("compression method 8"), |a| module(a).method = 8),
        shape("encrypted", Refused("is encrypted"), |a| module(a).flags = 1),
        shape("encrypted directory", Refused("is encrypted"), |a| {
            a.members.push(Member { attributes: 0x10, flags: 1, ..Member::new("dir/", b"") });
        }),
        shape("module as a directory", Refused("1 files"), |a| module(a).attributes = 0x10),
        shape("count too high", Refused("2 records, its end record says 3"), |a| a.count = Some(3)),
        shape("count too low", Refused("2 records, its end record says 1"), |a| a.count = Some(1)),
        shape("zip64 by count", Refused("zip64"), |a| a.count_here = Some(65535)),
        shape("zip64 by disk", Refused("zip64"), |a| a.disks = [65535, 0]),
        shape("zip64 by offset", Refused("zip64"), |a| a.central_at = Some(u32::MAX)),
        shape("zip64 by size", Refused("zip64"), |a| module(a).uncompressed_len = Some(u32::MAX)),
        shape("central directory too late", Refused("ends within"), |a| a.central_at = Some(9999)),
        shape("central directory too early", Refused("ends within"), |a| a.central_at = Some(1)),
    ]);
}

#[test]
fn every_truncation_is_refused() {
    for (id, zip) in [(TINY_ID, TINY), (PACKAGES_ID, PACKAGES)] {
        for len in 0..zip.len() {
            assert!(swing_bundle::check_b1(id, &zip[..len]).is_err(), "{len} bytes");
        }
    }
}

#[test]
fn every_flipped_bit_of_a_module_is_refused() {
    let mut archive = Archive::read(TINY);
    for at in 0..module(&mut archive).content.len() {
        for bit in 0..8 {
            module(&mut archive).content[at] ^= 1 << bit;
            assert!(swing_bundle::check_b1(TINY_ID, &archive.write()).is_err(), "bit {bit} of byte {at}");
            module(&mut archive).content[at] ^= 1 << bit;
        }
    }
}

/// A few bytes of central directory for each of many members that are one big member: a checksum of each would be work
/// in the square of the size.
#[test]
fn members_that_overlap_are_given_up_soon() {
    let mut archive = Archive::read(TINY);
    archive.members.push(Member { central_records: Some(60_000), ..Member::new("junk", &vec![0; 1 << 20]) });
    let zip = archive.write();
    let message = support::chain(&swing_bundle::check_b1(TINY_ID, &zip).unwrap_err());
    assert!(message.contains("overlap"), "{message}");
}
