//! One value as its key wants it: the JSON that `RoleConfig` reads, or what is wrong. No rule that joins two keys.

use std::net::SocketAddr;

use dengbei_records::AreaCode;
use serde_json::Value;

use super::keys::{Key, Kind};
use super::scanner::ScannerAddress;
use super::storage::SiteStorage;
use super::{period, redact};

/// Code, Chinese, English.
pub(super) type Fault = (&'static str, (String, String));

/// A year: more is a slip of the unit.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(366 * 86_400);

fn fault<T>(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Result<T, Fault> {
    Err((code, (zh.into(), en.into())))
}

/// Reads `value`, which is text when it comes from the environment.
pub(super) fn parse(key: &Key, value: &Value, is_text: bool) -> Result<Value, Fault> {
    match (key.kind, value) {
        (Kind::Count(least, most), value) => count(value, is_text, least, most),
        (Kind::Switch, value) => switch(value, is_text),
        (Kind::Sites, value) => sites(value),
        // What a list holds depends on who reads it: `reading` does.
        (Kind::Sources, value) => Ok(value.clone()),
        (kind, Value::String(text)) => words(kind, text).map(|()| value.clone()),
        _ => fault("config.not_a_text", "应为加引号的文本", "should be a text in quotes"),
    }
}

fn count(value: &Value, is_text: bool, least: u64, most: u64) -> Result<Value, Fault> {
    let number = match value {
        Value::String(text) if is_text => text.trim().parse().ok(),
        other => other.as_u64(),
    };
    match number {
        None => {
            fault("config.not_a_number", "应为非负整数，不加引号", "should be a whole number, without quotes")
        }
        Some(number) if !(least..=most).contains(&number) => fault(
            "config.out_of_range",
            format!("{number} 超出范围 {least} 至 {most}"),
            format!("{number} is not between {least} and {most}"),
        ),
        Some(number) => Ok(number.into()),
    }
}

fn switch(value: &Value, is_text: bool) -> Result<Value, Fault> {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::String(text) if is_text && text == "true" => Ok(true.into()),
        Value::String(text) if is_text && text == "false" => Ok(false.into()),
        _ => fault("config.not_a_switch", "应为 true 或 false", "should be true or false"),
    }
}

/// Empty texts say that nothing is set; whether that may be is a rule's to say.
fn words(kind: Kind, text: &str) -> Result<(), Fault> {
    if text.is_empty() {
        return Ok(());
    }
    match kind {
        Kind::Address if text.parse::<SocketAddr>().is_err() => fault(
            "config.not_an_address",
            format!("{text:?} 不是“IP地址:端口”"),
            format!("{text:?} is not an IP address with a port, as 0.0.0.0:7100"),
        ),
        Kind::Area => text.parse::<AreaCode>().map(drop).or_else(|_| {
            fault(
                "config.not_an_area",
                format!("{text:?} 不是行政区划代码"),
                format!("{text:?} is not an area code"),
            )
        }),
        Kind::Period => length(text),
        Kind::Storage => text.parse::<SiteStorage>().map(drop).or_else(|_| {
            let shown = redact::url(text);
            fault(
                "config.not_a_storage",
                format!("{shown:?} 既不是目录，也不是 s3://桶/前缀"),
                format!("{shown:?} is neither a folder nor s3://bucket/prefix"),
            )
        }),
        Kind::Scanner => text.parse::<ScannerAddress>().map(drop).or_else(|_| {
            fault(
                "config.not_a_scanner",
                format!("{text:?} 不是杀毒服务地址：主机:端口，或 unix:/路径"),
                format!("{text:?} is no address of a scanner: host:port or unix:/path"),
            )
        }),
        Kind::Database => scheme(text, &["postgres", "postgresql"], &redact::database(text)),
        Kind::Nats => several(text, &["nats", "tls"]),
        Kind::Urls => several(text, &["http", "https"]),
        Kind::Secret if text.chars().any(|c| c.is_whitespace() || c.is_control()) => {
            fault("config.not_a_token", "不得含空白字符", "must not hold white space")
        }
        _ => Ok(()),
    }
}

fn length(text: &str) -> Result<(), Fault> {
    match period::parse(text) {
        Err(_) => fault(
            "config.not_a_period",
            format!("{text:?} 不是时长：数字加单位 ms s m h d，例如 15m"),
            format!("{text:?} is no length of time: a number and a unit of ms s m h d, as 15m"),
        ),
        Ok(length) if length > LONGEST => {
            fault("config.out_of_range", format!("{text} 超过一年"), format!("{text} is longer than a year"))
        }
        Ok(_) => Ok(()),
    }
}

fn several(text: &str, schemes: &[&str]) -> Result<(), Fault> {
    text.split(',').try_for_each(|one| scheme(one.trim(), schemes, &redact::url(one)))
}

/// `scheme://host…`; `shown` is the same without its secrets.
fn scheme(text: &str, schemes: &[&str], shown: &str) -> Result<(), Fault> {
    let wanted = schemes.join(" | ");
    let rest = text.split_once("://").filter(|(scheme, _)| schemes.contains(scheme)).map(|(_, rest)| rest);
    let host = rest.map(|rest| rest.rsplit_once('@').map_or(rest, |(_, host)| host));
    if host.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace)) {
        return Ok(());
    }
    fault(
        "config.not_a_url",
        format!("{shown:?} 不是地址（{wanted}://…）"),
        format!("{shown:?} is no URL ({wanted}://…)"),
    )
}

fn sites(value: &Value) -> Result<Value, Fault> {
    let wrong = |zh: String, en: String| Err(("config.not_a_list", (zh, en)));
    let Value::Array(list) = value else {
        return wrong("应为 [[…sites]] 表的列表".into(), "should be a list of tables [[….sites]]".into());
    };
    for (at, site) in (1..).zip(list) {
        let Value::Object(site) = site else {
            return wrong(format!("第 {at} 项不是表"), format!("number {at} is no table"));
        };
        for (name, value) in site {
            let Value::String(text) = value else {
                return wrong(
                    format!("第 {at} 项的 {name} 应为文本"),
                    format!("{name} of number {at} should be a text"),
                );
            };
            if name == "url" && !text.is_empty() {
                several(text, &["http", "https"])?;
            }
        }
    }
    Ok(value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys;

    fn code(key: &str, value: &Value) -> &'static str {
        parse(keys::find(key).unwrap(), value, false).map_or_else(|fault| fault.0, |_| "")
    }

    #[test]
    fn every_kind_says_what_is_wrong_with_its_value() {
        let cases = [
            ("linger", "15m".into(), ""),
            ("linger", "15".into(), "config.not_a_period"),
            ("inspection", "900d".into(), "config.out_of_range"),
            ("grpc", "0.0.0.0:7100".into(), ""),
            ("grpc", "localhost".into(), "config.not_an_address"),
            ("area", "33".into(), "config.not_an_area"),
            ("log_quorum", 101.into(), "config.out_of_range"),
            ("log_quorum", (-1).into(), "config.not_a_number"),
            ("log_quorum", "1".into(), "config.not_a_number"),
            ("s3.allow_http", "true".into(), "config.not_a_switch"),
            ("database", "mysql://u:geheim@h/d".into(), "config.not_a_url"),
            ("nats", "nats://".into(), "config.not_a_url"),
            ("peers.ingest", "http://a:1,http://b:1".into(), ""),
            ("peers.ingest", "http://a:1,b:1".into(), "config.not_a_url"),
            ("site", "ftp://h/p".into(), "config.not_a_storage"),
            ("scanner", "".into(), ""),
            ("scanner", "127.0.0.1:3310".into(), ""),
            ("scanner", "unix:/run/clamav/clamd.ctl".into(), ""),
            ("scanner", "clamd".into(), "config.not_a_scanner"),
            ("mesh_token", 7.into(), "config.not_a_text"),
            ("mesh_token", "a b".into(), "config.not_a_token"),
            ("sites", serde_json::json!([{"name": 1}]), "config.not_a_list"),
        ];
        for (key, value, expected) in cases {
            let shown = value.to_string();
            assert_eq!(code(key, &value), expected, "{key} = {shown}");
        }
        let text = |key, value: &str| parse(keys::find(key).unwrap(), &value.into(), true).unwrap();
        assert_eq!((text("log_quorum", "2"), text("s3.allow_http", "true")), (2.into(), true.into()));
    }

    #[test]
    fn no_fault_shows_a_password() {
        for key in ["database", "nats", "peers.ingest", "site", "mesh_token"] {
            let fault = parse(keys::find(key).unwrap(), &"ftp://u:geheim@h /d".into(), false).unwrap_err();
            assert!(!format!("{fault:?}").contains("geheim"), "{key}: {fault:?}");
        }
    }
}
