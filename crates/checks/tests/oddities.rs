//! What real senders really send: oddities that are filed, and oddities that go back under the right check.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use dengbei_checks::{Stage, Verdict};
use dengbei_records::{FilingForm, ScopeRow, Timestamp};
use support::{BASIC_XML, CONFIG_XML, DECISION, FORM, PDF, PROCESS_XML, Sample, ids, sample};

/// (what it is, the checks that fail before filing; none: it is filed, the package)
type Case = (&'static str, &'static [&'static str], Sample);

const CLOSED: &str = "2026-03-31 09:36:00";
const ACCEPTED: &str = "<receivetime>2026-03-16 09:36:00</receivetime>";

fn renamed(from: &str, to: &str, row: &str, bytes: &[u8]) -> Sample {
    let was = from.rsplit('/').next().unwrap();
    sample().without(from).replace(CONFIG_XML, was, row).with(to, bytes)
}

/// How XML is written.
fn written() -> Vec<Case> {
    let bom = |path: &str, s: Sample| {
        let bytes = [b"\xef\xbb\xbf".to_vec(), s.files[path].clone()].concat();
        s.with(path, bytes)
    };
    vec![
        (
            "a byte order mark in every document",
            &[],
            bom(PROCESS_XML, bom(CONFIG_XML, bom(BASIC_XML, sample()))),
        ),
        ("CRLF and indentation", &[], sample().basic("</deptname>", "</deptname>\r\n\t  ")),
        (
            "element names in capitals",
            &[],
            sample().basic("<projid>", "<PROJID>").basic("</projid>", "</PROJID>"),
        ),
        ("a prefix of a namespace", &[], {
            sample().basic("<projid>", "<z:projid xmlns:z=\"urn:z\">").basic("</projid>", "</z:projid>")
        }),
        ("CDATA and an ampersand in the title", &[], {
            sample().basic(">韩氏科技有限公司供水报装<", "><![CDATA[韩氏&科技]]>供水&amp;报装<")
        }),
        ("old spelling of the retention period", &[], {
            sample().basic("retentionperiod", "retentionperio").replace(
                CONFIG_XML,
                "retentionperiod",
                "retentionperio",
            )
        }),
        ("long words for the retention period", &[], {
            let long = sample().basic(">30年<", ">定期30年<");
            long.replace(CONFIG_XML, ">30年<", ">定期30年<")
        }),
        ("elements of the platform that nobody asked for", &[], {
            sample().basic("<areacode>", "<promiseday>5</promiseday><applyfrom>2</applyfrom><areacode>")
        }),
        (
            "the version as a decimal",
            &["A-08"],
            sample().basic("<areacode>", "<dataversion>1.0</dataversion><areacode>"),
        ),
        (
            "the result twice, the second empty",
            &["A-16"],
            sample().basic("<areacode>", "<result/><areacode>"),
        ),
        ("an empty process document", &["I-04", "I-05"], sample().with(PROCESS_XML, "<Opinions/>")),
        ("a document cut in the middle", &["I-04", "I-05", "U-01"], {
            let half = sample().files[PROCESS_XML][..40].to_vec();
            sample().with(PROCESS_XML, half)
        }),
    ]
}

/// How times and numbers are written.
fn values() -> Vec<Case> {
    vec![
        ("times without seconds", &[], sample().basic(CLOSED, "2026-03-31 09:36")),
        ("times with a zone", &[], sample().basic(CLOSED, "2026-03-31T09:36:00+08:00")),
        ("times as Java prints them", &["A-08"], sample().basic(CLOSED, "2026-03-31 09:36:00.0")),
        ("times in Chinese", &["A-08"], sample().basic(CLOSED, "2026年3月31日")),
        ("the clock of the sender five minutes ahead", &[], {
            sample().knowing(|c| c.now = Timestamp::from_millis(1_774_922_460_000))
        }),
        ("closed before it was accepted", &["A-10"], sample().basic(CLOSED, "2026-03-16 09:30:00")),
        ("no time of closing", &["I-04"], sample().basic(CLOSED, "")),
        (
            "an item number of another province",
            &["A-08"],
            sample().basic("511602042603310000200", "GZ20260331000020"),
        ),
        ("an applicant from Hong Kong", &[], sample().basic("91511602MAXX41776T", "H12345678")),
        (
            "an old citizen's number of fifteen digits",
            &[],
            sample().basic("91511602MAXX41776T", "110105491231002"),
        ),
        ("the unit's number of the year before", &["A-12"], sample().basic("-001-2026-", "-001-2025-")),
        (
            "the item number in the title",
            &[],
            sample().basic("供水报装</projectname>", "511602042603310000200</projectname>"),
        ),
        (
            "internal, off the public network",
            &[],
            sample().basic("<result>", "<security>内部</security><result>"),
        ),
        (
            "a word about secrets that is no mark",
            &[],
            sample().basic("供水报装</projectname>", "商业秘密保护</projectname>"),
        ),
    ]
}

/// How matters end.
fn outcomes() -> Vec<Case> {
    let short = |result: &str| {
        let s = sample().basic("<result>准予", &format!("<result>{result}"));
        s.replace(PROCESS_XML, "受理", "登记备查").replace(PROCESS_XML, "审核", "登记备查")
    };
    vec![
        ("done at once, without a review", &[], {
            sample().replace(PROCESS_XML, "审核", "备注").basic("承诺件", "即办件")
        }),
        ("never accepted", &[], short("不予受理").basic(ACCEPTED, "<receivetime/>")),
        ("withdrawn", &[], short("退件（申请人撤回）")),
        ("voided", &[], short("作废办结")),
        ("granted without a decision", &["I-05"], sample().replace(PROCESS_XML, "决定", "备注")),
    ]
}

/// How files are named and what is among them.
fn files() -> Vec<Case> {
    let txt = "申请供水报装".as_bytes();
    let paper = || {
        let row = "<file><filename>营业执照副本</filename><auxiliaryone>非必要</auxiliaryone><auxiliarytwo>纸质归档</auxiliarytwo></file>";
        sample().replace(CONFIG_XML, "title=\"申请材料\">", &format!("title=\"申请材料\">{row}"))
    };
    vec![
        ("rows without endings", &[], sample().replace(CONFIG_XML, "申请表.txt", "申请表")),
        ("an ending in capitals", &[], renamed(FORM, "申请材料/申请表.TXT", "申请表.TXT", txt)),
        ("a material in two files", &[], {
            let row = "</file></filingrange><filingrange title=\"结果材料\">";
            let second = "</file><file><filename>申请表（2）.txt</filename><auxiliaryone>非必要</auxiliaryone><auxiliarytwo>电子归档</auxiliarytwo>";
            sample().replace(CONFIG_XML, row, &format!("{second}{row}")).with("申请材料/申请表（2）.txt", txt)
        }),
        ("codes for necessity and form", &[], {
            sample().replace(CONFIG_XML, "必要", "1").replace(CONFIG_XML, "电子归档", "1")
        }),
        (
            "a material on paper",
            &[],
            paper().knowing(|c| {
                let row = ScopeRow {
                    material: "营业执照副本".into(),
                    necessary: false,
                    form: FilingForm::Paper,
                    ..c.matter.as_ref().unwrap().scope[0].clone()
                };
                c.matter.as_mut().unwrap().scope.push(row);
            }),
        ),
        (
            "what macOS leaves behind",
            &["A-15", "I-11"],
            sample().with("申请材料/.DS_Store", *b"\0\0\0\x01Bud1"),
        ),
        (
            "what Windows leaves behind",
            &["A-15", "I-11"],
            sample().with("结果材料/desktop.ini", *b"[.ShellClassInfo]"),
        ),
        ("a decomposed name", &["A-15", "I-08", "S-09"], {
            renamed(FORM, "申请材料/re\u{301}sume\u{301}.txt", "申请表.txt", txt)
        }),
        ("a Word file", &["U-03"], renamed(DECISION, "结果材料/决定书.doc", "决定书.doc", b"{\\rtf1 x}")),
        ("an archive as a material", &["U-03", "U-08"], {
            renamed(DECISION, "结果材料/决定书.zip", "决定书.zip", &sample().zipped())
        }),
        ("a picture named PDF", &["A-14", "I-07"], sample().with(DECISION, *b"\xff\xd8\xff\xe0\0\x10JFIF")),
        ("a PDF that was not finished", &["I-07"], sample().with(DECISION, PDF.replace("%%EOF\n", ""))),
        ("a mark of secrecy in a file's name", &["S-08"], {
            let s = renamed(FORM, "申请材料/机密★申请表.txt", "机密★申请表.txt", txt);
            s.knowing(|c| c.matter.as_mut().unwrap().scope[0].material = "机密★申请表".into())
        }),
    ]
}

#[test]
fn what_real_senders_send_is_filed_or_goes_back_under_the_right_check() {
    let cases: Vec<Case> = [written(), values(), outcomes(), files()].into_iter().flatten().collect();
    assert!(cases.len() >= 40, "{}", cases.len());
    for (name, expected, package) in cases {
        let report = package.check(Stage::G);
        assert_eq!(
            ids(report.failing_ids()),
            expected,
            "{name}: {:#?}",
            report.notable().collect::<Vec<_>>()
        );
        assert_eq!(report.verdict == Verdict::Passed, expected.is_empty(), "{name}");
        for finding in report.failing().flat_map(|c| &c.findings) {
            assert!(!finding.remedy.is_empty() && !finding.remedy_en.is_empty(), "{name}: {finding:?}");
        }
    }
}
