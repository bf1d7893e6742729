//! Manifests, right and wrong.

use proptest::prelude::*;

use super::*;

fn artifacts(names: &[(&str, &str)]) -> Artifacts {
    names.iter().copied().collect()
}

#[test]
fn js_text_is_pretty_and_in_order() {
    let manifest = Manifest {
        block_height: Some(17),
        artifact_mode: Some(Mode::Operational),
        data: Some(EXPORT_DATA_FILE_NAME.to_owned()),
        artifacts: artifacts(&[("snapshot.v1.2", "snapshot.v1.2"), ("transcript.<v1>.3.4", "transcript.<v1>.3.4")]),
    };
    let expected = r#"{
  "blockHeight": 17,
  "artifactMode": "operational",
  "artifacts": [
    [
      "snapshot.v1.2",
      "snapshot.v1.2"
    ],
    [
      "transcript.<v1>.3.4",
      "transcript.<v1>.3.4"
    ]
  ],
  "data": "export-data.jsonl"
}"#;
    assert_eq!(manifest.to_json(Dialect::Js), expected);
    assert_eq!(Manifest::parse(expected.as_bytes()), Ok((manifest, Dialect::Js)));

    assert_eq!(Manifest::default().to_json(Dialect::Js), "{\n  \"blockHeight\": 0,\n  \"artifacts\": []\n}");
}

#[test]
fn go_text_is_escaped_and_leaves_out_what_is_empty() {
    let manifest = Manifest {
        block_height: Some(17),
        artifact_mode: None,
        data: Some(EXPORT_DATA_FILE_NAME.to_owned()),
        artifacts: artifacts(&[
            ("snapshot.v1.2", "0-snapshot.v1.2"),
            ("bundle.<b&\u{2028}\"é\u{2029}>", "1-bundle.-b------"),
        ]),
    };
    let expected = r#"{
  "blockHeight": 17,
  "data": "export-data.jsonl",
  "artifacts": [
    [
      "snapshot.v1.2",
      "0-snapshot.v1.2"
    ],
    [
      "bundle.\u003cb\u0026\u2028\"é\u2029\u003e",
      "1-bundle.-b------"
    ]
  ]
}"#;
    assert_eq!(manifest.to_json(Dialect::Go), expected);
    assert_eq!(Manifest::parse(expected.as_bytes()), Ok((manifest, Dialect::Go)));

    let empty = Manifest { block_height: Some(0), artifact_mode: Some(Mode::Replay), ..Manifest::default() };
    let expected = "{\n  \"artifacts\": null\n}";
    assert_eq!(empty.to_json(Dialect::Go), expected);
    assert_eq!(Manifest::parse(expected.as_bytes()), Ok((Manifest::default(), Dialect::Go)));
}

#[test]
fn dialect_is_guessed_by_what_only_one_tool_writes() {
    let table = [
        (r#"{"blockHeight":1,"artifactMode":"debug","artifacts":[]}"#, Dialect::Js),
        (r#"{"artifactMode":"none","artifacts":[]}"#, Dialect::Js),
        // As of upgrade 10, when the field was `mode`.
        (r#"{"blockHeight":1,"mode":"current","artifacts":[],"data":"export-data.jsonl"}"#, Dialect::Js),
        (r#"{"blockHeight":1,"data":"export-data.jsonl","artifacts":[]}"#, Dialect::Go),
        (r#"{"blockHeight":1,"artifacts":[["a","0-a"]]}"#, Dialect::Go),
        (r#"{"blockHeight":1,"artifacts":[["a","0-a"]],"data":""}"#, Dialect::Go),
        ("{}", Dialect::Go),
    ];
    for (text, expected) in table {
        let (_, dialect) = Manifest::parse(text.as_bytes()).unwrap();
        assert_eq!(dialect, expected, "{text}");
    }
}

#[test]
fn harmless_oddities_are_read() {
    let table = [
        (" \r\n\t{}\n", Manifest::default()),
        (r#"{"data":""}"#, Manifest::default()),
        (r#"{"other":[[[{"blockHeight":"x"}]]],"artifacts":[]}"#, Manifest::default()),
        (
            r#"{"block\u0048eight":9007199254740991}"#,
            Manifest { block_height: Some((1 << 53) - 1), ..Manifest::default() },
        ),
        (
            r#"{"artifacts":[["a","sub/a"]]}"#,
            Manifest { artifacts: artifacts(&[("a", "sub/a")]), ..Manifest::default() },
        ),
        (
            r#"{"artifacts":[["__proto__","0"]]}"#,
            Manifest { artifacts: artifacts(&[("__proto__", "0")]), ..Manifest::default() },
        ),
    ];
    for (text, expected) in table {
        assert_eq!(Manifest::parse(text.as_bytes()).unwrap().0, expected, "{text}");
    }
}

#[test]
fn hostile_manifests_are_refused_with_a_reason() {
    let deep = 100_000;
    let table: Vec<(Vec<u8>, &str)> = vec![
        (b"".into(), "empty"),
        (b" ".into(), "not JSON"),
        (b"{".into(), "not JSON"),
        (b"{}{}".into(), "not JSON"),
        (b"{\"blockHeight\":1,}".into(), "not JSON"),
        (b"\xef\xbb\xbf{}".into(), "not JSON"),
        (b"{\"data\":\"\xff\"}".into(), "not UTF-8 at byte 9"),
        (br#"{"data":"\ud800"}"#.into(), "not JSON"),
        (br#"{"data":"a"#.into(), "not JSON"),
        ("[".repeat(deep).into(), "not a manifest"),
        (format!("{{\"artifacts\":{}", "[".repeat(deep)).into(), "not a manifest"),
        (format!("{{\"other\":{}", "[".repeat(deep)).into(), "not JSON"),
        (format!("{{\"other\":{}", "{\"a\":".repeat(deep)).into(), "not JSON"),
        (b"null".into(), "not a manifest"),
        (b"[]".into(), "not a manifest"),
        (br#""manifest""#.into(), "not a manifest"),
        (br#"{"blockHeight":"17"}"#.into(), "not a manifest"),
        (br#"{"blockHeight":null}"#.into(), "not a manifest"),
        (br#"{"blockHeight":-1}"#.into(), "not a manifest"),
        (br#"{"blockHeight":1.5}"#.into(), "not a manifest"),
        (br#"{"blockHeight":17.0}"#.into(), "not a manifest"),
        (br#"{"blockHeight":1e3}"#.into(), "not a manifest"),
        (br#"{"blockHeight":017}"#.into(), "not JSON"),
        (br#"{"blockHeight":18446744073709551616}"#.into(), "not a manifest"),
        (br#"{"blockHeight":9007199254740992}"#.into(), "above 2^53 - 1"),
        (br#"{"blockHeight":1,"blockHeight":1}"#.into(), "twice"),
        (br#"{"data":"a","data":"a"}"#.into(), "twice"),
        (br#"{"artifacts":null,"artifacts":[]}"#.into(), "twice"),
        (br#"{"blockheight":1}"#.into(), "in case only"),
        (br#"{"Artifacts":[]}"#.into(), "in case only"),
        (br#"{"artifactMode":"Debug"}"#.into(), "unknown artifact mode"),
        (br#"{"artifactMode":null}"#.into(), "not a manifest"),
        (br#"{"artifactMode":1}"#.into(), "not a manifest"),
        (br#"{"data":null}"#.into(), "not a manifest"),
        (br#"{"data":["export-data.jsonl"]}"#.into(), "not a manifest"),
        (br#"{"data":"../x"}"#.into(), "bad name"),
        (br#"{"data":"/etc/passwd"}"#.into(), "bad name"),
        (br#"{"data":"export-manifest.json"}"#.into(), "named twice"),
        (br#"{"artifacts":{}}"#.into(), "not a manifest"),
        (br#"{"artifacts":["a"]}"#.into(), "not a manifest"),
        (br#"{"artifacts":[[]]}"#.into(), "not a manifest"),
        (br#"{"artifacts":[["a"]]}"#.into(), "not a manifest"),
        (br#"{"artifacts":[["a","a","a"]]}"#.into(), "not JSON"),
        (br#"{"artifacts":[["a",1]]}"#.into(), "not a manifest"),
        (br#"{"artifacts":[["a",null]]}"#.into(), "not a manifest"),
        (br#"{"artifacts":[["","a"]]}"#.into(), "bad name"),
        (br#"{"artifacts":[["a",""]]}"#.into(), "bad name"),
        (br#"{"artifacts":[["UNTRUSTED-EXPORT-DATA","a"]]}"#.into(), "bad name"),
        (br#"{"artifacts":[["a","a\u0000b"]]}"#.into(), "bad name"),
        (br#"{"artifacts":[["a","..\\a"]]}"#.into(), "bad name"),
        (br#"{"artifacts":[["a","1"],["a","2"]]}"#.into(), "twice"),
        (br#"{"artifacts":[["a","1"],["b","1"]]}"#.into(), "named twice"),
        (br#"{"artifacts":[["a","d"]],"data":"d"}"#.into(), "named twice"),
        (br#"{"artifacts":[["a","export-manifest.json"]]}"#.into(), "named twice"),
    ];
    for (bytes, expected) in table {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        let error = Manifest::parse(&bytes).expect_err(&text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
        assert!(error.len() < 1000, "{text}: the message has {} bytes", error.len());
    }
}

#[test]
fn long_foreign_text_does_not_fill_the_message() {
    let long = "x".repeat(1 << 20);
    let texts = [
        format!(r#"{{"blockHeight":"{long}"}}"#),
        format!(r#"{{"artifactMode":"{long}"}}"#),
        format!(r#"{{"data":"{long}"}}"#),
        format!(r#"{{"artifacts":[["{long}","a"]]}}"#),
        format!(r#""{long}""#),
    ];
    for text in texts {
        let error = Manifest::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.len() < 1000, "{} bytes", error.len());
    }
}

#[test]
fn a_manifest_beyond_the_cap_is_refused() {
    let bytes = vec![b' '; MAX_MANIFEST_BYTES as usize + 1];
    assert_eq!(Manifest::parse(&bytes), Err(ManifestError::TooLarge { limit: MAX_MANIFEST_BYTES }));
}

fn name() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>(), 1..10).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        height in 0_u64..1 << 53,
        mode in prop::sample::select(Mode::ALL.to_vec()),
        has_data in any::<bool>(),
        names in prop::collection::hash_set(name(), 0..8),
    ) {
        let data = has_data.then(|| EXPORT_DATA_FILE_NAME.to_owned());
        let named = |dialect: Dialect| {
            names.iter().enumerate().map(|(index, name)| (name.clone(), dialect.file_name(index, name))).collect()
        };
        let go = Manifest { block_height: Some(height), artifact_mode: None, data, artifacts: named(Dialect::Go) };
        // Any name will do as an artifact's, but not as a file's.
        let js = Manifest { artifact_mode: Some(mode), ..go.clone() };

        let (read, dialect) = Manifest::parse(js.to_json(Dialect::Js).as_bytes()).unwrap();
        prop_assert_eq!((&read, dialect), (&js, Dialect::Js));

        let (read, dialect) = Manifest::parse(go.to_json(Dialect::Go).as_bytes()).unwrap();
        let expected = Manifest { block_height: Some(height).filter(|height| *height != 0), ..go.clone() };
        prop_assert_eq!((&read, dialect), (&expected, Dialect::Go));
        prop_assert_eq!(read.to_json(Dialect::Go), go.to_json(Dialect::Go));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Manifest::parse(&bytes);
    }

    #[test]
    fn no_mutation_makes_it_panic(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut text = Manifest {
            block_height: Some(5),
            artifact_mode: Some(Mode::Debug),
            data: Some("d".to_owned()),
            artifacts: artifacts(&[("a", "a"), ("b\u{2028}", "b")]),
        }.to_json(Dialect::Js).into_bytes();
        let at = at.index(text.len());
        text[at] = byte;
        if cut {
            text.truncate(at);
        }
        if let Ok((manifest, dialect)) = Manifest::parse(&text) {
            let again = Manifest::parse(manifest.to_json(dialect).as_bytes());
            prop_assert!(again.is_ok());
        }
    }
}

#[test]
fn what_is_no_manifest_is_told_what_one_is() {
    let error = Manifest::parse(b"[]").unwrap_err();
    assert!(error.to_string().contains("expected a manifest object"), "{error}");
}
