//! Draws one paper of each kind into a folder, to look at: `cargo run -p dengbei-papers --example samples -- DIR`.
#![allow(clippy::unwrap_used, missing_docs, reason = "for looking, not for use")]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/reports/mod.rs"]
mod made;

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".into()));
    std::fs::create_dir_all(&folder)?;
    let press = dengbei_papers::Press::open()?;
    let only = std::env::args().nth(2);
    for (kind, json) in common::all() {
        if only.as_deref().is_none_or(|wanted| wanted == kind) {
            std::fs::write(folder.join(format!("{kind}.pdf")), press.pdf(kind, &json)?)?;
        }
    }
    if only.is_none_or(|wanted| wanted == "report") {
        std::fs::write(
            folder.join("report.pdf"),
            dengbei_papers::check_report(&made::report(4), &[], made::about())?,
        )?;
    }
    Ok(())
}
