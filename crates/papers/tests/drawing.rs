//! How papers are drawn: text stays text, the same paper gives the same bytes, errors say what to do, long lists fit.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test may fail where it stands")]

mod common;
mod pages;

use dengbei_papers::{KINDS, PaperError, Press, pdf};
use dengbei_records::ErrorClass;

/// Long enough for many pages; unoptimised typesetting is slow.
const MANY: u32 = if cfg!(debug_assertions) { 400 } else { 3_000 };

#[test]
fn what_a_paper_says_stays_text() {
    let hostile = [
        "#panic(\"x\")",
        "$x^2$ *b* _i_ `c` <l> @ref",
        "#import \"@preview/x:1.0.0\"",
        "#read(\"/etc/hostname\")",
        "</svg><script>1</script>",
        "\\u{41} \\n // /* ~~~",
        "= heading - list + enum / term:",
    ];
    let mut certificate = common::certificate();
    certificate.body.scope = hostile.join("；");
    certificate.body.unit.name = hostile[0].into();
    certificate.body.signer = hostile[1].into();
    let words = pages::words(&pdf("certificate", &common::json(&certificate)).unwrap());
    for text in hostile {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        assert!(words.contains(&text), "{text} in {words}");
    }
}

#[test]
fn odd_values_are_drawn_too() {
    let mut handover = common::handover();
    handover.body.copies = 0;
    handover.body.title = "题".repeat(600);
    handover.body.unit.on = "日期不明".into();
    handover.body.digests.rows.clear();
    handover.body.checks.clear();
    assert!(pages::words(&pdf("handover", &common::json(&handover)).unwrap()).contains("日期不明"));
    let mut certificate = common::certificate();
    certificate.body.packs.clear();
    certificate.body.copies.clear();
    certificate.body.checks.clear();
    certificate.seals.clear();
    certificate.body.bytes = (1 << 53) - 1;
    assert!(
        pages::words(&pdf("certificate", &common::json(&certificate)).unwrap())
            .contains("9,007,199,254,740,991")
    );
}

#[test]
fn the_same_paper_gives_the_same_bytes() {
    let (one, other) = (Press::open().unwrap(), Press::open().unwrap());
    for (kind, json) in common::all() {
        let drawn = one.pdf(kind, &json).unwrap();
        assert!(drawn == one.pdf(kind, &json).unwrap(), "{kind} again");
        assert!(drawn == other.pdf(kind, &json).unwrap(), "{kind} on another press");
    }
}

#[test]
fn papers_drawn_at_once_do_not_mix() {
    let papers = common::all();
    let drawn: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let threads: Vec<_> = papers[..3]
            .iter()
            .map(|(kind, json)| scope.spawn(|| Press::open().unwrap().pdf(kind, json).unwrap()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for ((kind, json), drawn) in papers.iter().zip(drawn) {
        assert!(drawn == pdf(kind, json).unwrap(), "{kind}");
    }
}

#[test]
fn a_machine_without_fonts_says_what_to_install() {
    let empty = tempfile::tempdir().unwrap();
    let error = Press::open_in(&[empty.path().into()]).unwrap_err();
    assert!(matches!(error, PaperError::NoFont { .. }));
    assert!(error.to_string().contains("apt-get install fonts-noto-cjk"), "{error}");
    assert_eq!(error.class(), ErrorClass::Unavailable);
    assert_eq!(error.problem().code, "paper.no_font");
    assert!(error.problem().remedy.contains("apt-get install fonts-noto-cjk"));
}

#[test]
fn a_font_file_that_is_none_is_a_missing_font() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["NotoSerifCJK-Regular.ttc", "NotoSerifCJK-Bold.ttc", "NotoSansCJK-Regular.ttc"] {
        std::fs::write(folder.path().join(file), b"not a font").unwrap();
    }
    assert!(matches!(Press::open_in(&[folder.path().into()]), Err(PaperError::NoFont { .. })));
}

#[test]
fn an_unknown_kind_is_named() {
    let error = pdf("visa", b"{}").unwrap_err();
    assert_eq!((error.class(), error.problem().code.as_str()), (ErrorClass::NotFound, "paper.unknown_kind"));
    assert!(error.to_string().contains("visa"));
}

#[test]
fn what_is_not_this_paper_is_refused() {
    let press = Press::open().unwrap();
    for kind in KINDS {
        for json in [b"".as_slice(), b"{}", b"null", b"[1]", b"{\"body\":{}}", b"\xff"] {
            let error = press.pdf(kind, json).unwrap_err();
            assert_eq!(
                (error.class(), error.problem().code.as_str()),
                (ErrorClass::Invalid, "paper.not_a_paper")
            );
        }
    }
    let other = common::json(&common::handover());
    assert_eq!(press.pdf("certificate", &other).unwrap_err().class(), ErrorClass::Invalid);
    let mut renamed = common::certificate();
    renamed.paper = "certificate/2".into();
    assert!(press.pdf("certificate", &common::json(&renamed)).is_err());
}

#[test]
fn data_spelled_another_way_is_refused() {
    let paper = common::certificate();
    let pretty = serde_json::to_vec_pretty(&paper).unwrap();
    assert_eq!(pdf("certificate", &pretty).unwrap_err().class(), ErrorClass::Invalid);
}

#[test]
fn a_long_catalogue_breaks_over_pages_with_its_head_on_each() {
    let catalogue = common::catalogue(MANY);
    let drawn = pdf("catalogue", &common::json(&catalogue)).unwrap();
    let text = pages::text(&drawn);
    let sheets: Vec<&str> = text.split('\u{c}').filter(|page| !page.trim().is_empty()).collect();
    let count = sheets.len();
    assert!(count >= MANY as usize / 30, "{count} pages");
    for (at, page) in sheets.iter().enumerate() {
        let words: String = page.chars().filter(|c| !c.is_whitespace()).collect();
        assert!(words.contains("记录摘要SHA-256"), "page {}: {words}", at + 1);
        assert!(words.contains(&format!("第{}页共{count}页", at + 1)), "page {}: {words}", at + 1);
    }
    let words: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    for row in &catalogue.rows {
        assert!(words.contains(&row.archival_code) && words.contains(&row.title), "{}", row.archival_code);
    }
}
