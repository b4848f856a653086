//! One package in all its forms: memory, folder, zip, batch. Same rows, same digest; broken ones still say whose they are.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use dengbei_formats::archive::validate_archive;
use dengbei_formats::{
    Batch, Discard, FolderSource, Limits, MemorySource, PackageSource, ReadError, XmlFaultKind, ZipSource,
    examine, package_digest, read_package,
};
use dengbei_records::{FilingForm, Sha512};
use proptest::prelude::*;

const BASIC: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<description title="基本信息描述"><deptname>区住建局</deptname><documentnumber>51160204-GG-51201-001-2026-永久-0000200</documentnumber>
<retentionperio>永久</retentionperio><projid>511602042603310000200</projid><projectpassword title="查询密码">882172</projectpassword>
<contactidcard>91511602MAXX41776T</contactidcard><deptid>51160204</deptid><infotype>单体</infotype></description>"#;
const CONFIG: &str = r#"<description title="归档配置表"><servicecode>S-1</servicecode><eventtype>公共服务</eventtype><filingranges>
<filingrange title="申请材料"><file><filename>申请表.txt</filename><auxiliaryone>必要</auxiliaryone><auxiliarytwo>电子归档</auxiliarytwo></file>
<file><filename>身份证明</filename><auxiliaryone>必要</auxiliaryone><auxiliarytwo>电子归档</auxiliarytwo></file>
<file><filename>营业执照副本</filename><auxiliaryone>非必要</auxiliaryone><auxiliarytwo>纸质归档</auxiliarytwo></file></filingrange>
<filingrange title="结果材料"><file><filename>决定书.txt</filename><auxiliaryone>必要</auxiliaryone><auxiliarytwo>电子归档</auxiliarytwo></file></filingrange>
</filingranges></description>"#;
const PROCESS: &str = r#"<Opinions><Opinion nodename="申请"><Author>韩</Author><Body>提交</Body><Modified>2026-03-16 09:21:00</Modified></Opinion></Opinions>"#;

fn files() -> Vec<(String, Bytes)> {
    let file = |path: &str, text: &str| (path.to_owned(), Bytes::from(text.to_owned()));
    vec![
        file("基本信息描述.XML", BASIC),
        file("归档配置表.xml", CONFIG),
        file("办理流程.XML", PROCESS),
        file("申请材料/申请表.txt", "申请"),
        file("申请材料/身份证明.txt", "证明"),
        file("结果材料/决定书.txt", "决定"),
        file("申请材料/Thumbs.db", "x"),
    ]
}

fn zipped(prefix: &str, files: &[(String, Bytes)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, bytes) in files {
        writer.start_file(format!("{prefix}{path}"), zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn write(folder: &Path, files: &[(String, Bytes)]) {
    for (path, bytes) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

fn digest(source: &dyn PackageSource) -> Sha512 {
    let facts = examine(source, &mut Discard).unwrap();
    package_digest(facts.iter().map(|f| (f.path.as_str(), &f.received_sha512))).unwrap()
}

fn refused(error: ReadError) -> String {
    match error {
        ReadError::Refused(problem) => problem.code,
        ReadError::Io(e) => panic!("an I/O error: {e}"),
    }
}

#[test]
fn rows_find_their_files_and_the_rest_is_loose() {
    let package = read_package(&MemorySource::new("号", files())).unwrap();
    assert_eq!(package.item_number(), Some("511602042603310000200"));
    assert_eq!(package.data_version().map(dengbei_records::DataVersion::get), Some(1));
    let row = |n: usize| &package.rows[n];
    assert_eq!(package.rows.iter().map(|r| r.entry).collect::<Vec<_>>(), [Some(3), Some(4), None, Some(5)]);
    assert_eq!((row(0).phase.as_str(), row(0).main, row(0).material.as_str()), ("01", true, "申请表"));
    assert_eq!((row(1).main, row(2).form, row(3).main), (false, Some(FilingForm::Paper), true));
    assert_eq!(package.loose, [6]);
    assert_eq!(package.described_by, [0, 1, 2]);
    assert_eq!(package.metadata.retention, "永久");
    assert_eq!(package.metadata.service_code, "S-1");
    assert_eq!(
        (package.metadata.area_code.as_str(), package.metadata.applicant_id_type.as_str()),
        ("511602", "001")
    );
    assert_eq!(package.metadata.apply_time, "2026-03-16 09:21:00");
    assert_eq!(package.metadata.other, [("infotype".to_owned(), "单体".to_owned())]);
    assert!(!format!("{package:?}").contains("882172"), "the password was read");
    let keys: Vec<&str> = package.derivations.iter().map(|d| d.key.as_str()).collect();
    for key in [
        "data_version",
        "applicant_id_type",
        "applicant_type",
        "security",
        "area_code",
        "files.main",
        "files.origin",
    ] {
        assert!(keys.contains(&key), "{key} not in {keys:?}");
    }
}

#[test]
fn the_same_files_have_one_digest_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("号"), &files());
    let on_disk = FolderSource::open(&folder.path().join("号"), &Limits::PACKAGE).unwrap();
    let bytes: Bytes = zipped("号/", &files()).into();
    let in_zip = ZipSource::open(Arc::new(bytes), "x.zip", &Limits::PACKAGE).unwrap();
    let in_memory = MemorySource::new("号", files());
    assert_eq!((on_disk.name(), in_zip.name()), ("号", "号"));
    assert_eq!(digest(&on_disk), digest(&in_memory));
    assert_eq!(digest(&in_zip), digest(&in_memory));
}

#[test]
fn a_broken_package_still_says_whose_it_is() {
    let with = |path: &str, bytes: Vec<u8>| {
        let mut files = files();
        files.iter_mut().find(|f| f.0 == path).unwrap().1 = bytes.into();
        read_package(&MemorySource::new("号", files)).unwrap()
    };
    let cut = with("基本信息描述.XML", BASIC.as_bytes()[..BASIC.len() - 20].to_vec());
    assert_eq!(
        (cut.faults[0].kind, cut.item_number()),
        (XmlFaultKind::NotWellFormed, Some("511602042603310000200"))
    );
    let gbk = {
        let mut out = Vec::new();
        for c in BASIC.chars() {
            // 区 in GBK, enough to be no UTF-8.
            if c == '区' {
                out.extend([0xc7, 0xf8]);
            } else if c.is_ascii() {
                out.push(c as u8);
            }
        }
        out
    };
    let gbk = with("基本信息描述.XML", gbk);
    assert_eq!(
        (gbk.faults[0].kind, gbk.item_number()),
        (XmlFaultKind::WrongEncoding, Some("511602042603310000200"))
    );
    let none = read_package(&MemorySource::new("号", files().into_iter().skip(1).collect())).unwrap();
    assert_eq!((none.item_number(), none.documents[1].path.as_deref()), (None, None));
    assert_eq!(none.rows.len(), 4);
    let empty = read_package(&MemorySource::new("号", Vec::new())).unwrap();
    assert!(empty.rows.is_empty() && empty.item_number().is_none());
}

#[test]
fn a_folder_with_a_link_is_refused_and_nothing_outside_is_read() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &files());
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("申请材料/passwd")).unwrap();
    assert_eq!(refused(FolderSource::open(folder.path(), &Limits::PACKAGE).unwrap_err()), "archive.link");
}

#[test]
fn a_batch_gives_folders_and_inner_zips_one_by_one() {
    let catalogue =
        "<description><systemcode>ZWFW</systemcode><sendnumber>3</sendnumber><directories/></description>";
    let mut outer: Vec<(String, Bytes)> =
        vec![("存档信息包目录清单-（51160204）.XML".into(), catalogue.into())];
    outer.extend(files().into_iter().map(|(path, bytes)| (format!("甲/{path}"), bytes)));
    outer.push(("乙.zip".into(), zipped("号乙/", &files()).into()));
    outer.push(("丙.zip".into(), Bytes::from_static(b"not a zip")));
    outer.push(("readme.txt".into(), Bytes::from_static(b"x")));
    let spool = tempfile::tempdir().unwrap();
    let check = |mut batch: Batch| {
        assert_eq!(batch.catalogue.as_ref().and_then(dengbei_formats::Catalogue::count), Some(3));
        assert_eq!((batch.len(), &batch.stray[..]), (3, &["readme.txt".to_owned()][..]));
        let expected = digest(&MemorySource::new("", files()));
        let mut names = Vec::new();
        for package in batch.packages() {
            match package.source {
                Ok(source) => {
                    assert_eq!(digest(&*source), expected);
                    names.push(source.name().to_owned());
                }
                Err(error) => assert_eq!(
                    (package.name.as_str(), refused(error)),
                    ("丙.zip", "archive.not_a_zip".to_owned())
                ),
            }
        }
        names.sort();
        assert_eq!(names, ["号乙", "甲"]);
    };
    let bytes: Bytes = zipped("batch-0001/", &outer).into();
    check(Batch::open(Arc::new(bytes), "b.zip", Limits::BATCH, spool.path()).unwrap());
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &outer);
    check(Batch::open_folder(folder.path(), Limits::BATCH, spool.path()).unwrap());
}

#[test]
fn a_large_inner_zip_goes_through_an_unlinked_file() {
    let mut inner = files();
    let noise: Vec<u8> = (0..(17_u32 << 20)).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    inner.push(("结果材料/大.txt".into(), noise.into()));
    let spool = tempfile::tempdir().unwrap();
    let outer = vec![("大.zip".to_owned(), Bytes::from(zipped("", &inner)))];
    let bytes: Bytes = zipped("", &outer).into();
    let mut batch = Batch::open(Arc::new(bytes), "b.zip", Limits::BATCH, spool.path()).unwrap();
    let source = batch.package(0).unwrap().source.unwrap();
    assert_eq!(source.name(), "大");
    assert_eq!(digest(&*source), digest(&MemorySource::new("", inner)));
    assert_eq!(std::fs::read_dir(spool.path()).unwrap().count(), 0, "the spool file is unlinked");
}

#[test]
fn the_limits_of_a_batch_hold_over_all_its_packages() {
    let one = vec![("a.txt".to_owned(), Bytes::from(vec![b'x'; 1000]))];
    let outer: Vec<(String, Bytes)> =
        (0..3).map(|n| (format!("{n}.zip"), zipped("p/", &one).into())).collect();
    let limits = Limits { total_bytes: 5_000, ..Limits::BATCH };
    let bytes: Bytes = zipped("", &outer).into();
    let spool = tempfile::tempdir().unwrap();
    let mut batch = Batch::open(Arc::new(bytes.clone()), "b.zip", limits, spool.path()).unwrap();
    assert!(batch.packages().all(|p| p.source.is_ok()));
    let tight = Limits { total_bytes: 2_500, ..limits };
    let mut batch = Batch::open(Arc::new(bytes), "b.zip", tight, spool.path()).unwrap();
    let codes: Vec<String> = batch.packages().filter_map(|p| p.source.err().map(refused)).collect();
    assert_eq!(codes, ["archive.too_large"]);
}

#[test]
fn an_upload_that_is_one_package_is_a_batch_of_one() {
    let spool = tempfile::tempdir().unwrap();
    for prefix in ["", "号/"] {
        let bytes: Bytes = zipped(prefix, &files()).into();
        let mut batch = Batch::open(Arc::new(bytes), "号.zip", Limits::BATCH, spool.path()).unwrap();
        assert!(batch.catalogue.is_none());
        assert_eq!(batch.package(0).unwrap().source.unwrap().name(), "号");
    }
    let bytes: Bytes = zipped("", &[]).into();
    assert_eq!(
        refused(Batch::open(Arc::new(bytes), "b.zip", Limits::BATCH, spool.path()).unwrap_err()),
        "batch.empty"
    );
}

proptest! {
    #[test]
    fn no_documents_make_the_reader_panic(basic in ".{0,200}", at in 0usize..300, to in any::<u8>()) {
        let mut files = files();
        files[0].1 = basic.into_bytes().into();
        let mut config = CONFIG.as_bytes().to_vec();
        let n = config.len();
        config[at * 7 % n] = to;
        files[1].1 = config.into();
        let source = MemorySource::new("号", files);
        read_package(&source).unwrap();
        examine(&source, &mut Discard).unwrap();
    }

    #[test]
    fn no_archive_makes_the_validator_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1200), is_tar in any::<bool>()) {
        let mut bytes = bytes;
        if is_tar && bytes.len() > 512 {
            bytes[257..262].copy_from_slice(b"ustar");
        }
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        prop_assert_ne!(validate_archive(file.path(), &Limits::PACKAGE).verdict, "unverifiable");
    }
}
