//! One role's values, laid over the defaults and checked: the role's configuration, or everything that is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::keys::{KEYS, Key, Kind};
use super::problem::{ConfigError, ConfigProblem, Origin, Weight};
use super::source::{Given, ROLES, SITE_ROLE, Source};
use super::{RoleConfig, parse, rules, sources};

/// What the values are wanted for: what is missing depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A process of its own.
    Alone,
    /// Every role in one process: addresses that nobody set are chosen at the start.
    Together,
    /// Making keys and tokens, which may all be missing.
    Keys,
    /// Expanding databases.
    Databases,
}

/// The values of one role, and what is wrong with them.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The role's name, `site-<name>` for one of several sites.
    pub name: String,
    pub(super) role: String,
    pub(super) purpose: Purpose,
    pub(super) values: BTreeMap<&'static str, Given>,
    /// Keys whose value could not be used: nothing more is said about those.
    pub(super) failed: BTreeSet<&'static str>,
    pub(super) problems: Vec<ConfigProblem>,
}

impl Source {
    /// The values of `role`, of the site named `site` where it is a site role.
    pub fn role(&self, role: &str, site: Option<&str>, purpose: Purpose) -> Reading {
        let named = if role == SITE_ROLE { self.site_name() } else { None };
        let site = site.or(named.as_deref());
        let name = site.map_or_else(|| role.to_owned(), |site| format!("{role}-{site}"));
        let mut reading = Reading {
            name,
            role: role.to_owned(),
            purpose,
            values: defaults(role),
            failed: BTreeSet::new(),
            problems: Vec::new(),
        };
        if let Some(site) = site {
            let given = Given { value: site.into(), origin: Origin::Default };
            reading.values.insert("site_name", given);
        }
        for layer in self.layers(role, site) {
            reading.lay(&layer);
        }
        reading.refuse_another_name(site);
        reading.parse();
        reading.take_tokens();
        rules::judge(&mut reading);
        reading
    }
}

impl Source {
    /// Every role in one process, and each site that has a table of its own, the door last.
    pub fn together(&self) -> Vec<Reading> {
        let role = |name: &str| self.role(name, None, Purpose::Together);
        let sites = self.sites();
        let mut readings: Vec<Reading> =
            sites.iter().map(|site| self.role(SITE_ROLE, Some(site), Purpose::Together)).collect();
        readings.extend(ROLES.iter().rev().filter(|name| **name != SITE_ROLE).map(|name| role(name)));
        rules::judge_together(&mut readings);
        readings
    }

    /// Which site a site role is, where file or environment say so for all of them.
    fn site_name(&self) -> Option<String> {
        let named =
            self.layers(SITE_ROLE, None).iter().rev().find_map(|layer| layer.get("site_name").cloned());
        named.and_then(|given| given.value.as_str().map(str::to_owned)).filter(|name| !name.is_empty())
    }
}

/// What nobody set: [`RoleConfig::of`], flat.
fn defaults(role: &str) -> BTreeMap<&'static str, Given> {
    let written = super::of_no_area(role).and_then(|config| serde_json::to_value(config).ok());
    let written = written.unwrap_or_default();
    let value = |key: &Key| {
        let pointer = format!("/{}", key.name.replace('.', "/"));
        let set = written.pointer(&pointer).filter(|value| key.kind != Kind::Area && !value.is_null());
        set.cloned().unwrap_or_else(|| "".into())
    };
    KEYS.iter().map(|key| (key.name, Given { value: value(key), origin: Origin::Default })).collect()
}

impl Reading {
    fn lay(&mut self, layer: &BTreeMap<String, Given>) {
        for key in &KEYS {
            let file = layer.get(&format!("{}_file", key.name));
            match (layer.get(key.name), file) {
                (Some(value), Some(_)) => {
                    let said = (
                        format!("与 {}_file 同时给出", key.name),
                        format!("is given beside {}_file", key.name),
                    );
                    self.fail(key.name, "config.given_twice", value.origin.clone(), said);
                }
                (Some(value), None) => {
                    self.values.insert(key.name, value.clone());
                }
                (None, Some(file)) => self.lay_file(key.name, file),
                (None, None) => {}
            }
        }
    }

    /// A site that was asked for by name is no other.
    fn refuse_another_name(&mut self, site: Option<&str>) {
        let named = self.text("site_name").to_owned();
        if let Some(site) = site.filter(|site| *site != named) {
            let said = (format!("{named:?} 不是 {site:?}"), format!("{named:?} is not {site:?}"));
            let origin = self.origin("site_name");
            self.fail("site_name", "config.other_site", origin, said);
        }
    }

    /// A value that stands in a file of its own.
    fn lay_file(&mut self, key: &'static str, given: &Given) {
        let Some(path) = given.value.as_str().filter(|path| !path.is_empty()) else {
            let said = ("应为文件路径".to_owned(), "should be a file's path".to_owned());
            return self.fail(key, "config.not_a_text", given.origin.clone(), said);
        };
        let path = PathBuf::from(path);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let origin = Origin::Secret(path, Box::new(given.origin.clone()));
                self.values.insert(key, Given { value: text.trim().into(), origin });
            }
            Err(error) => {
                let said = (
                    format!("文件 {} 无法读取：{error}", path.display()),
                    format!("cannot read {}: {error}", path.display()),
                );
                self.fail(key, "config.file_unreadable", given.origin.clone(), said);
            }
        }
    }

    fn parse(&mut self) {
        for key in &KEYS {
            let Some(given) = self.values.get_mut(key.name) else { continue };
            if given.origin == Origin::Default {
                continue;
            }
            if let (Kind::Database, Value::String(text)) = (key.kind, &mut given.value) {
                *text = text.replace("{role}", &self.role);
            }
            let is_text = matches!(given.origin, Origin::Environment(_) | Origin::Secret(..));
            let parsed = match key.kind {
                Kind::Sources => sources::parse(&given.value, self.role == "gateway"),
                _ => parse::parse(key, &given.value, is_text),
            };
            match parsed {
                Ok(value) => given.value = value,
                Err((code, said)) => {
                    let origin = given.origin.clone();
                    self.fail(key.name, code, origin, said);
                }
            }
        }
    }

    /// Tokens that nobody set lie in the key folder.
    fn take_tokens(&mut self) {
        let folder = PathBuf::from(self.text("keys"));
        if folder.as_os_str().is_empty() {
            return;
        }
        for (key, file) in TOKENS {
            let is_wanted = self.text(key).is_empty() && !self.failed.contains(key);
            if is_wanted && (self.role == "gateway" || !key.starts_with("door")) {
                self.take_token(key, &folder.join(file));
            }
        }
    }

    fn take_token(&mut self, key: &'static str, path: &Path) {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let origin = Origin::Keys(path.to_owned());
                self.values.insert(key, Given { value: text.trim().into(), origin });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let said = (format!("无法读取：{error}"), format!("cannot be read: {error}"));
                self.fail(key, "config.file_unreadable", Origin::Keys(path.to_owned()), said);
            }
        }
    }

    pub(super) fn fail(
        &mut self,
        key: &'static str,
        code: &'static str,
        origin: Origin,
        said: (String, String),
    ) {
        self.failed.insert(key);
        let named = if origin == Origin::Default { format!("{}.{key}", self.name) } else { key.to_owned() };
        self.problems.push(ConfigProblem::fatal(code, &named, origin, said));
    }

    /// The text under `key`; empty when nothing is set.
    pub(super) fn text(&self, key: &str) -> &str {
        self.values.get(key).and_then(|given| given.value.as_str()).unwrap_or_default()
    }

    pub(super) fn origin(&self, key: &str) -> Origin {
        self.values.get(key).map_or(Origin::Default, |given| given.origin.clone())
    }

    /// What is wrong, worst first.
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }

    /// The configuration.
    ///
    /// # Errors
    /// Every problem that nothing can start with.
    pub fn config(&self) -> Result<RoleConfig, ConfigError> {
        let fatal: Vec<_> = self.problems.iter().filter(|p| p.weight == Weight::Fatal).cloned().collect();
        if !fatal.is_empty() {
            return Err(ConfigError::Problems(fatal));
        }
        serde_json::from_value(self.json()).map_err(|e| {
            let said = (format!("无法使用：{e}"), format!("cannot be used: {e}"));
            ConfigError::Problems(vec![ConfigProblem::fatal(
                "config.unusable",
                &self.name,
                Origin::Default,
                said,
            )])
        })
    }

    fn json(&self) -> Value {
        let has_s3 = self.values.iter().any(|(key, v)| key.starts_with("s3.") && v.origin != Origin::Default);
        let mut whole = Map::from_iter([("role".to_owned(), Value::from(self.role.as_str()))]);
        for (key, given) in &self.values {
            let is_none = *key == "http" && given.value == "";
            match key.split_once('.') {
                Some(("s3", _)) if !has_s3 => {}
                Some((group, name)) => {
                    let group = whole.entry(group).or_insert_with(|| Map::new().into());
                    if let Value::Object(group) = group {
                        group.insert(name.to_owned(), given.value.clone());
                    }
                }
                None if is_none => {}
                None => {
                    whole.insert((*key).to_owned(), given.value.clone());
                }
            }
        }
        whole.into()
    }
}

/// Tokens and their files in the key folder.
pub(super) const TOKENS: [(&str, &str); 4] = [
    ("mesh_token", "mesh.token"),
    ("mesh_token_also", "mesh.token.also"),
    ("door_token", "door.token"),
    ("door_token_also", "door.token.also"),
];
