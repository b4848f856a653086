//! Keys and tokens of a deployment: made on the first start, written durably, never made again.

use std::path::{Path, PathBuf};

use dengbei_kit::seals::{SealError, SealKeys};
use dengbei_records::AreaCode;
use dengbei_register::note::KeyName;
use dengbei_register::{KeyError, Signer};

use super::folder::Folder;
use super::{UpError, durable};

/// The area of a deployment whose operator named none: the province.
const DEFAULT_AREA: &str = "330000";
/// The area of the demonstration's samples.
const DEMO_AREA: &str = "511602";

/// 登记机关 and 档案馆: who seals certificates and handovers.
const BODIES: [&str; 2] = ["administration", "archive"];

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
        secret(&keys.join("id.key"))?;
        register_key(&keys, &area)?;
        for body in BODIES {
            SealKeys::open_or_make(&keys, body).map_err(|e| not_a_seal(&keys.join(body), &e))?;
        }
        Ok(Self {
            area,
            door: secret(&folder.path("token"))?,
            mesh: secret(&keys.join("mesh.token"))?,
            nats: secret(&keys.join("nats.token"))?,
            postgres: secret(&keys.join("postgres.password"))?,
            folder: keys,
        })
    }
}

/// 32 random bytes in hexadecimal, made once.
fn secret(path: &Path) -> Result<String, UpError> {
    if !path.exists() {
        durable::create(path, hex::encode(rand::random::<[u8; 32]>()).as_bytes(), 0o600)?;
    }
    Ok(std::fs::read_to_string(path).map_err(UpError::io(path))?.trim().to_owned())
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

/// The log's key and, derived from it again at every start, its public text.
fn register_key(keys: &Path, area: &AreaCode) -> Result<(), UpError> {
    let path = keys.join("register.key");
    let name: KeyName = format!("dengbei/{area}").parse().map_err(|e| unreadable(&path, &e))?;
    if !path.exists() {
        let pem = Signer::from_seed(name.clone(), &rand::random()).to_pem();
        durable::create(&path, pem.map_err(|e| unreadable(&path, &e))?.as_bytes(), 0o600)?;
    }
    let pem = std::fs::read_to_string(&path).map_err(UpError::io(&path))?;
    let signer = Signer::from_pem(name, &pem).map_err(|e| unreadable(&path, &e))?;
    durable::replace(&keys.join("register.pub"), signer.verifier().to_string().as_bytes(), 0o644)
}

fn unreadable(path: &Path, reason: &KeyError) -> UpError {
    damaged(path, reason)
}

fn not_a_seal(path: &Path, reason: &SealError) -> UpError {
    damaged(path, reason)
}

fn damaged(path: &Path, reason: &dyn std::fmt::Display) -> UpError {
    UpError::refused(
        "up.key_unreadable",
        format!("密钥文件 {} 无法读取：{reason}", path.display()),
        format!("cannot read key file {}: {reason}", path.display()),
    )
    .with_remedy(
        "从密钥备份恢复该文件，不要重新生成 / restore the file from the key backup, do not make a new one",
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
