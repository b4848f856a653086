//! 检测报告 on paper: everything that was found can be read, long tables break, and the digest can be recomputed from the
//! attachment alone.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test may fail where it stands")]

#[path = "reports/mod.rs"]
mod made;
mod pages;

use dengbei_checks::{Opinion, Recheck, Report};
use dengbei_papers::report::CheckPaper;
use dengbei_papers::{check_paper, check_report};
use dengbei_records::{Timestamp, canonical};

fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[test]
fn every_finding_of_a_failed_report_is_on_paper_with_its_remedy() {
    let report = made::report(3);
    let drawn = check_report(&report, &[], made::about()).unwrap();
    let words = pages::words(&drawn);
    for check in &report.checks {
        assert!(words.contains(&plain(&check.name)), "{} in {words}", check.name);
        for found in &check.findings {
            for text in [&found.place, &found.message, &found.message_en, &found.remedy, &found.remedy_en] {
                assert!(words.contains(&plain(text)), "{text} in {words}");
            }
        }
    }
    for text in ["不通过", "按四性汇总", "真实性", "安全性", "ClamAV1.4.3/27800", "#panic(\"x\")$y^2$"]
    {
        assert!(words.contains(text), "{text} in {words}");
    }
    assert!(words.contains(&report.digest.unwrap().to_string()), "{words}");
    assert!(words.contains(&report.scheme.digest.unwrap().to_string()), "{words}");
}

#[test]
fn the_attachment_holds_the_report_as_it_was_sealed() {
    let report = made::report(2);
    let data = pages::attachment(&check_report(&report, &[], made::about()).unwrap());
    let paper: CheckPaper = canonical::from_slice(&data).unwrap();
    let stored: Report = serde_json::from_value(paper.parts[0].stored.clone()).unwrap();
    assert_eq!(stored, report);
    assert!(stored.is_intact());
}

#[test]
fn a_report_that_was_changed_says_so_on_paper() {
    let mut report = made::report(0);
    report.checks.pop();
    let words = pages::words(&check_report(&report, &[], made::about()).unwrap());
    assert!(words.contains("复算不符"), "{words}");
}

#[test]
fn a_hundred_findings_break_over_pages_under_their_head() {
    let drawn = check_report(&made::report(100), &[], made::about()).unwrap();
    let text = pages::text(&drawn);
    let sheets: Vec<String> = text.split('\u{c}').map(plain).filter(|page| !page.is_empty()).collect();
    assert!(sheets.len() > 4, "{}", sheets.len());
    for (at, page) in sheets.iter().enumerate() {
        assert!(page.contains(&format!("第{}页共{}页", at + 1, sheets.len())), "{page}");
    }
    let with_head = sheets.iter().filter(|page| page.contains("改正办法remedy")).count();
    assert!(with_head >= 4, "{with_head}");
    let words = plain(&text);
    assert!((1..=100).all(|n| words.contains(&format!("把第{n}份文件换成"))), "{words}");
}

#[test]
fn persons_and_their_second_looks_stand_on_the_report_of_a_batch() {
    let report = made::of_batch();
    let recheck = Recheck {
        report: report.digest.unwrap(),
        check: dengbei_checks::CheckId::S03,
        opinion: Opinion::Overruled,
        person: "复检乙".into(),
        reason: "缩略图由平台生成，不影响归档".into(),
        at: Timestamp::from_millis(1_793_000_100_000),
    };
    let words = pages::words(&check_report(&report, &[recheck], Vec::new()).unwrap());
    for text in ["2026-Q4-0007", "审核甲（1/2）", "复检乙", "改判通过", "缩略图由平台生成"]
    {
        assert!(words.contains(text), "{text} in {words}");
    }
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let paper = CheckPaper::of(&made::report(5), &[], made::about());
    assert!(check_paper(&paper).unwrap() == check_paper(&paper).unwrap());
    let none = CheckPaper { parts: Vec::new(), ..paper };
    assert!(pages::words(&check_paper(&none).unwrap()).contains("没有留存检测报告"));
}
