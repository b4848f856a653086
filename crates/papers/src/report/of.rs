//! A part of every [`Report`]: of an item, a batch, a carrier or a system, sealed or not.

use dengbei_checks::{Opinion, Recheck, Report};
use dengbei_records::Timestamp;

use super::{
    CheckLine, CheckPaper, Fact, Part, PersonLine, RecheckLine, Said, SchemeLine, stage_word, summary,
    verdict_word,
};

impl Part {
    /// What a report says, whole; `rechecks` stand beside it and change nothing in it.
    pub fn of(report: &Report, rechecks: &[Recheck]) -> Self {
        let checks: Vec<CheckLine> = report.checks.iter().map(CheckLine::from).collect();
        let stage = report.stage.as_str();
        let word = stage_word(stage);
        let verdict = report.verdict.as_str();
        Self {
            title: Said::new(format!("{}检测", word.zh), format!("checks of {}", word.en)),
            stage: stage.into(),
            verdict: verdict.into(),
            verdict_word: verdict_word(verdict),
            scheme: SchemeLine {
                id: report.scheme.id.clone(),
                version: report.scheme.version.clone(),
                digest: report.scheme.digest.map(|d| d.to_string()).unwrap_or_default(),
            },
            engine: report.engine.to_string(),
            data_version: 0,
            began: time(report.began_at),
            ended: time(report.ended_at),
            basis: Said::new(
                "本报告逐项载明检测结果，封存后不再改动。",
                "Every check with its result; the report was sealed and is never changed.",
            ),
            summary: summary(&checks),
            checks,
            persons: report.tasks.iter().map(person).collect(),
            rechecks: rechecks.iter().map(recheck).collect(),
            sample: sample(report),
            unfit: Vec::new(),
            digest: report.digest.map(|d| d.to_string()).unwrap_or_default(),
            digest_of: digest_of(report),
            stored: serde_json::to_value(report).unwrap_or_default(),
        }
    }
}

impl CheckPaper {
    /// One report on paper; `about` says what the report itself does not: the item, its unit, its package.
    pub fn of(report: &Report, rechecks: &[Recheck], about: Vec<Fact>) -> Self {
        let part = Part::of(report, rechecks);
        let scope = report.subject.as_ref();
        let named = about.first().map(|fact| fact.value.clone()).unwrap_or_default();
        let number = scope.map_or(named, |subject| subject.number.clone());
        let mut lines: Vec<Fact> = scope
            .map(|s| Fact::new("检测对象", "subject", format!("{} {}", s.scope.word(), s.number)))
            .into_iter()
            .collect();
        lines.extend(about);
        let dated = if part.ended.is_empty() { part.began.clone() } else { part.ended.clone() };
        Self { number, dated, about: lines, parts: vec![part] }
    }
}

fn time(at: Option<Timestamp>) -> String {
    at.map(Timestamp::rfc3339).unwrap_or_default()
}

fn digest_of(report: &Report) -> Said {
    match (report.digest, report.is_intact()) {
        (None, _) => Said::new("本报告未封存", "this report is not sealed"),
        (Some(_), true) => Said::new(
            "所附报告数据去掉 digest 字段后的规范 JSON（RFC 8785）的 SHA-256；生成本页时已复算，相符。",
            "SHA-256 over the attached report in canonical JSON (RFC 8785) without its field digest; recomputed when this page was made: it agrees.",
        ),
        (Some(_), false) => Said::new(
            "复算不符：报告内容与其摘要不一致，不得采信。",
            "Recomputed, and it differs: what the report says is not what was sealed. Do not rely on it.",
        ),
    }
}

fn person(task: &dengbei_checks::Task) -> PersonLine {
    PersonLine {
        check: task.check.to_string(),
        of: format!("{} {}", task.scope.word(), task.of),
        task: Said::new(&task.task, &task.task_en),
        wanted: u32::try_from(task.persons).unwrap_or(u32::MAX),
        signed_by: task.signed_by.clone(),
    }
}

fn recheck(row: &Recheck) -> RecheckLine {
    let (name, zh, en) = match row.opinion {
        Opinion::Overruled => ("overruled", "改判通过", "overruled"),
        Opinion::Upheld => ("upheld", "维持", "upheld"),
    };
    RecheckLine {
        check: row.check.to_string(),
        opinion: name.into(),
        opinion_word: Said::new(zh, en),
        person: row.person.clone(),
        reason: row.reason.clone(),
        at: row.at.rfc3339(),
    }
}

fn sample(report: &Report) -> Said {
    let Some(s) = &report.sample else { return Said::default() };
    let n = s.items.len();
    Said::new(
        format!("抽样种子 {}，{}%，共 {} 件抽取 {n} 件", s.seed, s.percent, s.of),
        format!("seed {}, {}%, {n} of {} items", s.seed, s.percent, s.of),
    )
}
