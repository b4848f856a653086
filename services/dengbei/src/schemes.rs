//! The folder of checking schemes (检测方案) that a role is told: read before anything starts, every problem at once. The
//! roles read it again themselves.

use std::path::Path;

use dengbei_checks::Schemes;
use dengbei_kit::RoleConfig;
use dengbei_kit::config::{self, ConfigError, ConfigProblem, Origin, Weight};

use crate::roles::Role;

/// Roles that check packages.
const READERS: [Role; 2] = [Role::Ingest, Role::Fixity];

/// What is wrong with the schemes that `config` names, where its role reads them.
pub(crate) fn problems(config: &RoleConfig) -> Vec<ConfigProblem> {
    let is_reader = READERS.iter().any(|role| role.name() == config.role);
    if is_reader { of_folder(&config.schemes) } else { Vec::new() }
}

/// As [`problems`], to start or not to start by.
///
/// # Errors
/// All of them.
pub(crate) fn judge(config: &RoleConfig) -> Result<(), ConfigError> {
    let problems = problems(config);
    if problems.is_empty() { Ok(()) } else { Err(ConfigError::Problems(problems)) }
}

/// What is wrong with the documents of a folder.
pub(crate) fn of_folder(folder: &Path) -> Vec<ConfigProblem> {
    let files = match config::files(folder, "json") {
        Ok(files) => files,
        Err(error) => {
            let said = (format!("目录无法读取：{error}"), format!("the folder cannot be read: {error}"));
            return vec![problem("config.folder_unreadable", folder, said)];
        }
    };
    let faults = Schemes::read(&files).err().map(|error| error.0).unwrap_or_default();
    let each = faults.into_iter().map(|(file, fault)| {
        let (place, code) = (&fault.place, &fault.code);
        let zh = format!("{code} {place} {}；{}", fault.message, fault.remedy);
        let en = format!("{code} {place} {}; {}", fault.message_en, fault.remedy_en);
        problem("config.scheme", &folder.join(file), (zh, en))
    });
    each.collect()
}

fn problem(code: &'static str, file: &Path, (zh, en): (String, String)) -> ConfigProblem {
    let origin = Origin::File(file.to_owned(), String::new());
    ConfigProblem { code, key: "schemes".to_owned(), origin, zh, en, weight: Weight::Fatal }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_of_every_document_is_told_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.json"), "{").unwrap();
        std::fs::write(folder.path().join("b.json"), r#"{"format": "x", "id": "b"}"#).unwrap();
        std::fs::write(folder.path().join("notes.txt"), "not a scheme").unwrap();
        let mut config = RoleConfig::of("ingest", "330382".parse().unwrap());
        folder.path().clone_into(&mut config.schemes);
        let said = judge(&config).unwrap_err().to_string();
        for part in ["a.json", "b.json", "scheme.not_json", "scheme.missing_field", "scheme.bad_field"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        config.role = "query".to_owned();
        assert!(problems(&config).is_empty(), "a role that reads none");
        assert_eq!(of_folder(Path::new("/nowhere/schemes"))[0].code, "config.folder_unreadable");
        assert!(of_folder(Path::new("")).is_empty());
    }
}
