//! The commands, one module each; the grammar that reaches them is `cli`.

pub(crate) mod check;
pub(crate) mod dead_letters;
pub(crate) mod digest;
pub(crate) mod door;
pub(crate) mod health;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod item;
pub(crate) mod matter;
pub(crate) mod migrate;
pub(crate) mod scheme;
pub(crate) mod serve;
pub(crate) mod submit;
mod together;
pub(crate) mod validate;
mod verdict;

use std::io::Write as _;

/// One line to the user.
fn say(line: impl std::fmt::Display) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")
}
