//! Mutants of files and of what is known around the package.

use dengbei_checks::Stage;
use dengbei_checks::facts::{ScanOutcome, Suspect};
use dengbei_records::Timestamp;

use crate::mutant::{Mutant, mutant};
use crate::support::{CONFIG_XML, DECISION, FORM, PDF, PROCESS_XML, known};

pub(crate) fn content() -> Vec<Mutant> {
    let with = |path: &str, bytes: &[u8]| known().with(path, bytes).settled();
    let dtd = "<!DOCTYPE o [<!ENTITY x \"y\">]><Opinions>";
    let row = "<file><filename>决定书.pdf</filename><auxiliaryone>必要</auxiliaryone><auxiliarytwo>电子归档</auxiliarytwo></file>";
    vec![
        mutant("pdf named txt", "A-14", &["A-14"], with(FORM, PDF.as_bytes())),
        mutant("file not listed", "A-15", &["A-15", "I-11", "S-03"], with("申请材料/别的.txt", b"x")),
        mutant("file at the top", "A-17", &["A-15", "A-17", "I-11", "S-03"], with("readme.txt", b"x")),
        mutant(
            "no process document",
            "A-17",
            &["A-17", "I-04", "I-05"],
            known().without(PROCESS_XML).settled(),
        ),
        mutant("empty file", "I-07", &["I-07"], with(FORM, b"")),
        mutant("listed, absent", "I-08", &["A-15", "I-08", "I-11"], known().without(DECISION).settled()),
        mutant(
            "necessary material not listed",
            "I-09",
            &["I-09"],
            known().without(DECISION).replace(CONFIG_XML, row, "").settled(),
        ),
        mutant("no file at all", "I-11", &["I-09", "I-11"], {
            let paper = known().without(DECISION).without(FORM).replace(CONFIG_XML, "电子归档", "纸质归档");
            paper.settled()
        }),
        mutant("entities", "U-01", &["U-01"], known().replace(PROCESS_XML, "<Opinions>", dtd).settled()),
        mutant("program", "U-03", &["U-03"], {
            let exe = known().without(FORM).replace(CONFIG_XML, "申请表.txt", "申请表.exe");
            exe.with("申请材料/申请表.exe", *b"MZ\x90\0").settled()
        }),
        mutant("no page", "U-04", &["U-04"], with(DECISION, PDF.replace("/Kids [3 0 R]", "").as_bytes())),
        mutant(
            "format at risk",
            "U-05",
            &["U-05"],
            known().knowing(|c| {
                let risks = &mut c.environment.as_mut().unwrap().risks;
                risks.insert("pdf".into(), ("无人维护".into(), "nobody maintains it".into()));
            }),
        )
        .at(Stage::Y),
        mutant("program not on record", "U-06", &["U-06"], known())
            .by(r#""parameters":{"U-06":{"applications":["永中"]}}"#),
        mutant("too many files", "U-07", &["U-07"], known()).by(r#""parameters":{"U-07":{"max_files":4}}"#),
        mutant(
            "password",
            "U-08",
            &["U-08"],
            with(DECISION, PDF.replace("/Root 1 0 R", "/Root 1 0 R /Encrypt 9 0 R").as_bytes()),
        ),
        mutant(
            "restored differently",
            "U-09",
            &["U-09"],
            known().knowing(|c| {
                c.restored.as_mut().unwrap().differing.push("v1/content/files/0001.pdf".into());
            }),
        )
        .at(Stage::C),
        mutant(
            "drill overdue",
            "U-09",
            &["U-09"],
            known().knowing(|c| {
                c.restored.as_mut().unwrap().at = Timestamp::from_millis(c.now.millis() - 93 * 86_400_000);
            }),
        )
        .at(Stage::C),
        mutant(
            "infected",
            "S-02",
            &["S-02"],
            known().knowing(|c| {
                c.scan.as_mut().unwrap().files.insert(FORM.into(), ScanOutcome::Infected("Eicar".into()));
            }),
        ),
        mutant(
            "recognised without a scanner",
            "S-02",
            &["S-02"],
            known().knowing(|c| {
                c.scan = None;
                c.suspects.push(Suspect { path: FORM.into(), what: "EICAR".into() });
            }),
        ),
        mutant(
            "thumbnails",
            "S-03",
            &["A-15", "I-11", "S-03"],
            with("申请材料/Thumbs.db", b"\xd0\xcf\x11\xe0"),
        ),
        mutant("device name", "S-09", &["S-09"], {
            let device = known()
                .without(FORM)
                .replace(CONFIG_XML, "申请表.txt", "CON.txt")
                .with("申请材料/CON.txt", *b"x");
            device.knowing(|c| c.matter.as_mut().unwrap().scope[0].material = "CON".into()).settled()
        }),
    ]
}
