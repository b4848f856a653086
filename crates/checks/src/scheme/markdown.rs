//! The tables of docs/checks.md: printed from what is declared, so that the page cannot say anything else.

use std::fmt::Write as _;

use super::Scheme;
use crate::declared::DECLARED;
use crate::parameters::{Kind, SPECS, Strictness};
use crate::{CheckId, Parameters, Stage};

impl Scheme {
    /// Every check of this scheme, then its parameters.
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "`{}` {}, SHA-256 `{}`\n", self.id, self.version, self.digest);
        out.push_str("| id | 检测项 | name | DA/T 70 | 对象 scope | P | G | Y | C | 放宽 loosening | 复检可改判 | 改正者 mended by | 比对 what is compared |\n");
        out.push_str("|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
        for declared in &DECLARED {
            self.row(declared.id, &mut out);
        }
        out.push_str(
            "\n| check | 参数 parameter | 单位 unit | 内置值 value | 范围 bounds |\n|---|---|---|---|---|\n",
        );
        let values = serde_json::to_value(&self.parameters).unwrap_or_default();
        for spec in SPECS {
            let value = &values[spec.check.as_str()][spec.key];
            let shown = match (spec.kind, value.as_array()) {
                (_, Some(words)) => words.iter().filter_map(|w| w.as_str()).collect::<Vec<_>>().join(" "),
                (Kind::Lengths, None) => lengths(&self.parameters),
                (_, None) => value.to_string(),
            };
            let _ = writeln!(
                out,
                "| {} | `{}` | {} {} | {shown} | {} |",
                spec.check,
                spec.key,
                spec.unit,
                spec.unit_en,
                bounds(spec.kind, spec.strictness)
            );
        }
        out
    }

    fn row(&self, id: CheckId, out: &mut String) {
        let d = id.declared();
        let letters = Stage::ALL
            .map(|stage| self.line(stage, id).map_or_else(|| "–".to_owned(), |l| l.rule.to_string()));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} {} | {} | {} {} | {} | {} {} | {}. {} |",
            d.code,
            d.name,
            d.name_en,
            if d.numbers.is_empty() { "–".to_owned() } else { d.numbers.join(" ") },
            d.scope.word(),
            d.scope.word_en(),
            letters.join(" | "),
            d.freedom.word(),
            d.freedom.word_en(),
            if d.may_overrule { "是 yes" } else { "否 no" },
            d.office.word(),
            d.office.word_en(),
            d.basis,
            d.basis_en
        );
    }
}

fn lengths(parameters: &Parameters) -> String {
    parameters.a07.max_lengths.iter().map(|(key, n)| format!("{key} {n}")).collect::<Vec<_>>().join(", ")
}

fn bounds(kind: Kind, strictness: Strictness) -> String {
    let range = match kind {
        Kind::Number(least, most) => format!("{least}–{most}"),
        Kind::Words => String::new(),
        Kind::Lengths => "1–100000".to_owned(),
    };
    let strict = match strictness {
        Strictness::Any => "",
        Strictness::NotAbove => "不得更大 not above",
        Strictness::NotBelow => "不得更小 not below",
        Strictness::KeepsWords => "只增不减 only more",
    };
    [range, strict.to_owned()].iter().filter(|t| !t.is_empty()).cloned().collect::<Vec<_>>().join("，")
}
