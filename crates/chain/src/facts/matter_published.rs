//! 事项发布: one version of a matter's filing table (归档范围和保管期限表), with the fonds of its unit.
//!
//! Publishing approves automatic filing by this version. Before: `registration/src/publish_matter.rs`.
//! After: ingest and fixity keep it to check and to release what was parked.

use dengbei_proto::v1;
use dengbei_records::{FilingForm, FondsNo, Matter, ScopeRow};

use super::{ReadError, retention};

/// A published matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatterPublished {
    /// The matter as published.
    pub matter: Matter,
    /// 全宗号 of its unit, given at the unit's first matter.
    pub fonds_no: FondsNo,
}

impl MatterPublished {
    pub(super) fn read(p: v1::MatterPublished) -> Result<Self, ReadError> {
        let scope = p.scope.into_iter().map(read_row).collect::<Result<_, _>>()?;
        let matter = Matter {
            matter_code: p.matter_code.parse()?,
            matter_name: p.matter_name,
            event_type: p.event_type,
            unit_name: p.unit_name,
            unit_uscc: p.unit_uscc.parse()?,
            retention: retention(&p.retention)?,
            scope_version: p.scope_version,
            in_force_from: p.in_force_from,
            scope,
        };
        Ok(Self { matter, fonds_no: p.fonds_no.parse()? })
    }

    pub(super) fn write(&self) -> v1::MatterPublished {
        let m = &self.matter;
        v1::MatterPublished {
            matter_code: m.matter_code.to_string(),
            matter_name: m.matter_name.clone(),
            event_type: m.event_type.clone(),
            unit_name: m.unit_name.clone(),
            unit_uscc: m.unit_uscc.to_string(),
            fonds_no: self.fonds_no.to_string(),
            retention: m.retention.code().into(),
            scope_version: m.scope_version.clone(),
            in_force_from: m.in_force_from.clone(),
            scope: m.scope.iter().map(write_row).collect(),
        }
    }
}

fn read_row(p: v1::matter_published::ScopeRow) -> Result<ScopeRow, ReadError> {
    let form = match p.form.as_str() {
        "electronic" => FilingForm::Electronic,
        "paper" => FilingForm::Paper,
        "both" => FilingForm::Both,
        _ => return Err(ReadError::Missing("form")),
    };
    Ok(ScopeRow { phase: p.phase, range: p.range, material: p.material, necessary: p.necessary, form })
}

fn write_row(row: &ScopeRow) -> v1::matter_published::ScopeRow {
    let form = match row.form {
        FilingForm::Electronic => "electronic",
        FilingForm::Paper => "paper",
        FilingForm::Both => "both",
    };
    v1::matter_published::ScopeRow {
        phase: row.phase.clone(),
        range: row.range.clone(),
        material: row.material.clone(),
        necessary: row.necessary,
        form: form.into(),
    }
}
