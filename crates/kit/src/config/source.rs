//! What was written and where: the tables of one file and the variables `DENGBEI_*`, before anything is believed.
//!
//! The next stop is `reading`, which lays these over the defaults for one role.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::providers::{Format as _, Toml};
use serde_json::{Map, Value};

use super::keys::{self, GROUPS};
use super::nearest::{most, nearest};
use super::problem::{ConfigError, ConfigProblem, Origin, Weight};
use super::sources;

/// Roles that a table may be named for.
pub(super) const ROLES: [&str; 7] =
    ["gateway", "ingest", "registration", "fixity", "replication", "query", "site"];
/// The table under all others.
pub(super) const DEFAULT: &str = "default";
/// The role of which there are several.
pub(super) const SITE_ROLE: &str = "site";
/// How the table of one site begins: `site-archive`.
pub(super) const SITE: &str = "site-";
const PREFIX: &str = "DENGBEI_";
/// Variables that are not configuration of a role.
const OTHERS: [&str; 7] = [
    "DENGBEI_CONFIG",
    "DENGBEI_DATA",
    "DENGBEI_HEALTH",
    "DENGBEI_TOKEN",
    "DENGBEI_URL",
    "DENGBEI_LOG",
    "DENGBEI_SITE_NAME",
];

/// A value as it was written.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// One file and one environment.
#[derive(Debug, Clone, Default)]
pub struct Source {
    file: Option<PathBuf>,
    tables: BTreeMap<String, BTreeMap<String, Given>>,
    environment: BTreeMap<String, String>,
    slips: Vec<ConfigProblem>,
}

impl Source {
    /// Reads `file` (TOML, or the JSON of one role) and this process's environment.
    ///
    /// # Errors
    /// When the file cannot be read, or is no TOML or JSON; the error says where, and shows nothing of its content.
    pub fn read(file: Option<&Path>) -> Result<Self, ConfigError> {
        let variables = std::env::vars_os();
        let ours = variables.filter_map(|(name, value)| {
            let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
            Some((name, value.into_string().ok()?))
        });
        Self::with(file, ours.collect())
    }

    /// As [`Self::read`], with the environment passed in.
    pub(super) fn with(
        file: Option<&Path>,
        environment: BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        let mut source = Self { file: file.map(Path::to_owned), environment, ..Self::default() };
        if let Some(path) = file {
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|e| ConfigError::File { path: path.to_owned(), source: e })?;
            if path.extension().is_some_and(|ending| ending == "json") {
                source.take_json(path, &text)?;
            } else {
                source.take_toml(path, &text)?;
            }
        }
        source.look_for_slips_in_the_environment();
        Ok(source)
    }

    /// The file, if there is one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Sites that have a table of their own, in the order of their names.
    pub fn sites(&self) -> Vec<String> {
        self.tables.keys().filter_map(|name| name.strip_prefix(SITE)).map(str::to_owned).collect()
    }

    /// Unknown keys, tables and variables.
    pub fn slips(&self) -> &[ConfigProblem] {
        &self.slips
    }

    /// Warns of what is unknown; nothing of it is used.
    pub fn warn(&self) {
        for slip in &self.slips {
            tracing::warn!(problem = %slip, "not used");
        }
    }

    /// What is written for a role, the weakest first.
    pub(super) fn layers(&self, role: &str, site: Option<&str>) -> Vec<BTreeMap<String, Given>> {
        let mut tables = vec![DEFAULT.to_owned(), role.to_owned()];
        tables.extend(site.map(|site| format!("{SITE}{site}")));
        let files = tables.iter().map(|table| self.tables.get(table).cloned().unwrap_or_default());
        let variables = tables.iter().map(|table| self.variables(table));
        files.chain(variables).collect()
    }

    fn variables(&self, table: &str) -> BTreeMap<String, Given> {
        let found = keys::names().filter_map(|key| {
            let name = variable(table, &key);
            let value = Value::from(self.environment.get(&name)?.as_str());
            Some((key, Given { value, origin: Origin::Environment(name) }))
        });
        found.collect()
    }

    fn take_json(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let syntax = |e: serde_json::Error| not_readable(path, e.line(), e.column());
        let mut table: Map<String, Value> = serde_json::from_str(text).map_err(syntax)?;
        // The program that wrote the file named the role; whoever reads it was told.
        table.remove("role");
        self.take(DEFAULT, table, &Origin::File(path.to_owned(), String::new()));
        Ok(())
    }

    fn take_toml(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        // The library's own message quotes the line, and a line may hold a password.
        let place = |span: Option<std::ops::Range<usize>>| {
            let before = text.get(..span.map_or(0, |span| span.start)).unwrap_or_default();
            let line = before.rsplit('\n').next().unwrap_or_default();
            not_readable(path, before.matches('\n').count() + 1, line.chars().count() + 1)
        };
        let tables: Map<String, Value> = Toml::from_str(text).map_err(|e| place(e.span()))?;
        for (name, value) in tables {
            let origin = Origin::File(path.to_owned(), name.clone());
            match value {
                Value::Object(table) if is_table(&name) => self.take(&name, table, &origin),
                Value::Object(_) => {
                    let known = ROLES.iter().map(|role| (*role).to_owned()).chain([DEFAULT.to_owned()]);
                    self.slip("config.unknown_table", &name, origin, known);
                }
                _ => self.outside(&name, Origin::File(path.to_owned(), String::new())),
            }
        }
        Ok(())
    }

    fn take(&mut self, table: &str, values: Map<String, Value>, origin: &Origin) {
        let mut flat = BTreeMap::new();
        for (key, value) in values {
            match value {
                Value::Object(inner) if GROUPS.contains(&key.as_str()) => {
                    flat.extend(inner.into_iter().map(|(name, value)| (format!("{key}.{name}"), value)));
                }
                Value::Null => {}
                other => {
                    flat.insert(key, other);
                }
            }
        }
        let known: Vec<String> = keys::names().collect();
        for (key, value) in flat {
            if known.contains(&key) {
                self.look_for_slips_in_lists(&key, &value, origin);
                let given = Given { value, origin: origin.clone() };
                self.tables.entry(table.to_owned()).or_default().insert(key, given);
            } else if GROUPS.contains(&key.as_str()) {
                let said = ("应为表".to_owned(), "should be a table".to_owned());
                self.slips.push(ConfigProblem::fatal("config.not_a_table", &key, origin.clone(), said));
            } else {
                self.slip("config.unknown_key", &key, origin.clone(), known.iter().cloned());
            }
        }
        // A table may be empty and still say that its site runs here.
        self.tables.entry(table.to_owned()).or_default();
    }

    fn look_for_slips_in_lists(&mut self, key: &str, value: &Value, origin: &Origin) {
        let known: &[&str] = match key {
            "sites" => &["name", "class", "url"],
            "sources" => &sources::NAMES,
            _ => return,
        };
        let Value::Array(list) = value else { return };
        for name in list.iter().filter_map(Value::as_object).flat_map(Map::keys) {
            if !known.contains(&name.as_str()) {
                let known = known.iter().map(|name| format!("{key}.{name}"));
                self.slip("config.unknown_key", &format!("{key}.{name}"), origin.clone(), known);
            }
        }
    }

    /// A variable that is nearly one of ours; others may be of another program, or of the orchestrator.
    fn look_for_slips_in_the_environment(&mut self) {
        let sites = self.sites().into_iter().map(|site| format!("{SITE}{site}"));
        let tables: Vec<String> =
            ROLES.iter().map(|role| (*role).to_owned()).chain([DEFAULT.to_owned()]).chain(sites).collect();
        let known = tables.iter().flat_map(|table| keys::names().map(move |key| variable(table, &key)));
        let known: Vec<String> = known.chain(OTHERS.map(str::to_owned)).collect();
        let unknown: Vec<String> =
            self.environment.keys().filter(|name| !known.contains(name)).cloned().collect();
        for name in unknown {
            let near = known.iter().filter(|known| known.len().abs_diff(name.len()) <= 2).cloned();
            if let Some(meant) = nearest(&name, 2, near) {
                let said = (
                    format!("未知的环境变量，是否为 {meant}"),
                    format!("unknown variable; {meant} was meant?"),
                );
                let origin = Origin::Environment(name.clone());
                let problem = ConfigProblem::fatal("config.unknown_variable", &name, origin, said);
                self.slips.push(problem.weighing(Weight::Hint));
            }
        }
    }

    fn slip(&mut self, code: &'static str, key: &str, origin: Origin, known: impl Iterator<Item = String>) {
        let (zh, en) = match nearest(key, most(key), known) {
            Some(meant) => (format!("未知，是否为 {meant}"), format!("unknown; {meant} was meant?")),
            None => ("未知".to_owned(), "unknown".to_owned()),
        };
        self.slips.push(ConfigProblem::fatal(code, key, origin, (zh, en)).weighing(Weight::Slip));
    }

    fn outside(&mut self, key: &str, origin: Origin) {
        let said = (
            format!("应写在表中，例如 [{DEFAULT}] 之下"),
            format!("belongs in a table, for instance under [{DEFAULT}]"),
        );
        let problem = ConfigProblem::fatal("config.not_in_a_table", key, origin, said);
        self.slips.push(problem.weighing(Weight::Slip));
    }
}

fn is_table(name: &str) -> bool {
    name == DEFAULT || ROLES.contains(&name) || name.strip_prefix(SITE).is_some_and(|site| !site.is_empty())
}

/// `DENGBEI_PEERS__INGEST`, and for one role or site `DENGBEI_FIXITY__PEERS__INGEST`, `DENGBEI_SITE_ARCHIVE__GRPC`.
pub(super) fn variable(table: &str, key: &str) -> String {
    let key = key.replace('.', "__");
    let name = if table == DEFAULT { key } else { format!("{}__{key}", table.replace('-', "_")) };
    format!("{PREFIX}{}", name.to_uppercase())
}

fn not_readable(path: &Path, line: usize, column: usize) -> ConfigError {
    let said = (
        format!("第 {line} 行第 {column} 列语法错误"),
        format!("syntax error at line {line}, column {column}"),
    );
    let origin = Origin::File(path.to_owned(), String::new());
    ConfigError::Problems(vec![ConfigProblem::fatal("config.syntax", "-", origin, said)])
}
