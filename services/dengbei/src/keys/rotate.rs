//! `dengbei keys rotate`: another key signs, another token lets in. Never the log's or the id key: docs/operating/keys.md.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use dengbei_kit::seals::{self, Changed};

use super::make::token;
use super::place::Place;
use crate::up::{UpError, durable};

/// Change a key or a token / 更换密钥或令牌
#[derive(Debug, clap::Args)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    place: Place,
    /// `mesh-token`, `door-token`, `administration`, `archive`, `sites/NAME`, `units/CODE` / 更换什么
    what: String,
    /// Of a token / 令牌更换的步骤
    #[arg(long, value_enum, default_value = "prepare")]
    step: Step,
}

/// Of a token's change; the roles are restarted after each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Step {
    /// Make the next token; both are let in / 生成新令牌，新旧都有效
    Prepare,
    /// Send the next one; both are let in / 改用新令牌，新旧都有效
    Switch,
    /// Forget the former one / 旧令牌失效
    Finish,
}

/// Changes what is named.
pub(super) fn run(args: &RotateArgs) -> anyhow::Result<()> {
    let keys = args.place.keys()?;
    match args.what.as_str() {
        "mesh-token" => tokens(&keys.join("mesh.token"), &keys.join("mesh.token.also"), args.step),
        "door-token" => tokens(&args.place.door_token(&keys), &keys.join("door.token.also"), args.step),
        "register" | "id" | "actor" => Err(never(&args.what).into()),
        what => key(&keys, what),
    }
}

fn key(keys: &Path, what: &str) -> anyhow::Result<()> {
    let (folder, name) = match what.split_once('/') {
        None if matches!(what, "administration" | "archive") => (keys.to_owned(), what),
        Some((folder @ ("sites" | "units"), name)) if is_name(name) => (keys.join(folder), name),
        _ => return Err(unknown(what).into()),
    };
    let changed = seals::change(&folder, name)?;
    let public = folder.join(format!("{name}.pub"));
    let line = match changed {
        Changed::Now => "已更换 / changed",
        Changed::Finished => "已完成此前中断的更换 / an interrupted change is finished",
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}: {}", public.display())?;
    writeln!(out, "{}", std::fs::read_to_string(&public)?.trim())?;
    writeln!(
        out,
        "重启使用它的角色，然后重新封存备份 / restart the roles that use it, then seal a new backup"
    )?;
    Ok(())
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn tokens(present: &Path, also: &Path, step: Step) -> anyhow::Result<()> {
    let next = match step {
        Step::Prepare => {
            anyhow::ensure!(
                present.exists(),
                "keys.no_token: 没有令牌 / there is no token: {}",
                present.display()
            );
            let is_new = token(also)?.1;
            anyhow::ensure!(is_new, "keys.change_begun: 更换已开始 / a change was begun: {}", also.display());
            "新旧令牌都有效 / both are let in. 重启全部角色，然后 / restart every role, then: --step switch"
        }
        Step::Switch => {
            swap(present, also)?;
            "已改用新令牌 / the next one is sent. 重启全部角色，然后 / restart every role, then: --step finish"
        }
        Step::Finish => {
            std::fs::remove_file(also).map_err(UpError::io(also))?;
            durable::sync_parent(also)?;
            "旧令牌在重启后失效 / the former one ends with the restart. 重启全部角色 / restart every role"
        }
    };
    writeln!(std::io::stdout().lock(), "{next}")?;
    Ok(())
}

/// Both tokens are let in before, between and after the two writes.
fn swap(present: &Path, also: &Path) -> Result<(), UpError> {
    let read = |path: &Path| std::fs::read(path).map_err(UpError::io(path));
    let (former, next) = (read(present)?, read(also)?);
    let aside = PathBuf::from(format!("{}.switching", also.display()));
    durable::replace(&aside, &former, 0o600)?;
    durable::replace(present, &next, 0o600)?;
    std::fs::rename(&aside, also).map_err(UpError::io(also))?;
    durable::sync_parent(also)
}

fn never(what: &str) -> UpError {
    UpError::refused(
        "keys.never_changed",
        format!("{what} 的密钥不更换：它贯穿全部登记簿和档号标识"),
        format!("the key {what} is not changed: the whole log, or every id, stands on it"),
    )
    .with_remedy("见 / see docs/operating/keys.md")
}

fn unknown(what: &str) -> UpError {
    UpError::refused("keys.unknown", format!("没有名为 {what} 的密钥"), format!("there is no key {what}"))
        .with_remedy("mesh-token | door-token | administration | archive | sites/NAME | units/CODE")
}
