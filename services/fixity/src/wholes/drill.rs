//! 恢复演练 (U-09): one copy, drawn by the run's own number, is read from its backup site into a quarantine folder, from its
//! first byte to its last, and every object in it compared with its inventory. The folder is gone when that is known.
//!
//! As often as the scheme says (`drill_days`, a quarter). A site that does not answer is no finding: the next run tries again.

use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use dengbei_checks::facts::Restored;
use dengbei_kit::status;
use dengbei_ocfl::PackReport;
use dengbei_records::{PackNumber, Timestamp};
use sqlx::postgres::PgConnection;
use tokio::io::AsyncWriteExt as _;

use super::Wholes;
use super::error::WholeError;
use crate::sites::{Name, Site, SiteFault};
use crate::store::drills::{self, Backup};
use crate::store::wholes::OpenWhole;

/// A site that sends nothing for so long does not answer.
const SILENCE: Duration = Duration::from_secs(60);
/// Differences that are kept.
const MOST: usize = 100;

/// What a drill brought back, to be kept with the run that states it.
#[derive(Debug, Clone)]
pub(super) struct Drill {
    from: (String, PackNumber, u32),
    restored: Restored,
}

impl Drill {
    pub(super) async fn keep(self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (site, pack, generation) = &self.from;
        drills::put(tx, (site, *pack, *generation), &self.restored).await
    }
}

impl Wholes {
    /// What was restored last; a drill first, when one is due and there is a backup.
    pub(super) async fn restored(
        &self,
        run: &OpenWhole,
        now: Timestamp,
    ) -> Result<(Option<Restored>, Option<Drill>), WholeError> {
        let last = drills::last(&self.pool).await?;
        if last.as_ref().is_some_and(|last| !self.is_due(last, now)) {
            return Ok((last, None));
        }
        let sites: Vec<String> =
            self.sites.all().iter().filter(|s| s.class != "primary").map(|s| s.name.clone()).collect();
        let Some(backup) = drills::draw(&self.pool, &sites, &run.key.number).await? else {
            return Ok((last, None));
        };
        match self.drill(&backup, now).await {
            Ok(drill) => Ok((Some(drill.restored.clone()), Some(drill))),
            Err(WholeError::Site(fault)) => {
                tracing::warn!(
                    site = backup.site,
                    why = status::chain(&fault),
                    "no drill: its site is silent"
                );
                Ok((last, None))
            }
            Err(e) => Err(e),
        }
    }

    fn is_due(&self, last: &Restored, now: Timestamp) -> bool {
        let days = i64::try_from(self.scheme().parameters.u09.drill_days).unwrap_or(i64::MAX);
        // What was found wrong is looked at with every run, until it is right. Else a day before it would be called late.
        !last.differing.is_empty()
            || now.millis() - last.at.millis() >= days.saturating_sub(1).saturating_mul(86_400_000)
    }

    async fn drill(&self, backup: &Backup, now: Timestamp) -> Result<Drill, WholeError> {
        let site = self
            .sites
            .all()
            .iter()
            .find(|s| s.name == backup.site)
            .ok_or(SiteFault::NotConfigured("backup"))?;
        let folder = tempfile::Builder::new().prefix("dengbei-quarantine-").tempdir_in(&self.quarantine)?;
        let path = folder.path().join(format!("{}.g{}.tar", backup.pack, backup.generation));
        let (compared, differing) = match fetch(site, backup, &path).await? {
            Ok(()) => self.compare(backup, path).await?,
            Err(why) => (1, vec![format!("存储包 {} {why}", backup.pack)]),
        };
        drop(folder);
        let (site, pack, generation) = (backup.site.clone(), backup.pack, backup.generation);
        let from = drills::from(&site, pack, generation);
        let is_whole = differing.is_empty();
        tracing::info!(site, %pack, compared, is_whole, "a backup was restored to quarantine");
        Ok(Drill {
            restored: Restored { at: now, from, compared, differing },
            from: (site, pack, generation),
        })
    }

    async fn compare(
        &self,
        backup: &Backup,
        path: std::path::PathBuf,
    ) -> Result<(u32, Vec<String>), WholeError> {
        let wanted = backup.digest;
        let pack = backup.pack;
        let compared = tokio::task::spawn_blocking(move || {
            let mut file = BufReader::new(std::fs::File::open(path)?);
            PackReport::of(&mut file).map_err(std::io::Error::other)
        });
        let report = compared.await.map_err(|e| WholeError::Fault(e.to_string()))??;
        let mut differing: Vec<String> = Vec::new();
        if report.sha256 != wanted {
            differing.push(format!("存储包 {pack} {}", report.sha256));
        }
        let named = report.findings.iter().map(|f| f.object.clone().unwrap_or_else(|| f.detail.clone()));
        differing.extend(named);
        differing.dedup();
        differing.truncate(MOST);
        let objects = report.catalogue.map_or(0, |c| c.versions.len());
        Ok((u32::try_from(objects).unwrap_or(u32::MAX), differing))
    }
}

/// Reads the whole copy into the file. What a site that answers cannot give is said; what it does not say is a fault.
async fn fetch(site: &Site, backup: &Backup, path: &Path) -> Result<Result<(), &'static str>, WholeError> {
    let name = Name { pack: backup.pack, generation: backup.generation };
    let mut file = tokio::fs::File::create(path).await?;
    let mut stream = match site.read(name, 0, 0).await {
        Ok(stream) => stream,
        Err(SiteFault::Silent { source, .. }) => return spoken(site, *source),
        Err(fault) => return Err(fault.into()),
    };
    let mut at = 0;
    loop {
        let message = tokio::time::timeout(SILENCE, stream.message()).await;
        let message =
            message.unwrap_or_else(|_| Err(tonic::Status::deadline_exceeded("the site sends nothing")));
        match message {
            Ok(Some(chunk)) if chunk.offset == at => {
                file.write_all(&chunk.data).await?;
                at += chunk.data.len() as u64;
            }
            Ok(Some(_)) => return Err(site.silent(tonic::Status::internal("pieces out of order")).into()),
            Ok(None) => break,
            Err(answer) => return spoken(site, answer),
        }
    }
    file.sync_all().await?;
    Ok(if at == backup.bytes { Ok(()) } else { Err("长度不符 / another length") })
}

fn spoken(site: &Site, answer: tonic::Status) -> Result<Result<(), &'static str>, WholeError> {
    match status::to_problem(&answer).code.as_str() {
        "site.missing" => Ok(Err("不在 / missing")),
        "site.unreadable" | "site.request" => Ok(Err("不可读 / unreadable")),
        "site.damaged" => Ok(Err("损坏 / damaged")),
        _ => Err(site.silent(answer).into()),
    }
}
