//! The effective values as TOML that can be read again, each with where it came from; secrets as `***`.

use std::fmt::Write as _;

use serde_json::Value;

use super::keys::{GROUPS, KEYS, Key, Kind};
use super::reading::Reading;
use super::redact::{self, HIDDEN};
use super::source::{DEFAULT, Given};
use super::sources::shown as source_shown;

/// What several roles are told: what is the same for all under `default`, the rest under each.
pub fn toml(readings: &[Reading]) -> String {
    let mut text = String::new();
    let shared: Vec<&Key> = KEYS.iter().filter(|key| is_shared(readings, key)).collect();
    let Some(first) = readings.first() else { return text };
    if readings.len() > 1 {
        table(&mut text, DEFAULT, first, &shared);
    }
    for reading in readings {
        let of_role = |key: &&Key| readings.len() == 1 || !shared.iter().any(|other| other.name == key.name);
        let own: Vec<&Key> = KEYS.iter().filter(of_role).collect();
        table(&mut text, &reading.name, reading, &own);
    }
    text
}

fn is_shared(readings: &[Reading], key: &Key) -> bool {
    let mut values = readings.iter().map(|reading| reading.values.get(key.name));
    let Some(Some(first)) = values.next() else { return false };
    values.all(|other| other.is_some_and(|o| o.value == first.value && o.origin == first.origin))
}

fn table(text: &mut String, name: &str, reading: &Reading, keys: &[&Key]) {
    let _ = writeln!(text, "[{name}]");
    for key in keys.iter().filter(|key| !key.name.contains('.') && !is_list(key)) {
        line(text, key, key.name, reading);
    }
    for group in GROUPS {
        let inside =
            keys.iter().filter_map(|key| Some((key, key.name.strip_prefix(group)?.strip_prefix('.')?)));
        let inside: Vec<_> = inside.collect();
        if !inside.is_empty() {
            let _ = writeln!(text, "[{name}.{group}]");
        }
        for (key, short) in inside {
            line(text, key, short, reading);
        }
    }
    if keys.iter().any(|key| key.kind == Kind::Sites) {
        sites(text, name, reading);
    }
    if keys.iter().any(|key| key.kind == Kind::Sources) {
        sources(text, name, reading);
    }
    text.push('\n');
}

fn is_list(key: &Key) -> bool {
    matches!(key.kind, Kind::Sites | Kind::Sources)
}

fn line(text: &mut String, key: &Key, short: &str, reading: &Reading) {
    let Some(given) = reading.values.get(key.name) else { return };
    // Nothing is not a value: what is not set stays a comment.
    let mark = if given.value == "" { "# " } else { "" };
    let _ = writeln!(text, "{mark}{short} = {}  # {}", shown(key, given, reading), given.origin);
}

fn shown(key: &Key, given: &Given, reading: &Reading) -> String {
    let hide = |text: &str| match key.kind {
        _ if text.is_empty() => String::new(),
        Kind::Secret => HIDDEN.to_owned(),
        Kind::Database => redact::database(text),
        Kind::Nats | Kind::Urls => redact::url(text),
        Kind::Storage if text.contains("://") => redact::url(text),
        _ => text.to_owned(),
    };
    match &given.value {
        Value::String(text) => Value::from(hide(text)).to_string(),
        // A secret that is no text is a secret none the less.
        _ if key.kind == Kind::Secret || reading.failed.contains(key.name) => format!("{HIDDEN:?}"),
        other => other.to_string(),
    }
}

fn sites(text: &mut String, name: &str, reading: &Reading) {
    let Some(given) = reading.values.get("sites") else { return };
    for site in given.value.as_array().into_iter().flatten() {
        let _ = writeln!(text, "[[{name}.sites]]  # {}", given.origin);
        for key in ["name", "class", "url"] {
            let value = site.get(key).and_then(Value::as_str).unwrap_or_default();
            let value = if key == "url" { redact::url(value) } else { value.to_owned() };
            let _ = writeln!(text, "{key} = {}", Value::from(value));
        }
    }
}

fn sources(text: &mut String, name: &str, reading: &Reading) {
    let Some(given) = reading.values.get("sources").filter(|_| !reading.failed.contains("sources")) else {
        return;
    };
    for source in given.value.as_array().into_iter().flatten() {
        let _ = writeln!(text, "[[{name}.sources]]  # {}", given.origin);
        for (key, value) in source_shown(source) {
            let _ = writeln!(text, "{key} = {value}");
        }
    }
}
