//! Packs from plan to reader: same bytes, every version by its range, every damage found.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::io::Cursor;

use dengbei_ocfl::{
    ContentFile, ObjectBuilder, ObjectVersion, PackError, PackReader, PackReport, PackWriter, VersionReader,
};
use dengbei_records::Sha512;
use proptest::prelude::*;
use support::{corrected, item, pack, plan, stamp};

#[test]
fn a_pack_reads_back_as_it_was_planned() {
    let versions = vec![item(1), item(2), item(3)];
    let bytes = pack(7, versions.clone());
    let mut reader = PackReader::open(Cursor::new(&bytes)).unwrap();
    assert_eq!(reader.catalogue().number.get(), 7);
    for version in &versions {
        let stored = reader.version(version.id.as_str()).unwrap().read_all(1 << 20).unwrap();
        assert_eq!(stored.inventory, version.inventory);
        assert_eq!(stored.logical("归档文件/副本.pdf").unwrap(), "%PDF-1.7 结果");
    }
    let report = reader.verify().unwrap();
    assert!(report.is_sound(), "{:?}", report.findings);
    assert_eq!(report.len, bytes.len() as u64);
}

#[test]
fn one_version_is_one_range_read() {
    let writer = PackWriter::new(plan(1, vec![item(1), item(2)])).unwrap();
    let mut bytes = Vec::new();
    let summary = writer.write_in_memory(&mut bytes).unwrap();
    assert_eq!(summary.len, writer.total_len().unwrap());
    for place in &summary.places {
        let range = &bytes[place.range.start as usize..place.range.end as usize];
        let reader = VersionReader::open(range, range.len() as u64).unwrap();
        assert_eq!(*reader.inventory_sha512(), place.inventory);
        assert!(reader.read_all(1 << 20).unwrap().logical("record.json").is_some());
    }
}

#[test]
fn a_version_larger_than_the_reader_allows_is_refused() {
    let file = ContentFile::bytes("big", "big", vec![7; 3 << 20]).unwrap();
    let object = ObjectBuilder::first("urn:uuid:1", stamp(1)).unwrap().file(file).build().unwrap();
    let bytes = pack(1, vec![object]);
    let mut reader = PackReader::open(Cursor::new(&bytes)).unwrap();
    let refused = reader.version("urn:uuid:1").unwrap().read_all(1 << 20);
    assert!(matches!(refused, Err(PackError::TooLarge(_))));
}

fn streamed(len: u64, digest_of: &[u8]) -> ObjectVersion {
    let file = ContentFile::streamed("大.bin", "files/0001.bin", Sha512::of(digest_of), len).unwrap();
    ObjectBuilder::first("urn:uuid:1", stamp(1)).unwrap().file(file).build().unwrap()
}

#[test]
fn streamed_content_is_checked_while_it_is_copied() {
    let good = vec![5; 700_000];
    let write = |version, content: &[u8]| {
        let mut out = Vec::new();
        let writer = PackWriter::new(plan(1, vec![version])).unwrap();
        writer.write(&mut out, |wanted| {
            assert_eq!(wanted.content.as_str(), "files/0001.bin");
            Ok(Cursor::new(content.to_vec()))
        })?;
        Ok::<_, PackError>(out)
    };
    let bytes = write(streamed(700_000, &good), &good).unwrap();
    assert!(PackReport::of(&mut bytes.as_slice()).unwrap().is_sound());
    let mut wrong = good.clone();
    wrong[699_999] = 4;
    let (short, long) = (&good[..699_999], [good.as_slice(), &[5]].concat());
    for bad in [wrong.as_slice(), short, long.as_slice(), &[]] {
        let refused = write(streamed(700_000, &good), bad);
        assert!(matches!(refused, Err(PackError::Content { .. })), "{} bytes", bad.len());
    }
}

#[test]
fn a_plan_with_an_object_twice_is_refused() {
    let v1 = item(1);
    let v2 = corrected(&v1.inventory, 1_700_000_000);
    assert!(matches!(PackWriter::new(plan(1, vec![v1, v2])), Err(PackError::Plan(_))));
    assert!(matches!(PackWriter::new(plan(1, vec![])), Err(PackError::Plan(_))));
}

#[test]
fn every_flipped_byte_is_found() {
    let mut bytes = pack(1, vec![item(1)]);
    let good = PackReport::of(&mut bytes.as_slice()).unwrap();
    assert!(good.is_sound());
    for at in 0..bytes.len() {
        bytes[at] ^= 0x20;
        assert!(!PackReport::of(&mut bytes.as_slice()).unwrap().is_sound(), "byte {at}");
        bytes[at] ^= 0x20;
    }
}

#[test]
fn a_cut_or_lengthened_pack_is_found() {
    let bytes = pack(1, vec![item(1)]);
    for len in (0..bytes.len()).step_by(97) {
        assert!(!PackReport::of(&mut &bytes[..len]).unwrap().is_sound(), "cut to {len}");
    }
    let longer = [bytes.as_slice(), &[0; 512]].concat();
    assert!(!PackReport::of(&mut longer.as_slice()).unwrap().is_sound());
}

#[test]
fn damage_in_one_version_does_not_hide_another() {
    let versions = vec![item(1), item(2), item(3)];
    let mut bytes = pack(1, versions.clone());
    let places = PackReader::open(Cursor::new(&bytes)).unwrap().places().collect::<Vec<_>>();
    for place in [&places[0], &places[2]] {
        bytes[place.range.start as usize + 700] ^= 1;
    }
    let report = PackReport::of(&mut bytes.as_slice()).unwrap();
    let hurt: Vec<_> = report.findings.iter().filter_map(|f| f.object.as_deref()).collect();
    assert_eq!(hurt, [versions[0].id.as_str(), versions[2].id.as_str()]);
    assert_eq!(report.verdict().codes, ["pack.version"]);
}

fn any_version() -> impl Strategy<Value = (u16, Vec<(String, Vec<u8>)>)> {
    let bytes = prop::collection::vec(any::<u8>(), 0..1500);
    let name = prop_oneof!["[a-z档案 ]{1,12}", "[档案]{60,90}", "[a-z]{101,140}/[a-z]{90,110}"];
    (any::<u16>(), prop::collection::vec((name, bytes), 0..6))
}

fn build((n, files): (u16, Vec<(String, Vec<u8>)>)) -> ObjectVersion {
    let builder = ObjectBuilder::first(&format!("urn:x:{n}"), stamp(1_500_000_000 + i64::from(n))).unwrap();
    let file = |(i, (name, bytes)): (usize, (String, Vec<u8>))| {
        let content = if name.is_ascii() && !name.contains(' ') {
            format!("f{i}/{name}")
        } else {
            format!("files/{i:04}")
        };
        ContentFile::bytes(&format!("{i}/{name}"), &content, bytes).unwrap()
    };
    builder.files(files.into_iter().enumerate().map(file)).build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_plan_gives_one_pack_that_verifies(objects in prop::collection::vec(any_version(), 1..6), flip in any::<prop::sample::Index>()) {
        let objects: BTreeMap<u16, _> = objects.into_iter().collect();
        let versions: Vec<_> = objects.into_iter().map(build).collect();
        let mut bytes = pack(3, versions.clone());
        prop_assert_eq!(&bytes, &pack(3, versions));
        let report = PackReport::of(&mut bytes.as_slice()).unwrap();
        prop_assert!(report.is_sound(), "{:?}", report.findings);
        let at = flip.index(bytes.len());
        bytes[at] ^= 1;
        prop_assert!(!PackReport::of(&mut bytes.as_slice()).unwrap().is_sound(), "byte {}", at);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        prop_assert!(!PackReport::of(&mut bytes.as_slice()).unwrap().is_sound());
    }
}

#[test]
fn a_large_file_is_found_in_its_version_without_reading_it() {
    let writer = PackWriter::new(plan(1, vec![item(1), item(2)])).unwrap();
    let mut bytes = Vec::new();
    let place = writer.write_in_memory(&mut bytes).unwrap().places.remove(1);
    let mut input = Cursor::new(&bytes);
    input.set_position(place.range.start);
    let reader = VersionReader::open(input, place.range.end - place.range.start).unwrap();
    let located = reader.locate(place.range.start).unwrap();
    assert_eq!(located.len(), 4);
    for file in located {
        let content = &bytes[file.range.start as usize..file.range.end as usize];
        assert_eq!(Sha512::of(content), file.sha512, "{}", file.path);
    }
}
