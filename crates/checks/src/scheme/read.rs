//! Reads a scheme's document: every problem is told, nothing that is wrong runs.

use dengbei_records::{AreaCode, Sha256, canonical};
use serde_json::{Map, Value};

use super::{
    Base, FORMAT, SERVICE_ITEM, Scheme, SchemeDocument, SchemeFault, TRANSFER, letters, transfers, values,
};
use crate::Parameters;

/// The largest document.
const MAX_BYTES: usize = 1 << 20;
/// The keys of a document.
const KEYS: [&str; 15] = [
    "format",
    "id",
    "version",
    "title",
    "title_en",
    "extends",
    "categories",
    "areas",
    "in_force_from",
    "in_force_until",
    "stages",
    "unverified_blocks",
    "aliases",
    "parameters",
    "digest",
];

/// What is collected while a document is read.
pub(super) struct Faults(pub(super) Vec<SchemeFault>);

impl Faults {
    pub(super) fn add(&mut self, code: &str, place: &str, texts: [String; 2], remedies: [&str; 2]) {
        self.0.push(SchemeFault::new(code, place, texts, remedies.map(str::to_owned)));
    }
}

pub(super) fn both(zh: &str, en: &str) -> [String; 2] {
    [zh.to_owned(), en.to_owned()]
}

impl Scheme {
    /// Reads a document. `known`: schemes beside the built-in ones that it may extend.
    ///
    /// # Errors
    /// Every problem of the document, in the order of its parts.
    pub fn read(bytes: &[u8], known: &[Self]) -> Result<Self, Vec<SchemeFault>> {
        let mut faults = Faults(Vec::new());
        let Some(tree) = object(bytes, &mut faults) else { return Err(faults.0) };
        for key in tree.keys().filter(|k| !KEYS.contains(&k.as_str())) {
            let texts = [format!("没有“{key}”这一项"), format!("there is no field \"{key}\"")];
            faults.add("unknown_field", &format!("/{key}"), texts, ["删去这一项", "take it out"]);
        }
        texts_of(&tree, &mut faults);
        let base = base_of(&tree, known, &mut faults);
        letters::judge(&tree, base, &mut faults);
        values::judge(&tree, &mut faults);
        if !faults.0.is_empty() {
            return Err(faults.0);
        }
        finish(tree, base)
    }
}

fn object(bytes: &[u8], faults: &mut Faults) -> Option<Map<String, Value>> {
    let remedy = ["换成一个JSON对象，UTF-8，不超过1 MiB", "make it one JSON object, UTF-8, at most 1 MiB"];
    if bytes.len() > MAX_BYTES {
        faults.add("too_large", "", both("文件过大", "the file is too large"), remedy);
        return None;
    }
    match serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)) {
        Ok(Value::Object(tree)) => Some(tree),
        Ok(_) => {
            faults.add("not_an_object", "", both("不是一个JSON对象", "not a JSON object"), remedy);
            None
        }
        Err(e) => {
            let at = format!("行 {}，列 {}", e.line(), e.column());
            faults.add("not_json", &at, both("不是合语法的JSON", "not well-formed JSON"), remedy);
            None
        }
    }
}

/// Texts that must be there, by their form.
fn texts_of(tree: &Map<String, Value>, faults: &mut Faults) {
    let text = |key: &str| tree.get(key).and_then(Value::as_str);
    for key in ["format", "id", "version", "title", "title_en", "in_force_from"] {
        if text(key).is_none_or(str::is_empty) {
            let texts = [format!("缺少“{key}”"), format!("\"{key}\" is missing")];
            faults.add("missing_field", &format!("/{key}"), texts, ["补上这一项", "add it"]);
        }
    }
    if text("format").is_some_and(|f| f != FORMAT) {
        let texts = [format!("format应为“{FORMAT}”"), format!("format must be \"{FORMAT}\"")];
        faults.add("bad_field", "/format", texts, ["改为所示的值", "write it so"]);
    }
    for key in ["id", "version"] {
        if text(key).is_some_and(|t| !is_name(t)) {
            let texts =
                both("应为字母、数字、“/”“-”“.”“_”，不超过64字", "letters, digits, / - . _ only, at most 64");
            faults.add("bad_field", &format!("/{key}"), texts, ["换一个名称", "choose another name"]);
        }
    }
    if text("id").is_some_and(|id| id == SERVICE_ITEM || id == TRANSFER) && tree.contains_key("extends") {
        let texts = both("与内置方案同名", "the name of a built-in scheme");
        faults.add("reserved_id", "/id", texts, ["换一个名称", "choose another name"]);
    }
    days_of(tree, faults);
    lists_of(tree, faults);
}

fn days_of(tree: &Map<String, Value>, faults: &mut Faults) {
    let remedy = ["写成2026-01-01的样子", "write it like 2026-01-01"];
    let mut days = Vec::new();
    for key in ["in_force_from", "in_force_until"] {
        match tree.get(key) {
            None => {}
            Some(Value::String(day)) if is_day(day) => days.push(day.as_str()),
            Some(_) => faults.add("bad_date", &format!("/{key}"), both("不是日期", "not a date"), remedy),
        }
    }
    if let [from, until] = days[..]
        && until < from
    {
        let texts = both("失效在生效之前", "it ends before it begins");
        faults.add("dates", "/in_force_until", texts, ["改正两个日期", "mend the two dates"]);
    }
}

fn lists_of(tree: &Map<String, Value>, faults: &mut Faults) {
    for key in ["categories", "areas"] {
        let Some(value) = tree.get(key) else { continue };
        let is_list =
            value.as_array().is_some_and(|l| l.iter().all(|v| v.as_str().is_some_and(|t| !t.is_empty())));
        if !is_list {
            let texts = both("应为一列文字", "must be a list of texts");
            faults.add("bad_field", &format!("/{key}"), texts, ["写成[\"…\"]", "write [\"…\"]"]);
        }
    }
    for area in tree.get("areas").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        let is_code = match area.len() {
            2 | 4 => area.bytes().all(|b| b.is_ascii_digit()),
            _ => area.parse::<AreaCode>().is_ok(),
        };
        if !is_code {
            let texts = [format!("“{area}”不是行政区划代码"), format!("\"{area}\" is no area code")];
            faults.add(
                "bad_area",
                "/areas",
                texts,
                ["用GB/T 2260的2、4或6位代码", "use 2, 4 or 6 digits of GB/T 2260"],
            );
        }
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'.' | b'_'))
}

fn is_day(text: &str) -> bool {
    text.len() == 10 && chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

/// What it extends; the built-in scheme of packages where it does not say.
fn base_of<'k>(tree: &Map<String, Value>, known: &'k [Scheme], faults: &mut Faults) -> Option<&'k Scheme> {
    let value = tree.get("extends")?;
    let Ok(base) = serde_json::from_value::<Base>(value.clone()) else {
        let texts = both("应写明id、version、digest", "must name id, version and digest");
        faults.add("bad_base", "/extends", texts, ["照被继承方案抄写三项", "copy the three from the base"]);
        return None;
    };
    let found = Scheme::shipped(&base.id).filter(|s| s.version == base.version);
    let found = found.or_else(|| known.iter().find(|s| s.id == base.id && s.version == base.version));
    let Some(found) = found else {
        let texts = [
            format!("没有方案 {} {}", base.id, base.version),
            format!("there is no scheme {} {}", base.id, base.version),
        ];
        faults.add("unknown_base", "/extends", texts, ["先发布被继承的方案", "publish the base first"]);
        return None;
    };
    if found.digest != base.digest {
        let texts = [
            format!("被继承方案的摘要应为 {}", found.digest),
            format!("the digest of the base is {}", found.digest),
        ];
        faults.add("base_digest", "/extends/digest", texts, ["照被继承方案抄写", "copy it from the base"]);
    }
    Some(found)
}

fn finish(mut tree: Map<String, Value>, base: Option<&Scheme>) -> Result<Scheme, Vec<SchemeFault>> {
    let digest = tree.remove("digest");
    let wrong = |e: String| {
        let remedies = both("照说明改正", "mend it as the documentation says");
        vec![SchemeFault::new(
            "bad_field",
            "",
            [format!("无法读取：{e}"), format!("cannot be read: {e}")],
            remedies,
        )]
    };
    let document: SchemeDocument =
        serde_json::from_value(Value::Object(tree)).map_err(|e| wrong(e.to_string()))?;
    canonical::to_vec(&document).map_err(|e| wrong(e.to_string()))?;
    let found: Sha256 = document.digest();
    if digest.is_some_and(|d| d.as_str() != Some(found.to_string().as_str())) {
        let texts = [format!("摘要应为 {found}"), format!("its digest is {found}")];
        let remedies = both("改写摘要，或取回原文", "write the digest anew, or fetch the original");
        return Err(vec![SchemeFault::new("digest", "/digest", texts, remedies)]);
    }
    let root = base.map_or(SERVICE_ITEM, |b| b.root);
    let lines = document.lines_over(&base.map(|b| b.lines.clone()).unwrap_or_default());
    let of_transfer =
        transfers::over(&document, &base.map_or_else(transfers::built_in, |b| b.of_transfer.clone()));
    let parameters = base.map_or_else(Parameters::default, |b| b.parameters.clone());
    let parameters = values::over(parameters, &document.parameters).map_err(wrong)?;
    Ok(Scheme::of(document, (lines, of_transfer, parameters), root))
}
