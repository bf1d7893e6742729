//! What is not a store is refused with its own error, and neither it nor anything beside it is touched.

use super::*;

/// Every way of opening that must leave a file alone which it refuses.
fn ways() -> [OpenOptions; 3] {
    [creation(Creation::IfAbsent), creation(Creation::Never), read_only()]
}

/// The errors of all these ways, after checking that each left everything as it was.
fn refused(scratch: &Scratch, ways: &[OpenOptions]) -> Vec<OpenError> {
    let before = scratch.listing();
    let refuse = |options| {
        let error = scratch.try_open(options).map(drop).unwrap_err();
        assert_eq!(scratch.listing(), before, "{options:?}: {error}");
        error
    };
    ways.iter().map(refuse).collect()
}

macro_rules! assert_all {
    ($errors:expr, $pattern:pat $(if $guard:expr)?) => {
        for error in $errors {
            assert!(matches!(error, $pattern $(if $guard)?), "{error:?}");
        }
    };
}

#[test]
fn somebody_elses_database() {
    let scratch = Scratch::empty();
    scratch.raw().execute_batch("CREATE TABLE moz_places (id INTEGER)").unwrap();
    let errors = refused(&scratch, &ways());
    assert!(errors[0].to_string().contains("moz_places"), "{}", errors[0]);
    assert_all!(errors, OpenError::Foreign { .. });
}

#[test]
fn somebody_elses_database_is_not_erased_either() {
    let scratch = Scratch::empty();
    scratch.raw().execute_batch("CREATE TABLE moz_places (id INTEGER)").unwrap();
    assert_all!(refused(&scratch, &[creation(Creation::Fresh)]), OpenError::Foreign { .. });
}

/// A database whose last writer was killed: `what` is in its WAL only.
fn with_hot_wal(what: &str) -> Scratch {
    let (live, scratch) = (Scratch::empty(), Scratch::empty());
    let raw = live.raw();
    raw.execute_batch(&format!("PRAGMA journal_mode=wal; {what}")).unwrap();
    for suffix in ["", "-wal"] {
        fs::copy(live.beside(suffix), scratch.beside(suffix)).unwrap();
    }
    scratch
}

#[test]
fn somebody_elses_database_whose_writer_was_killed() {
    let scratch = with_hot_wal("CREATE TABLE moz_places (id INTEGER)");
    let before = scratch.listing();
    for options in ways() {
        assert!(matches!(scratch.try_open(&options), Err(OpenError::Foreign { .. })));
        // SQLite cannot look into a WAL without an index of it.
        let mut after = scratch.listing();
        after.remove("swingstore.sqlite-shm");
        assert_eq!(after, before, "{options:?}");
    }
}

#[test]
fn a_newer_format_in_a_wal() {
    let scratch = with_hot_wal("CREATE TABLE kvStore (key, value); PRAGMA user_version=7");
    let before = scratch.listing();
    for options in ways() {
        assert!(matches!(scratch.try_open(&options), Err(OpenError::NewerFormat { found: 7, .. })));
        let mut after = scratch.listing();
        after.remove("swingstore.sqlite-shm");
        assert_eq!(after, before, "{options:?}");
    }
}

#[test]
fn a_newer_format() {
    for version in [1, i32::MAX, -1] {
        let scratch = Scratch::with_store();
        scratch.raw().pragma_update(None, "user_version", version).unwrap();
        assert_all!(refused(&scratch, &ways()), OpenError::NewerFormat { found, .. } if found == i64::from(version));
    }
}

#[test]
fn a_file_that_is_no_database() {
    for bytes in ["some data\n", "SQLite format 3\0", "SQLite format 3\0 and then something else"] {
        let scratch = Scratch::empty();
        fs::write(scratch.path(), bytes).unwrap();
        assert_all!(refused(&scratch, &ways()), OpenError::NotADatabase { .. });
        assert_all!(refused(&scratch, &[creation(Creation::Fresh)]), OpenError::NotADatabase { .. });
    }
}

#[test]
fn a_directory_instead_of_a_file() {
    let scratch = Scratch::empty();
    fs::create_dir(scratch.path()).unwrap();
    assert_all!(refused(&scratch, &ways()), OpenError::NotADatabase { .. });
    assert_all!(refused(&scratch, &[creation(Creation::Fresh)]), OpenError::NotADatabase { .. });
}

#[test]
fn nothing_where_something_must_be() {
    let scratch = Scratch::empty();
    let ways = [creation(Creation::Never), read_only()];
    assert_all!(refused(&scratch, &ways), OpenError::Missing { .. });
    fs::write(scratch.path(), "").unwrap();
    assert_all!(refused(&scratch, &ways), OpenError::Missing { .. });
    for options in ways {
        for below in ["no/such/dir", "swingstore.sqlite"] {
            let path = store_file(&scratch.dir.path().join(below));
            let error = Session::open(Location::File(path), &options, &[KV]).map(drop).unwrap_err();
            assert!(matches!(error, OpenError::Missing { .. }), "{error:?}");
        }
    }
    assert_eq!(names(&scratch), ["swingstore.sqlite"]);
}

#[test]
fn a_store_below_a_file_cannot_be_created() {
    let scratch = Scratch::empty();
    fs::write(scratch.dir.path().join("file"), "").unwrap();
    let path = store_file(&scratch.dir.path().join("file"));
    let error = Session::open(Location::File(path), &OpenOptions::default(), &[KV]).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error:?}");
}

#[test]
fn a_table_with_other_columns() {
    let scratch = Scratch::empty();
    scratch
        .raw()
        .execute_batch("CREATE TABLE kvStore (key TEXT, val TEXT); CREATE TABLE pendingExports (key, value)")
        .unwrap();
    let errors = refused(&scratch, &ways());
    assert!(errors[0].to_string().contains("kvStore"), "{}", errors[0]);
    assert_all!(errors, OpenError::Schema { table: "kvStore", .. });
}

#[test]
fn a_table_whose_rows_have_no_ids() {
    let scratch = Scratch::empty();
    scratch.raw().execute_batch("CREATE TABLE kvStore (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID").unwrap();
    let errors = refused(&scratch, &ways());
    assert!(errors[0].to_string().contains("rowid"), "{}", errors[0]);
    assert_all!(errors, OpenError::Schema { table: "kvStore", .. });
}

#[test]
fn a_table_that_is_missing_where_none_may_be_created() {
    let scratch = Scratch::with_store();
    scratch.raw().execute_batch("DROP TABLE pendingExports").unwrap();
    assert_all!(refused(&scratch, &[read_only()]), OpenError::NoTable { table: "pendingExports", .. });
}

#[test]
fn a_damaged_schema() {
    let scratch = Scratch::with_store();
    let mut bytes = fs::read(scratch.path()).unwrap();
    bytes[100..4096].fill(0x5a);
    fs::write(scratch.path(), bytes).unwrap();
    let before = fs::read(scratch.path()).unwrap();
    for options in ways() {
        let error = scratch.try_open(&options).map(drop).unwrap_err();
        assert!(matches!(error, OpenError::Sqlite { .. }), "{error:?}");
        assert_eq!(fs::read(scratch.path()).unwrap(), before);
    }
}
