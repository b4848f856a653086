//! A scheme as it is written down: canonical JSON, with its digest beside it.

use std::collections::BTreeMap;

use dengbei_records::{Sha256, canonical};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Line;
use crate::{CheckId, Stage};

/// What a document says it is.
pub const FORMAT: &str = "dengbei.scheme/1";

/// The scheme that a document extends, by name, version and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// Name
    pub id: String,
    /// Version
    pub version: String,
    /// SHA-256 of its document
    pub digest: Sha256,
}

/// A document. What it does not say, its base says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchemeDocument {
    /// [`FORMAT`]
    pub format: String,
    /// Name: `ningbo/service-item`
    pub id: String,
    /// Version: `2026-03`
    pub version: String,
    /// Chinese title
    pub title: String,
    /// English title
    pub title_en: String,
    /// What it extends; the built-in one itself extends nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<Base>,
    /// Categories (门类) that it is for: `service_item` 办件; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// Area codes, or their beginnings; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub areas: Vec<String>,
    /// First day: `2026-01-01`
    pub in_force_from: String,
    /// Last day; without: until replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force_until: Option<String>,
    /// Stage → check → `B`, `W`, `M`, `Bs`, `Ws`, or `-`: not run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stages: BTreeMap<Stage, BTreeMap<CheckId, String>>,
    /// Stage → checks whose 无法验证 keeps an item out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unverified_blocks: BTreeMap<Stage, Vec<CheckId>>,
    /// Stage → check → its number in the area's own rule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub aliases: BTreeMap<Stage, BTreeMap<CheckId, String>>,
    /// Check → parameter → value.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
}

impl SchemeDocument {
    pub(super) fn new(id: &str, version: &str, titles: [&str; 2]) -> Self {
        Self {
            format: FORMAT.to_owned(),
            id: id.to_owned(),
            version: version.to_owned(),
            title: titles[0].to_owned(),
            title_en: titles[1].to_owned(),
            extends: None,
            categories: Vec::new(),
            areas: Vec::new(),
            in_force_from: "2018-10-01".to_owned(),
            in_force_until: None,
            stages: BTreeMap::new(),
            unverified_blocks: BTreeMap::new(),
            aliases: BTreeMap::new(),
            parameters: Map::new(),
        }
    }

    /// SHA-256 of its canonical JSON, without a digest inside.
    pub fn digest(&self) -> Sha256 {
        Sha256::of(&canonical::to_vec(self).unwrap_or_default())
    }

    /// The lines of `base`, changed as this document says.
    pub(super) fn lines_over(&self, base: &BTreeMap<Stage, Vec<Line>>) -> BTreeMap<Stage, Vec<Line>> {
        let mut all = BTreeMap::new();
        for stage in Stage::ALL {
            let mut lines: BTreeMap<CheckId, Line> =
                base.get(&stage).into_iter().flatten().map(|l| (l.check, l.clone())).collect();
            for (check, letters) in self.stages.get(&stage).into_iter().flatten() {
                match letters.parse() {
                    Ok(rule) => {
                        let fresh = || Line {
                            check: *check,
                            rule,
                            blocks_unverified: false,
                            alias: check.alias(stage),
                        };
                        lines.entry(*check).or_insert_with(fresh).rule = rule;
                    }
                    Err(_) => {
                        lines.remove(check);
                    }
                }
            }
            for check in self.unverified_blocks.get(&stage).into_iter().flatten() {
                if let Some(line) = lines.get_mut(check) {
                    line.blocks_unverified = true;
                }
            }
            for (check, alias) in self.aliases.get(&stage).into_iter().flatten() {
                if let Some(line) = lines.get_mut(check) {
                    line.alias.clone_from(alias);
                }
            }
            if !lines.is_empty() {
                all.insert(stage, lines.into_values().collect());
            }
        }
        all
    }
}
