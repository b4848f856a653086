//! What tar and other people's OCFL tools make of our packs, in any order of unpacking.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Cursor};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use dengbei_ocfl::{Layout, Outcome, PackTree, validate_root_tree};
use support::{corrected, item, pack, untar};

/// Three packs: items, a correction of one of them, a correction of the correction.
fn packs() -> [Vec<u8>; 3] {
    let v1 = item(1);
    let v2 = corrected(&v1.inventory, 1_700_000_000);
    let v3 = corrected(&v2.inventory, 1_700_000_001);
    [pack(1, vec![v1, item(2), item(3)]), pack(2, vec![v2, item(4)]), pack(3, vec![v3])]
}

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn packs_unpack_to_the_same_storage_root_in_any_order() {
    let packs = packs();
    let folder = tempfile::tempdir().unwrap();
    let mut first = None;
    for (n, order) in ORDERS.iter().enumerate() {
        let root = folder.path().join(n.to_string());
        fs::create_dir(&root).unwrap();
        order.iter().for_each(|p| untar(&packs[*p], &root));
        let files = tree(&root);
        assert_eq!(files, *first.get_or_insert_with(|| files.clone()), "{order:?}");
    }
    let files = first.unwrap();
    let newest = files.iter().find(|(p, _)| p.contains("000000000001/inventory.json")).unwrap();
    assert!(std::str::from_utf8(newest.1).unwrap().contains(r#""head":"v3""#));
}

#[test]
fn ocfl_py_finds_the_unpacked_root_valid() {
    if Command::new("ocfl-root.py").arg("--version").output().is_err() {
        eprintln!("skipped: ocfl-root.py is not on PATH (pip install ocfl-py==2.1.0)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    packs().iter().rev().for_each(|p| untar(p, &root));
    let args = ["validate", "--validate-objects", "--check-digests"];
    let out = Command::new("ocfl-root.py").args(args).arg("--root").arg(&root).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && text.contains("4 / 4"), "{text}");
}

#[test]
fn our_validator_finds_the_unpacked_root_valid_and_every_change_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    packs().iter().for_each(|p| untar(p, &root));
    let report = dengbei_ocfl::validate_root(&root).unwrap();
    assert_eq!((report.objects, report.acceptable), (4, 4), "{report:?}");
    // dengbei-packs is no registered extension, and the specification says to remark on that.
    assert_eq!((report.verdict.verdict, report.verdict.codes), (Outcome::Warning, vec!["W016".to_owned()]));
    for (path, bytes) in tree(&root) {
        if path.starts_with("extensions") || path.starts_with("ocfl_layout") {
            continue;
        }
        let file = root.join(&path);
        let changed = if bytes.is_empty() { vec![b'x'] } else { [&bytes[..bytes.len() - 1], b"?"].concat() };
        fs::write(&file, changed).unwrap();
        assert_eq!(
            dengbei_ocfl::validate_root(&root).unwrap().verdict.verdict,
            Outcome::Invalid,
            "changed {path}"
        );
        fs::remove_file(&file).unwrap();
        assert_eq!(
            dengbei_ocfl::validate_root(&root).unwrap().verdict.verdict,
            Outcome::Invalid,
            "removed {path}"
        );
        fs::write(&file, bytes).unwrap();
    }
}

/// The codes for a root that was good until `harm` came.
fn codes_after(harm: impl Fn(&Path, &Path) -> io::Result<()>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    fs::create_dir(&root).unwrap();
    packs().iter().for_each(|p| untar(p, &root));
    let object = root.join(Layout::object_root("urn:uuid:00000000-0000-8000-8000-000000000002"));
    harm(&root, &object).unwrap();
    dengbei_ocfl::validate_root(&root).unwrap().verdict.codes
}

#[test]
fn what_does_not_belong_in_a_root_is_found() {
    let has = |codes: Vec<String>, code: &str| assert!(codes.iter().any(|c| c == code), "{code}: {codes:?}");
    has(codes_after(|root, _| fs::create_dir(root.join("empty"))), "E073");
    has(codes_after(|_, object| fs::write(object.parent().unwrap().join("x"), "")), "E072");
    has(codes_after(|root, object| fs::rename(object, root.join("moved"))), "E083");
    has(codes_after(|_, object| symlink("/etc", object.join("v1/content/link"))), "E090");
    has(codes_after(|root, _| fs::write(root.join("0=ocfl_1.1"), "ocfl_1.0\n")), "E080");
    has(codes_after(|root, _| fs::write(root.join("0=ocfl_1.0"), "ocfl_1.0\n")), "E076");
    has(codes_after(|root, _| fs::write(root.join("ocfl_layout.json"), "{}")), "E070");
    has(codes_after(|root, _| fs::write(root.join("extensions/x"), "")), "E112");
    assert_eq!(codes_after(|_, _| Ok(())), ["W016"]);
}

#[test]
fn a_pack_is_judged_without_unpacking_as_it_is_unpacked() {
    let first = &packs()[0];
    let report = validate_root_tree(&PackTree::open(Cursor::new(first)).unwrap());
    assert_eq!((report.objects, report.acceptable), (3, 3), "{report:?}");
    assert_eq!(report.verdict.codes, ["W016"]);
    let mut changed = first.clone();
    let at = first.windows(10).position(|w| w == br#"{"item":3}"#).unwrap();
    changed[at] ^= 1;
    let report = validate_root_tree(&PackTree::open(Cursor::new(&changed)).unwrap());
    assert_eq!((report.objects, report.acceptable), (3, 2), "{report:?}");
    // A correction alone lacks the first version's content.
    let report = validate_root_tree(&PackTree::open(Cursor::new(&packs()[2])).unwrap());
    assert_eq!((report.objects, report.acceptable), (1, 0), "{report:?}");
}
