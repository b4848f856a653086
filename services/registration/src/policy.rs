//! 单位规则: what a unit approved once, so that its work goes on by itself. Every version is kept; what no office may
//! decide is refused.
//!
//! Before: the gateway's door. After: `batches` and `transfers` ask `store::policies` at every step.

use dengbei_chain::Actor;
use dengbei_kit::{db, status};
use dengbei_records::policy::{TransferRule, UnitPolicy};
use dengbei_records::{ErrorClass, Invalid, Problem, Retention, UnitCode};
use sqlx::PgPool;

use crate::author::Author;
use crate::store::matters;
use crate::store::policies::{self, Standing};

/// The longest name of a signatory, characters.
const LONGEST_NAME: usize = 64;
/// The longest wait before a transfer, years.
const LONGEST_WAIT: u16 = 100;

/// Why a rule is not set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyError {
    /// Not a rule, or one that no office may decide.
    #[error("单位规则无效 / the rule is not valid: {0}")]
    Invalid(String),
    /// The unit has no fonds here.
    #[error("没有此立档单位 / no such unit: {0}")]
    NoSuchUnit(UnitCode),
    /// The database did not do it.
    #[error("登记库不可用 / the database does not answer")]
    Database(#[from] sqlx::Error),
}

impl PolicyError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Invalid(_) => ErrorClass::Invalid,
            Self::NoSuchUnit(_) => ErrorClass::NotFound,
            Self::Database(e) => db::class(e),
        }
    }

    /// What the caller is told.
    pub(crate) fn problem(&self) -> Problem {
        let class = self.class();
        match self {
            Self::Invalid(why) => Problem::new("policy.invalid", class, "单位规则无效", why.clone())
                .with_remedy("请更正后重新提交 / mend it and set it again"),
            Self::NoSuchUnit(unit) => Problem::new(
                "unit.unknown",
                class,
                format!("没有此立档单位:{unit}"),
                format!("no such unit: {unit}"),
            )
            .with_remedy("请先发布该单位的事项 / publish a matter of the unit first"),
            Self::Database(_) => status::plain(class),
        }
    }
}

impl From<Invalid> for PolicyError {
    fn from(e: Invalid) -> Self {
        Self::Invalid(e.to_string())
    }
}

/// Keeps units' rules.
#[derive(Debug, Clone)]
pub(crate) struct Policies {
    pub(crate) pool: PgPool,
    pub(crate) author: Author,
}

impl Policies {
    /// The rule that holds for a unit, or for the area.
    pub(crate) async fn of(&self, unit: Option<&UnitCode>) -> Result<Standing, PolicyError> {
        Ok(policies::standing(&mut *self.pool.acquire().await?, unit).await?)
    }

    /// Sets another version; the same again changes nothing. The version is given here, whatever `body` says.
    pub(crate) async fn set(
        &self,
        unit: Option<&UnitCode>,
        body: &[u8],
        actor: Option<Actor>,
    ) -> Result<Standing, PolicyError> {
        let mut wanted = parse(body)?;
        let mut tx = self.pool.begin().await?;
        policies::lock(&mut tx).await?;
        if let Some(unit) = unit
            && matters::fonds(&mut tx, unit).await?.is_none()
        {
            return Err(PolicyError::NoSuchUnit(unit.clone()));
        }
        let standing = policies::standing(&mut tx, unit).await?;
        wanted.version = standing.policy.version;
        if wanted == standing.policy && !standing.is_default {
            return Ok(standing);
        }
        wanted.version += 1;
        policies::insert(&mut tx, unit, &wanted, actor, self.author.now()).await?;
        tx.commit().await?;
        Ok(Standing { policy: wanted, is_default: false })
    }
}

/// Reads a rule and refuses what no office may decide.
fn parse(body: &[u8]) -> Result<UnitPolicy, PolicyError> {
    let mut policy: UnitPolicy =
        serde_json::from_slice(body).map_err(|e| PolicyError::Invalid(e.to_string()))?;
    policy.check()?;
    let names = [&policy.unit.filled_by, &policy.unit.reviewed_by, &policy.archive.filled_by];
    let others = [&policy.archive.reviewed_by, &policy.registrar, &policy.reviewer];
    names.into_iter().chain(others).try_for_each(|name| check_name(name))?;
    if let TransferRule::AfterYears(years) = policy.transfer
        && years > LONGEST_WAIT
    {
        return Err(Invalid::new("移交年限 years until transfer", years).into());
    }
    policy.archive_range.sort_unstable_by_key(|r: &Retention| *r);
    policy.archive_range.dedup();
    Ok(policy)
}

/// Refuses what cannot be a person's name under a paper.
pub(crate) fn check_name(name: &str) -> Result<(), Invalid> {
    let count = name.chars().count();
    let is_name =
        (1..=LONGEST_NAME).contains(&count) && name.trim() == name && !name.chars().any(char::is_control);
    if is_name { Ok(()) } else { Err(Invalid::new("签字人 signatory", name)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(change: impl FnOnce(&mut UnitPolicy)) -> Vec<u8> {
        let mut policy = UnitPolicy::default_rule();
        change(&mut policy);
        serde_json::to_vec(&policy).unwrap()
    }

    #[test]
    fn a_rule_that_no_office_may_decide_is_refused() {
        assert!(parse(&body(|_| ())).is_ok());
        assert!(parse(b"{}").is_err());
        assert!(parse(&body(|p| p.reviewer = p.registrar.clone())).is_err());
        assert!(parse(&body(|p| p.unit.filled_by = "张三\n".into())).is_err());
        assert!(parse(&body(|p| p.archive.filled_by = "长".repeat(65))).is_err());
        assert!(parse(&body(|p| p.transfer = TransferRule::AfterYears(101))).is_err());
    }

    #[test]
    fn the_archive_range_is_a_set() {
        let twice =
            body(|p| p.archive_range = vec![Retention::TenYears, Retention::Permanent, Retention::TenYears]);
        assert_eq!(parse(&twice).unwrap().archive_range, [Retention::Permanent, Retention::TenYears]);
    }
}
