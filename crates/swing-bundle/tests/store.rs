//! The bundleStore over a session: the calls, and the substore behind export, import, verify and repair.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Read as _;

use swing_bundle::{BundleError, BundleSubstore, Bundles, TABLES, b0_id, b1_id};
use swing_core::roles::{Bundle, BundleStore};
use swing_core::substore::{Limits, Offered, Repaired, Substore, SubstoreError};
use swing_core::{ArtifactMode, BundleId, Session};

const TEXT: &str = r#"{"moduleFormat":"nestedEvaluate","source":"1+1","sourceMap":"//m"}"#;
const ZIP: &[u8] = include_bytes!("data/tiny.zip");

fn session() -> Session {
    Session::in_memory(TABLES).unwrap()
}

fn nested() -> (BundleId, Bundle) {
    (b0_id(TEXT).parse().unwrap(), Bundle::NestedEvaluate(TEXT.to_owned()))
}

fn zipped() -> (BundleId, Bundle) {
    let id: BundleId = b1_id(ZIP).unwrap().parse().unwrap();
    let bundle = Bundle::EndoZip { sha512: id.hash().to_owned(), zip: ZIP.to_vec() };
    (id, bundle)
}

fn exports(session: &mut Session) -> Vec<(String, Option<String>)> {
    let mut all = Vec::new();
    session
        .hand_over(|batch| {
            all = batch.iter().map(|e| (e.key.to_string(), e.value.as_deref().map(str::to_owned))).collect();
            Ok::<_, swing_core::SessionError>(())
        })
        .unwrap();
    all
}

#[test]
fn a_bundle_may_come_in_two_halves_its_record_and_its_artifact() {
    let mut session = session();
    session.record_exports().unwrap();
    for ((id, bundle), artifact) in [(nested(), TEXT.as_bytes()), (zipped(), ZIP)] {
        let mut bundles = Bundles::new(&mut session);
        assert!(matches!(bundles.populate(&id, artifact), Err(BundleError::NotFound { .. })));
        bundles.add_record(&id).unwrap();
        assert!(matches!(bundles.add_record(&id), Err(BundleError::Exists { .. })));
        assert!(matches!(bundles.populate(&id, b"{}"), Err(BundleError::Content(_))));
        assert!(matches!(bundles.get_bundle(&id), Err(BundleError::Pruned { .. })));
        bundles.populate(&id, artifact).unwrap();
        assert_eq!(bundles.get_bundle(&id).unwrap(), bundle);
    }
    assert_eq!(exports(&mut session), []);
}

#[test]
fn a_bundle_that_is_added_is_there_as_it_was_and_exported_under_its_id() {
    let mut session = session();
    session.record_exports().unwrap();
    for (id, bundle) in [nested(), zipped()] {
        let mut bundles = Bundles::new(&mut session);
        assert!(!bundles.has_bundle(&id).unwrap());
        assert!(matches!(bundles.get_bundle(&id), Err(BundleError::NotFound { .. })));
        bundles.add_bundle(&id, &bundle).unwrap();
        assert!(bundles.has_bundle(&id).unwrap());
        assert_eq!(bundles.get_bundle(&id).unwrap(), bundle);
        assert!(matches!(bundles.add_bundle(&id, &bundle), Err(BundleError::Exists { .. })));
        assert_eq!(exports(&mut session), [(format!("bundle.{id}"), Some(id.to_string()))]);
        let mut bundles = Bundles::new(&mut session);
        bundles.delete_bundle(&id).unwrap();
        bundles.delete_bundle(&id).unwrap();
        assert!(!bundles.has_bundle(&id).unwrap());
        assert_eq!(exports(&mut session), [(format!("bundle.{id}"), None)]);
    }
}

#[test]
fn a_bundle_of_another_id_or_format_is_refused_and_nothing_is_stored() {
    let mut session = session();
    let ((b0, text), (b1, zip)) = (nested(), zipped());
    let other: BundleId = b0_id("{}").parse().unwrap();
    let claim = Bundle::EndoZip { sha512: "00".to_owned(), zip: ZIP.to_vec() };
    for (id, bundle) in [(&other, &text), (&b0, &zip), (&b1, &text), (&b1, &claim)] {
        assert!(Bundles::new(&mut session).add_bundle(id, bundle).is_err(), "{id}");
    }
    assert_eq!(Bundles::new(&mut session).ids().unwrap(), []);
}

#[test]
fn storage_classes_are_those_of_the_original() {
    let mut session = session();
    for (id, bundle) in [nested(), zipped()] {
        Bundles::new(&mut session).add_bundle(&id, &bundle).unwrap();
    }
    let types = session
        .read()
        .all("SELECT typeof(bundle) FROM bundles ORDER BY bundleID", [], |row| row.get::<_, String>(0))
        .unwrap();
    assert_eq!(types, ["text", "blob"]);
}

/// Exports one session into another, as the importer would.
fn copy(from: &Session, to: &mut Session, spoil: impl Fn(&mut Vec<u8>)) -> Result<(), SubstoreError> {
    let mut import = BundleSubstore.import(ArtifactMode::Operational, Limits::default());
    for record in BundleSubstore.records(from.read()) {
        let (key, value) = record?;
        import.record(&mut to.write()?, &key, Some(&value))?;
    }
    import.records_done(&mut to.write()?)?;
    for name in BundleSubstore.artifact_names(from.read(), ArtifactMode::Operational) {
        let name = name?;
        let mut bytes = Vec::new();
        BundleSubstore.artifact(from.read(), &name)?.read_to_end(&mut bytes).unwrap();
        spoil(&mut bytes);
        assert_eq!(import.artifact(&mut to.write()?, &name, &mut &bytes[..])?, Offered::Taken);
    }
    Ok(())
}

#[test]
fn an_import_of_an_export_is_the_same_and_a_changed_byte_is_refused() {
    let mut from = session();
    for (id, bundle) in [nested(), zipped()] {
        Bundles::new(&mut from).add_bundle(&id, &bundle).unwrap();
    }
    let mut to = session();
    copy(&from, &mut to, |_| ()).unwrap();
    for (id, bundle) in [nested(), zipped()] {
        assert_eq!(Bundles::new(&mut to).get_bundle(&id).unwrap(), bundle);
    }
    assert!(copy(&from, &mut session(), |bytes| bytes[10] ^= 1).is_err());
    assert!(copy(&from, &mut session(), |bytes| bytes.push(b' ')).is_err());
}

#[test]
fn an_artifact_without_a_record_offered_twice_or_too_long_is_refused() {
    let (id, _) = nested();
    let name = format!("bundle.{id}");
    let mut to = session();
    let mut import = BundleSubstore.import(ArtifactMode::Debug, Limits { bundle: 66, ..Limits::default() });
    assert_eq!(TEXT.len(), 66);
    let mut offer = |import: &mut dyn swing_core::substore::Import, bytes: &str| {
        import.artifact(&mut to.write().unwrap(), &name, &mut bytes.as_bytes())
    };
    assert!(matches!(offer(&mut *import, TEXT), Err(SubstoreError::NoRecord { .. })));
    let mut other = session();
    import.record(&mut other.write().unwrap(), &name, Some(id.as_str())).unwrap();
    import.records_done(&mut other.write().unwrap()).unwrap();
    let long = format!("{TEXT} ");
    assert!(offer(&mut *import, &long).unwrap_err().to_string().contains("longer than"));
    let mut import = BundleSubstore.import(ArtifactMode::Debug, Limits::default());
    import.record(&mut other.write().unwrap(), &name, Some(id.as_str())).unwrap();
    assert_eq!(offer(&mut *import, TEXT).unwrap(), Offered::Taken);
    assert_eq!(offer(&mut *import, TEXT).unwrap(), Offered::Repeated);
}

#[test]
fn damage_is_found_and_never_handed_out() {
    let mut session = session();
    for (id, bundle) in [nested(), zipped()] {
        Bundles::new(&mut session).add_bundle(&id, &bundle).unwrap();
    }
    let findings = |session: &Session| {
        let mut found = Vec::new();
        BundleSubstore.verify(session.read(), &mut |finding| found.push(finding)).unwrap();
        found
    };
    assert_eq!(findings(&session), []);
    for sql in [
        "UPDATE bundles SET bundle = replace(bundle, '1+1', '1+2') WHERE bundleID LIKE 'b0-%'",
        "UPDATE bundles SET bundle = substr(bundle, 1, 300) WHERE bundleID LIKE 'b1-%'",
        "INSERT INTO bundles (bundleID, bundle) VALUES ('b7-1', 'x'), (NULL, 1.5), (x'ff', NULL)",
    ] {
        session.write().unwrap().run(sql, []).unwrap();
    }
    assert!(findings(&session).len() >= 5, "{:?}", findings(&session));
    for (id, _) in [nested(), zipped()] {
        assert!(BundleSubstore.artifact(session.read(), &format!("bundle.{id}")).is_err());
    }
}

#[test]
fn an_id_that_is_no_text_is_found_even_if_it_reads_like_one() {
    let mut session = session();
    let (id, bundle) = nested();
    Bundles::new(&mut session).add_bundle(&id, &bundle).unwrap();
    session.write().unwrap().run("UPDATE bundles SET bundleID = CAST(bundleID AS BLOB)", []).unwrap();
    let mut found = Vec::new();
    BundleSubstore.verify(session.read(), &mut |finding| found.push((finding.what, finding.problem))).unwrap();
    assert_eq!(found, [(format!("bundle.{id}"), "its ID is of type blob, not text".to_owned())]);
}

#[test]
fn a_repair_adds_no_bundles() {
    let mut session = session();
    let (id, bundle) = nested();
    let name = format!("bundle.{id}");
    assert!(BundleSubstore.repair(&mut session.write().unwrap(), &name, id.as_str()).is_err());
    Bundles::new(&mut session).add_bundle(&id, &bundle).unwrap();
    let mut writer = session.write().unwrap();
    assert_eq!(BundleSubstore.repair(&mut writer, &name, id.as_str()).unwrap(), Repaired::Agreed);
    assert!(BundleSubstore.repair(&mut writer, &name, "b0-0").is_err());
}
