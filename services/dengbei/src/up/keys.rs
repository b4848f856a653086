//! Keys and tokens of a deployment: made on the first start, written durably, never made again.

use std::path::{Path, PathBuf};

use dengbei_records::AreaCode;

use super::folder::Folder;
use super::mesh::SITES;
use super::{UpError, durable};
use crate::keys::{Making, ensure_backup, token};

/// The area of a deployment whose operator named none: the province.
const DEFAULT_AREA: &str = "330000";
/// The area of the demonstration's samples.
const DEMO_AREA: &str = "511602";

/// What the parts need to trust each other, as read from the data folder.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    /// The area this deployment was founded for; its log's origin names it.
    pub(crate) area: AreaCode,
    /// The token the door asks for.
    pub(crate) door: String,
    /// The token of internal calls.
    pub(crate) mesh: String,
    /// The token of nats-server.
    pub(crate) nats: String,
    /// The password of PostgreSQL's superuser.
    pub(crate) postgres: String,
    /// Second tokens that are let in while one is changed; empty otherwise.
    pub(crate) mesh_also: String,
    /// As above, at the door.
    pub(crate) door_also: String,
    /// Where the recovery code of the first backup lies, when it was made now.
    pub(crate) recovery_code: Option<PathBuf>,
    /// The folder of the key files.
    pub(crate) folder: PathBuf,
}

impl Keys {
    /// Makes what is missing and reads the rest.
    ///
    /// # Errors
    /// Refuses another area than the one the folder was founded for.
    pub(crate) fn open(folder: &Folder, area: Option<AreaCode>, is_demo: bool) -> Result<Self, UpError> {
        let area = settle_area(&folder.path("area"), area, is_demo)?;
        let keys = folder.path("keys");
        let sites = SITES.iter().map(|(name, _)| (*name).to_owned()).collect();
        Making { keys: &keys, area: &area, log: Some(folder.path("sites/primary/log")), sites }.run()?;
        let secret = |path: &Path| token(path).map(|(text, _)| text);
        let opened = Self {
            door: secret(&folder.path("token"))?,
            mesh: secret(&keys.join("mesh.token"))?,
            nats: secret(&keys.join("nats.token"))?,
            postgres: secret(&keys.join("postgres.password"))?,
            mesh_also: second(&keys.join("mesh.token.also"))?,
            door_also: second(&keys.join("door.token.also"))?,
            recovery_code: ensure_backup(&keys)?,
            folder: keys,
            area,
        };
        Ok(opened)
    }
}

/// A second token, while one is changed.
fn second(path: &Path) -> Result<String, UpError> {
    match std::fs::read_to_string(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => Ok(read.map_err(UpError::io(path))?.trim().to_owned()),
    }
}

fn settle_area(path: &Path, asked: Option<AreaCode>, is_demo: bool) -> Result<AreaCode, UpError> {
    let first = if is_demo { DEMO_AREA } else { DEFAULT_AREA };
    let wanted = asked.as_ref().map_or(first, |area| area.as_str());
    durable::create(path, wanted.as_bytes(), 0o644)?;
    let founded = std::fs::read_to_string(path).map_err(UpError::io(path))?;
    let founded: AreaCode = founded.trim().parse().map_err(|_| area_unreadable(path))?;
    match asked {
        Some(asked) if asked != founded => Err(UpError::refused(
            "up.area_differs",
            format!("该数据目录属于行政区划 {founded}，不能改为 {asked}"),
            format!("this data folder was founded for area {founded}, not {asked}"),
        )
        .with_remedy("去掉 --area，或换一个 --data / leave --area out, or choose another --data")),
        _ => Ok(founded),
    }
}

fn area_unreadable(path: &Path) -> UpError {
    UpError::refused(
        "up.area_unreadable",
        format!("{} 不是行政区划代码", path.display()),
        format!("{} does not hold an area code", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use dengbei_register::Verifier;

    use super::*;

    #[test]
    fn a_second_start_finds_the_same_keys() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(temporary.path()).unwrap();
        let first = Keys::open(&folder, None, false).unwrap();
        let read = || std::fs::read(folder.path("keys/register.key")).unwrap();
        let register = read();
        let second = Keys::open(&folder, None, true).unwrap();
        assert_eq!((first.door, first.mesh, register), (second.door, second.mesh, read()));
        assert_eq!(second.area.as_str(), DEFAULT_AREA);
    }

    #[test]
    fn another_area_than_the_founded_one_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(temporary.path()).unwrap();
        Keys::open(&folder, Some("330499".parse().unwrap()), false).unwrap();
        let error = Keys::open(&folder, Some("511602".parse().unwrap()), false).unwrap_err();
        assert!(error.to_string().contains("up.area_differs"), "{error}");
    }

    #[test]
    fn the_public_text_names_the_log_and_follows_the_private_key() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(temporary.path()).unwrap();
        Keys::open(&folder, Some("330499".parse().unwrap()), false).unwrap();
        let text = || std::fs::read_to_string(folder.path("keys/register.pub")).unwrap();
        let first: Verifier = text().parse().unwrap();
        assert_eq!(first.name().as_str(), "dengbei/330499");
        std::fs::remove_file(folder.path("keys/register.pub")).unwrap();
        Keys::open(&folder, None, false).unwrap();
        assert_eq!(text().parse::<Verifier>().unwrap(), first);
    }

    #[test]
    fn a_damaged_key_is_reported_and_never_made_anew() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(temporary.path()).unwrap();
        std::fs::write(folder.path("keys/register.key"), "damaged").unwrap();
        let error = Keys::open(&folder, None, false).unwrap_err();
        assert!(error.to_string().contains("up.key_unreadable"), "{error}");
        assert_eq!(std::fs::read(folder.path("keys/register.key")).unwrap(), b"damaged");
    }
}
