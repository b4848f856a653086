//! What is wrong with a configuration: every problem with its code, its key, and where the value came from.

use std::fmt;
use std::path::PathBuf;

use dengbei_records::ErrorClass;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The file, and the table in it; empty for a file of one role.
    File(PathBuf, String),
    /// A variable of the environment.
    Environment(String),
    /// A file that holds this one value, named by what follows.
    Secret(PathBuf, Box<Origin>),
    /// A file of the key folder, read where nothing else is set.
    Keys(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("默认 default"),
            Self::File(path, table) if table.is_empty() => write!(f, "{}", path.display()),
            Self::File(path, table) => write!(f, "{} [{table}]", path.display()),
            Self::Environment(name) => f.write_str(name),
            Self::Secret(path, named_by) => write!(f, "{} ({named_by})", path.display()),
            Self::Keys(path) => write!(f, "{}", path.display()),
        }
    }
}

/// What a problem does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Worth knowing.
    Hint,
    /// `--check-config` fails; a role warns and serves, so that an older program runs on a newer file.
    Slip,
    /// Nothing starts.
    Fatal,
}

/// One thing to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Stable: `config.…`.
    pub code: &'static str,
    /// The key, with the role's name before it where the value is one role's alone.
    pub key: String,
    /// Where the value came from.
    pub origin: Origin,
    /// What is wrong, in Chinese. No secret.
    pub zh: String,
    /// The same in English.
    pub en: String,
    /// What it does.
    pub weight: Weight,
}

impl ConfigProblem {
    pub(super) fn fatal(code: &'static str, key: &str, origin: Origin, (zh, en): (String, String)) -> Self {
        Self { code, key: key.to_owned(), origin, zh, en, weight: Weight::Fatal }
    }

    pub(super) fn weighing(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {} / {} ← {}", self.code, self.key, self.zh, self.en, self.origin)
    }
}

/// The configuration cannot be used. Always the operator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Everything that is wrong, one a line.
    #[error("配置无效 / invalid configuration:\n  {}", lines(.0))]
    Problems(Vec<ConfigProblem>),
    /// The file cannot be read.
    #[error("配置文件无法读取 / cannot read {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl ConfigError {
    /// What can be done about it.
    pub const fn class(&self) -> ErrorClass {
        ErrorClass::Invalid
    }
}

fn lines(problems: &[ConfigProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  ")
}
