//! The bundleStore.
#![expect(missing_docs, reason = "the names of the cases say the rules")]

use super::driver::Driven;
use super::ops::{Answer, Op};
use super::samples::*;
use crate::digest::Digest;
use crate::roles::Bundle;
use crate::testing::{StoreUnderTest, TestOptions};

fn fresh<S: StoreUnderTest>() -> Driven<S> {
    Driven::fresh(TestOptions::default())
}

pub fn bundles_come_back_as_they_went<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    let bundles = [nested("1+1"), nested("é\u{1f600}"), zipped(b"zip"), zipped(&[0, 159, 146, 150, 10])];
    for commit in [false, true] {
        for (id, bundle) in &bundles {
            if !commit {
                store.answers(Op::HasBundle(id.clone()), Answer::Flag(false));
                store.ok(Op::AddBundle(id.clone(), bundle.clone()));
            }
            store.answers(Op::HasBundle(id.clone()), Answer::Flag(true));
            store.answers(Op::GetBundle(id.clone()), Answer::Bundle(bundle.clone()));
        }
        store.all([Op::Commit, Op::Reopen]);
    }
}

pub fn adding_and_deleting_a_bundle_are_exported<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    let (id, bundle) = nested("1");
    let key = format!("bundle.{id}");
    store.all([Op::AddBundle(id.clone(), bundle), Op::Commit]);
    assert_eq!(store.batches(), [batch([(&key, Some(id.as_str()))])]);
    assert_eq!(store.full_export(), records([(&key, id.as_str())]));
    store.all([Op::DeleteBundle(id.clone()), Op::Commit]);
    assert_eq!(store.batches(), [batch([(&key, None)])]);
    assert_eq!(store.full_export(), []);
    store.answers(Op::HasBundle(id), Answer::Flag(false));
}

pub fn deleting_an_absent_bundle_does_nothing<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    store.all([Op::DeleteBundle(nested("1").0), Op::DeleteBundle(zipped(b"zip").0), Op::Commit]);
    assert_eq!(store.batches(), NO_BATCHES);
}

pub fn an_absent_bundle_cannot_be_had<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    let (id, bundle) = nested("1");
    store.refused(Op::GetBundle(id.clone()));
    store.all([Op::AddBundle(id.clone(), bundle), Op::DeleteBundle(id.clone())]);
    store.refused(Op::GetBundle(id));
    store.answers(Op::HasBundle(bundle_id("b1-00")), Answer::Flag(false));
}

pub fn a_bundle_is_added_once<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    for (id, bundle) in [nested("1"), zipped(b"zip")] {
        let add = Op::AddBundle(id.clone(), bundle);
        store.ok(add.clone());
        store.refused(add.clone());
        store.ok(Op::Commit);
        store.refused(add.clone());
        store.all([Op::DeleteBundle(id.clone()), add]);
        store.answers(Op::HasBundle(id), Answer::Flag(true));
    }
}

pub fn an_id_that_is_not_the_bundles_is_refused<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    let ((nested_id, nested_bundle), (zip_id, zip_bundle)) = (nested("1"), zipped(b"zip"));
    let wrong = [
        (nested("2").0, nested_bundle.clone()),
        (zipped(b"other").0, zip_bundle.clone()),
        // Of the other kind.
        (zip_id.clone(), nested_bundle),
        (nested_id.clone(), zip_bundle),
        (bundle_id(&format!("b1-{}", nested_id.hash())), nested("1").1),
        (bundle_id(&format!("b0-{}", zip_id.hash())), zipped(b"zip").1),
    ];
    for (id, bundle) in wrong {
        store.refused(Op::AddBundle(id.clone(), bundle));
        store.answers(Op::HasBundle(id), Answer::Flag(false));
    }
    store.ok(Op::Commit);
    assert_eq!(store.batches(), NO_BATCHES);
}

pub fn a_nested_bundle_of_another_module_format_is_refused<S: StoreUnderTest>() {
    let mut store = fresh::<S>();
    for text in [r#"{"moduleFormat":"getExport","source":"1"}"#, r#"{"source":"1"}"#, "{}", "", "1"] {
        let id = bundle_id(&format!("b0-{}", Digest::of(text.as_bytes())));
        store.refused(Op::AddBundle(id, Bundle::NestedEvaluate(text.to_owned())));
    }
}
