//! Mutants of metadata and describing documents.

use dengbei_checks::Stage;

use crate::mutant::{Mutant, mutant};
use crate::support::{CONFIG_XML, PROCESS_XML, known};

pub(crate) fn metadata() -> Vec<Mutant> {
    let basic = |from: &str, to: &str| known().basic(from, to).settled();
    vec![
        mutant(
            "title too long",
            "A-07",
            &["A-07"],
            basic(">韩氏科技有限公司供水报装<", &format!(">{}<", "超".repeat(600))),
        ),
        mutant(
            "minutes in the month",
            "A-08",
            &["A-08"],
            basic("2026-03-31 09:36:00", "2026-47-31 09:36:00"),
        ),
        mutant("no such result", "A-09", &["A-09"], basic("<result>准予", "<result>神秘")),
        mutant(
            "accepted before applied",
            "A-10",
            &["A-10"],
            basic("2026-03-16 09:36:00", "2026-03-15 09:36:00"),
        ),
        mutant(
            "private character",
            "A-11",
            &["A-11"],
            basic("供水报装</projectname>", "供水\u{e000}报装</projectname>"),
        ),
        mutant("number of six parts", "A-12", &["A-12"], basic("-GG-51201", "-GG51201")),
        mutant(
            "element twice",
            "A-16",
            &["A-16"],
            basic("<result>准予</result>", "<result>准予</result><result>准予</result>"),
        ),
        mutant("table without its matter", "A-16", &["A-16"], {
            let code = "<servicecode>512017439001-511602000000-000-11511301008778255F-1-00</servicecode>";
            known().replace(CONFIG_XML, code, "").settled()
        }),
        mutant(
            "element missing",
            "I-03",
            &["I-03", "I-04"],
            basic("<servicename>供水报装</servicename>", ""),
        ),
        mutant(
            "applicant empty",
            "I-04",
            &["I-04"],
            basic("<applyname>韩氏科技有限公司</applyname>", "<applyname/>"),
        ),
        mutant("no review", "I-05", &["I-05"], known().replace(PROCESS_XML, "审核", "备注").settled()),
        mutant(
            "database tells another title",
            "I-10",
            &["I-10"],
            known().knowing(|c| {
                c.recorded.as_mut().unwrap().metadata.title = "别的".into();
            }),
        ),
        mutant(
            "gap without a reason",
            "I-06",
            &["I-06"],
            known().knowing(|c| {
                c.classes.as_mut().unwrap().values_mut().for_each(|n| n.given = vec![1, 3]);
            }),
        )
        .at(Stage::Y),
        mutant("secret", "S-08", &["S-08"], basic("<result>", "<security>机密</security><result>")),
        mutant(
            "mark in the title",
            "S-08",
            &["S-08"],
            basic("供水报装</projectname>", "供水报装 机密★10年</projectname>"),
        ),
        mutant(
            "citizen's number in the title",
            "S-08",
            &["S-08"],
            basic("供水报装</projectname>", "11010519491231002X</projectname>"),
        ),
        mutant(
            "restricted on the public network",
            "S-08",
            &["S-08"],
            basic("<result>", "<security>限制</security><result>"),
        )
        .by(r#""parameters":{"S-08":{"public_zone":1}}"#),
    ]
}
