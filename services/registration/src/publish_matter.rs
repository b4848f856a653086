//! 事项发布: publishes filing tables. All or none; a version is published once and never changed.
//!
//! A unit's first matter gives it its fonds number (全宗号) and its key. Publishing approves automatic filing by this
//! version. Before: the gateway's door. After: `matter.published` goes to ingest and fixity.

use dengbei_bus::Outbox;
use dengbei_chain::facts::{MatterPublished, ReadError};
use dengbei_chain::{Actor, Encoded, Fact, Subject};
use dengbei_kit::db;
use dengbei_records::{ErrorClass, EventType, FondsNo, Matter, Problem, Timestamp, canonical};
use sqlx::{PgConnection, PgPool};

use crate::author::{Author, Statement};
use crate::store::{matters, numbers};
use crate::unit_keys::{KeyError, UnitKeys};

/// The most that one call may publish: an event each, in one transaction.
const MOST: usize = 5_000;

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    /// Not JSON of this shape.
    #[error("事项文件无法读取 / the matters cannot be read: {0}")]
    Unreadable(String),
    /// A matter holds what it must not.
    #[error("事项{matter}无效 / matter {matter} is not valid: {what}")]
    Invalid {
        /// Its code.
        matter: String,
        /// What is wrong, Chinese and English.
        what: String,
    },
    /// The version is published with other content.
    #[error(
        "事项{matter}的版本{version}已发布且内容不同 / version {version} of {matter} is published with other content"
    )]
    Conflict {
        /// Its code.
        matter: String,
        /// The scope version.
        version: String,
    },
    /// All fonds numbers are given.
    #[error("全宗号已用完 / no fonds number is left")]
    FondsUsedUp,
    /// A unit's key cannot be made.
    #[error("单位签章密钥不可用 / a unit's key is not available")]
    Key(#[from] KeyError),
    /// The database did not do it.
    #[error("登记库不可用 / the database does not answer")]
    Database(#[from] sqlx::Error),
    /// A fault of ours.
    #[error("登记服务内部错误 / a fault of ours")]
    Internal(#[source] anyhow::Error),
}

impl PublishError {
    /// What the caller can do.
    pub(crate) fn class(&self) -> ErrorClass {
        match self {
            Self::Unreadable(_) | Self::Invalid { .. } => ErrorClass::Invalid,
            Self::Conflict { .. } => ErrorClass::Conflict,
            Self::FondsUsedUp => ErrorClass::Exhausted,
            Self::Key(e) => e.class(),
            Self::Database(e) => db::class(e),
            Self::Internal(_) => ErrorClass::Internal,
        }
    }

    /// What the caller is told.
    pub(crate) fn problem(&self) -> Problem {
        let class = self.class();
        let said = |code: &str, zh: String, en: String| Problem::new(code, class, zh, en);
        match self {
            Self::Unreadable(why) => said("matter.unreadable", "事项文件无法读取".into(), why.clone())
                .with_remedy(
                    "请提交事项的 JSON 数组或单个对象 / send a JSON array of matters, or one object",
                ),
            Self::Invalid { matter, what } => {
                said("matter.invalid", format!("事项{matter}:{what}"), format!("matter {matter}: {what}"))
                    .with_remedy("请更正后重新发布 / mend it and publish again")
            }
            Self::Conflict { matter, version } => said(
                "matter.conflict",
                format!("事项{matter}的版本{version}已发布,内容不同"),
                format!("version {version} of {matter} is published with other content"),
            )
            .with_remedy(
                "已发布的版本不可更改,请使用新的版本号 / a published version never changes: use a new one",
            ),
            Self::FondsUsedUp => {
                said("fonds.used_up", "全宗号已用完".into(), "no fonds number is left".into())
            }
            _ => dengbei_kit::status::plain(class),
        }
    }
}

/// What came of publishing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Published {
    /// New versions.
    pub(crate) published: u32,
    /// Versions that were published before with the same content.
    pub(crate) unchanged: u32,
}

/// Publishes matters.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    pub(crate) pool: PgPool,
    pub(crate) outbox: Outbox,
    pub(crate) author: Author,
    pub(crate) keys: UnitKeys,
}

impl Publisher {
    /// Publishes the matters in `body`, all or none.
    pub(crate) async fn publish(&self, body: &[u8], actor: Option<Actor>) -> Result<Published, PublishError> {
        let wanted = read(body)?;
        let mut tx = self.pool.begin().await?;
        matters::lock(&mut tx).await?;
        let (mut events, mut unchanged) = (Vec::new(), 0);
        for matter in wanted {
            match self.publish_one(&mut tx, matter, actor).await? {
                Some(event) => events.push(event),
                None => unchanged += 1,
            }
        }
        self.outbox.put(&mut tx, &events).await.map_err(|e| PublishError::Internal(e.into()))?;
        tx.commit().await?;
        Ok(Published { published: events.len() as u32, unchanged })
    }

    /// `None`: published before with the same content.
    async fn publish_one(
        &self,
        tx: &mut PgConnection,
        matter: Matter,
        actor: Option<Actor>,
    ) -> Result<Option<Encoded>, PublishError> {
        if let Some(stored) = matters::content(tx, &matter.matter_code, &matter.scope_version).await? {
            let offered = canonical::to_vec(&matter).map_err(|e| PublishError::Internal(e.into()))?;
            let (code, version) = (matter.matter_code.to_string(), matter.scope_version);
            return if stored == offered {
                Ok(None)
            } else {
                Err(PublishError::Conflict { matter: code, version })
            };
        }
        let now = self.author.now();
        let fonds_no = self.fonds(tx, &matter, now).await?;
        let subject = Subject::Matter(matter.matter_code.clone());
        let fact = Fact::MatterPublished(MatterPublished { matter: matter.clone(), fonds_no });
        let statement = Statement { subject, causes: Vec::new(), fact };
        let event = self.author.state_for(actor, statement, now).map_err(|e| too_large(&matter, e))?;
        matters::insert(tx, &matter, event.hash, now).await?;
        Ok(Some(event))
    }

    /// The unit's fonds number: its own for ever, given with its first matter together with its key.
    async fn fonds(
        &self,
        tx: &mut PgConnection,
        matter: &Matter,
        now: Timestamp,
    ) -> Result<FondsNo, PublishError> {
        if let Some(known) = matters::fonds(tx, &matter.unit_uscc).await? {
            return Ok(known);
        }
        // The key first: a database row never points at what is not durable.
        let (keys, unit) = (self.keys.clone(), matter.unit_uscc.clone());
        let made = tokio::task::spawn_blocking(move || keys.ensure(&unit)).await;
        made.map_err(|e| PublishError::Internal(e.into()))??;
        let fonds = numbers::next_fonds(tx).await?.ok_or(PublishError::FondsUsedUp)?;
        matters::give_fonds(tx, &fonds, matter, now).await?;
        Ok(fonds)
    }
}

fn too_large(matter: &Matter, error: ReadError) -> PublishError {
    match error {
        ReadError::TooLarge(_) => invalid(matter, "归档范围过大 / the filing scope is too large"),
        other => PublishError::Internal(other.into()),
    }
}

fn invalid(matter: &Matter, what: impl Into<String>) -> PublishError {
    PublishError::Invalid { matter: matter.matter_code.to_string(), what: what.into() }
}

/// Reads an array of matters, or one.
fn read(body: &[u8]) -> Result<Vec<Matter>, PublishError> {
    let unreadable = |e: serde_json::Error| PublishError::Unreadable(e.to_string());
    let value: serde_json::Value = serde_json::from_slice(body).map_err(unreadable)?;
    let rows = match value {
        serde_json::Value::Array(rows) => rows,
        one => vec![one],
    };
    if rows.len() > MOST {
        let why = format!("一次最多{MOST}个事项 / at most {MOST} matters at once");
        return Err(PublishError::Unreadable(why));
    }
    let matters: Vec<Matter> =
        rows.into_iter().map(serde_json::from_value).collect::<Result<_, _>>().map_err(unreadable)?;
    matters.iter().try_for_each(check)?;
    Ok(matters)
}

fn check(matter: &Matter) -> Result<(), PublishError> {
    let texts = [
        ("事项名称 matter_name", &matter.matter_name, 256),
        ("立档单位名称 unit_name", &matter.unit_name, 128),
        ("归档范围版本 scope_version", &matter.scope_version, 32),
    ];
    for (what, text, max) in texts {
        let count = text.chars().count();
        if count == 0 || count > max || text.chars().any(char::is_control) {
            return Err(invalid(matter, format!("{what}: 1-{max}")));
        }
    }
    if !is_code(&matter.event_type) {
        return Err(invalid(matter, "事项类型应为两位代码 / event_type is not a known two-digit code"));
    }
    let date = chrono::NaiveDate::parse_from_str(&matter.in_force_from, "%Y-%m-%d");
    if matter.in_force_from.len() != 10 || date.is_err() {
        return Err(invalid(matter, "生效日期应为 YYYY-MM-DD / in_force_from is no date"));
    }
    if matter.scope.is_empty() || matter.scope.iter().any(|row| row.material.trim().is_empty()) {
        return Err(invalid(
            matter,
            "归档范围为空或材料无名称 / the scope is empty, or a material has no name",
        ));
    }
    Ok(())
}

fn is_code(event_type: &str) -> bool {
    event_type.parse::<EventType>().is_ok_and(|known| known.code() == event_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"matter_code":"M-1","matter_name":"备案","event_type":"10","unit_name":"局","unit_uscc":"115113016823646795",
        "retention":"D30","scope_version":"2026-01","in_force_from":"2026-01-01","later_field":1,
        "scope":[{"phase":"01","range":"申请材料","material":"申请表","necessary":true,"form":"electronic","note":""}]}"#;

    #[test]
    fn one_matter_or_a_list_is_read_and_unknown_fields_are_tolerated() {
        assert_eq!(read(GOOD.as_bytes()).unwrap().len(), 1);
        assert_eq!(read(format!("[{GOOD},{GOOD}]").as_bytes()).unwrap().len(), 2);
    }

    #[test]
    fn what_is_wrong_with_a_matter_is_said() {
        for (good, bad) in [
            ("\"10\"", "\"11\""),
            ("2026-01-01", "2026-13-01"),
            ("2026-01-01", "2026-1-01"),
            ("备案", ""),
            ("申请表", " "),
            ("D30", "forever"),
            ("115113016823646795", "1151"),
        ] {
            let error = read(GOOD.replace(good, bad).as_bytes()).unwrap_err();
            assert_eq!(error.class(), ErrorClass::Invalid, "{bad}");
        }
        assert!(matches!(read(b"{"), Err(PublishError::Unreadable(_))));
    }
}
