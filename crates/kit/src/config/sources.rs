//! 来源系统: the systems that may send, each with a token of its own and the units that it may speak for. None
//! configured: whoever has the door's token may send, and who it was is not known.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use dengbei_records::SourceSystem;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::redact::HIDDEN;
use super::secret::Secret;

/// Keys of one.
pub(super) const NAMES: [&str; 4] = ["system", "token", "token_file", "units"];

/// One system that may send.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceAccess {
    /// 来源系统: as submissions name it.
    pub system: String,
    /// What it shows at the door. Only the gateway needs it.
    pub token: Secret,
    /// 统一社会信用代码 of the units that it may speak for; empty: any.
    pub units: Vec<String>,
}

impl fmt::Debug for SourceAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceAccess").field("system", &self.system).field("units", &self.units).finish()
    }
}

type Fault = (&'static str, (String, String));

fn fault(code: &'static str, zh: String, en: String) -> Fault {
    (code, (zh, en))
}

/// The list as [`SourceAccess`] reads it, everything checked: for the door with tokens out of their files, for any other
/// role without.
///
/// # Errors
/// The first thing that is wrong; it holds no token.
pub(super) fn parse(value: &Value, is_door: bool) -> Result<Value, Fault> {
    let Value::Array(list) = value else {
        return Err(fault(
            "config.not_a_list",
            "应为 [[…sources]] 表的列表".into(),
            "should be a list of tables [[….sources]]".into(),
        ));
    };
    let mut read = Vec::with_capacity(list.len());
    let (mut systems, mut tokens) = (BTreeSet::new(), BTreeSet::new());
    for (at, source) in (1..).zip(list) {
        let Value::Object(source) = source else {
            let said = (format!("第 {at} 项不是表"), format!("number {at} is no table"));
            return Err(("config.not_a_list", said));
        };
        let mut one = one(at, source)?;
        one.token = if is_door { token(&one.system, source)?.as_str().into() } else { Secret::default() };
        if !systems.insert(one.system.clone()) {
            let system = &one.system;
            return Err(fault(
                "config.source_twice",
                format!("{system} 重复"),
                format!("{system} stands twice"),
            ));
        }
        if is_door && !tokens.insert(one.token.to_string()) {
            let system = &one.system;
            let zh = format!("{system} 与另一来源系统的令牌相同");
            return Err(fault("config.same_token", zh, format!("{system} has the token of another system")));
        }
        read.push(one);
    }
    serde_json::to_value(read).map_err(|e| fault("config.unusable", e.to_string(), e.to_string()))
}

fn one(at: usize, source: &Map<String, Value>) -> Result<SourceAccess, Fault> {
    let system = text(source, "system")?;
    if system.parse::<SourceSystem>().is_err() {
        let zh = format!("第 {at} 项的 system {system:?} 不是来源系统代码");
        let en = format!("system {system:?} of number {at} is no code of a system");
        return Err(fault("config.not_a_source", zh, en));
    }
    Ok(SourceAccess { system: system.to_owned(), token: Secret::default(), units: units(system, source)? })
}

fn text<'a>(source: &'a Map<String, Value>, key: &str) -> Result<&'a str, Fault> {
    match source.get(key) {
        None => Ok(""),
        Some(Value::String(text)) => Ok(text),
        Some(_) => {
            let said = (format!("sources 的 {key} 应为文本"), format!("{key} of sources should be a text"));
            Err(("config.not_a_text", said))
        }
    }
}

fn token(system: &str, source: &Map<String, Value>) -> Result<String, Fault> {
    let token = match (text(source, "token")?, text(source, "token_file")?) {
        (token, "") => token.to_owned(),
        ("", file) => from_file(Path::new(file))?,
        _ => {
            let zh = format!("{system} 的 token 与 token_file 同时给出");
            return Err(fault(
                "config.given_twice",
                zh,
                format!("{system}: token is given beside token_file"),
            ));
        }
    };
    if token.is_empty() {
        return Err(fault(
            "config.missing",
            format!("{system} 缺少 token"),
            format!("{system} has no token"),
        ));
    }
    if token.chars().any(|c| c.is_whitespace() || c.is_control()) {
        let zh = format!("{system} 的 token 不得含空白字符");
        return Err(fault(
            "config.not_a_token",
            zh,
            format!("{system}: its token must not hold white space"),
        ));
    }
    Ok(token)
}

fn from_file(path: &Path) -> Result<String, Fault> {
    std::fs::read_to_string(path).map(|text| text.trim().to_owned()).map_err(|error| {
        let path = path.display();
        let zh = format!("文件 {path} 无法读取：{error}");
        fault("config.file_unreadable", zh, format!("cannot read {path}: {error}"))
    })
}

fn units(system: &str, source: &Map<String, Value>) -> Result<Vec<String>, Fault> {
    let wrong = || {
        let zh = format!("{system} 的 units 应为统一社会信用代码的列表");
        fault("config.not_a_unit", zh, format!("units of {system} should be a list of unit codes"))
    };
    let Some(units) = source.get("units") else { return Ok(Vec::new()) };
    let read = |unit: &Value| {
        let code: Option<dengbei_records::UnitCode> = unit.as_str().and_then(|text| text.parse().ok());
        code.map(|code| code.to_string()).ok_or_else(wrong)
    };
    units.as_array().ok_or_else(wrong)?.iter().map(read).collect()
}

/// As `--check-config` shows one.
pub(super) fn shown(source: &Value) -> [(&'static str, Value); 3] {
    let of = |key: &str| source.get(key).cloned().unwrap_or_default();
    [("system", of("system")), ("token", HIDDEN.into()), ("units", of("units"))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_is_read_whole_and_only_the_door_is_told_tokens() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "t-2\n").unwrap();
        let list = json!([
            {"system": "ZWFW", "token": "t-1", "units": ["11330382MB1234567X"]},
            {"system": "GTSP", "token_file": file},
        ]);
        let read = |is_door| -> Vec<SourceAccess> {
            serde_json::from_value(parse(&list, is_door).unwrap()).unwrap()
        };
        let door = read(true);
        assert_eq!((&*door[0].token, &*door[1].token), ("t-1", "t-2"));
        assert_eq!((door[0].units.len(), door[1].units.len()), (1, 0));
        assert!(read(false).iter().all(|source| source.token.is_empty()));
        assert!(!format!("{door:?}").contains("t-1"));
    }

    #[test]
    fn what_is_wrong_with_a_list_is_said_without_a_token() {
        let cases = [
            (json!({}), "config.not_a_list"),
            (json!(["ZWFW"]), "config.not_a_list"),
            (json!([{"system": "", "token": "geheim"}]), "config.not_a_source"),
            (json!([{"system": "A B", "token": "geheim"}]), "config.not_a_source"),
            (json!([{"system": "A"}]), "config.missing"),
            (json!([{"system": "A", "token": "geh eim"}]), "config.not_a_token"),
            (json!([{"system": "A", "token": 7}]), "config.not_a_text"),
            (json!([{"system": "A", "token": "geheim", "token_file": "/x"}]), "config.given_twice"),
            (json!([{"system": "A", "token_file": "/nowhere/token"}]), "config.file_unreadable"),
            (json!([{"system": "A", "token": "geheim", "units": "x"}]), "config.not_a_unit"),
            (json!([{"system": "A", "token": "geheim", "units": ["x"]}]), "config.not_a_unit"),
            (
                json!([{"system": "A", "token": "geheim"}, {"system": "A", "token": "g2"}]),
                "config.source_twice",
            ),
            (
                json!([{"system": "A", "token": "geheim"}, {"system": "B", "token": "geheim"}]),
                "config.same_token",
            ),
        ];
        for (list, code) in cases {
            let found = parse(&list, true).unwrap_err();
            assert_eq!(found.0, code, "{list}");
            assert!(!format!("{found:?}").contains("geheim"), "{found:?}");
        }
    }
}
