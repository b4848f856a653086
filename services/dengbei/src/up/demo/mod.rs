//! `up --demo`: fills a county with a year's data through the front door, as any sender would, and then flips one byte
//! of one copy, so that inspection has something to find. Begins when everything is ready and runs beside it; a second
//! start goes on where the first was stopped (what was sent is known again), and once done it is never done again.
//!
//! Nothing here knows a database or a role: `rules` says who signs, `send` hands over, `follow` waits until
//! everything got where it should, `desk` leaves an application to decide about, `damage` is the one thing no sender could do.

mod damage;
mod desk;
mod follow;
mod rules;
mod send;
mod show;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use chrono::NaiveDate;
use dengbei_records::{Clock as _, SystemClock};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use tokio::time::Instant;

use super::folder::Folder;
use super::keys::Keys;
use super::{UpError, durable};
use crate::commands::door::Door;
use crate::sample::Year;
use follow::{Goal, Sent};
use show::Show;

/// The day on which the filling began: the same data when it goes on.
const BEGUN: &str = "demo-begun";
/// Written when everything is in and the damage is done.
const DONE: &str = "demo-done";
/// Units that send at the same time: the machine is somebody's own.
const AT_ONCE: usize = 2;
/// So long may all of it take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(1800);

/// Where to fill.
pub(super) struct Demo<'a> {
    pub(super) folder: &'a Folder,
    pub(super) keys: &'a Keys,
    pub(super) http: SocketAddr,
}

impl Demo<'_> {
    /// Fills, unless it is done. A demonstration that fails says so and disturbs nothing else.
    pub(super) async fn fill(&self) {
        if self.folder.path(DONE).exists() {
            return;
        }
        match self.run().await {
            Ok(said) => show::say(&said),
            Err(error) => {
                tracing::warn!("the demonstration's data: {error:#}");
                show::say(&format!(
                    "演示数据未全部写入，重新启动将继续 / the demonstration is not complete, the next start goes on: {error:#}"
                ));
            }
        }
    }

    async fn run(&self) -> anyhow::Result<String> {
        let began = Instant::now();
        let deadline = began + PATIENCE;
        let year = Year::until(self.keys.area.as_str(), self.first_day()?);
        let door = Door::at(&format!("http://{}", self.http), &self.keys.door)?;
        publish(&door, &year).await?;
        rules::set(&door, &year).await?;
        let mut sent = self.send_all(&door, &year, deadline).await?;
        let parked = send::parked(&door, &year, deadline).await?;
        let (returned, mended) = send::faulty(&door, &year, deadline).await?;
        sent.extend(mended);
        let bar = Show::of("办理 under way", sent.len());
        let archived = follow::all(&door, &sent, &bar, deadline).await?;
        desk::apply(&door, &year, &sent).await?;
        let struck = damage::strike(&door, self.folder, &sent).await?;
        let took = began.elapsed().as_secs();
        let told = json!({"items": sent.len(), "archived": archived, "parked": parked, "faulty": returned, "damaged": struck.to_string(), "seconds": took});
        durable::replace(&self.folder.path(DONE), format!("{told}\n").as_bytes(), 0o644)?;
        Ok(format!(
            "演示数据已备齐：40 个单位、{} 件，进馆 {archived} 件，挂起 {parked} 件，有缺陷 {returned} 件；{struck} 已改坏一个字节，等巡检发现。用时 {took} 秒\n\
             the demonstration is there: 40 units, {} items, {archived} in the archive, {parked} parked, {returned} faulty; one byte of {struck} is flipped and waits for inspection; {took} s",
            sent.len(),
            sent.len(),
        ))
    }

    /// Today, the first time; then that day again.
    fn first_day(&self) -> Result<NaiveDate, anyhow::Error> {
        let path = self.folder.path(BEGUN);
        let today: String = SystemClock.now().rfc3339().chars().take(10).collect();
        durable::create(&path, today.as_bytes(), 0o644)?;
        let text = std::fs::read_to_string(&path).map_err(UpError::io(&path))?;
        text.trim().parse().with_context(|| format!("{}", path.display()))
    }

    async fn send_all(&self, door: &Door, year: &Year, deadline: Instant) -> anyhow::Result<Vec<Sent>> {
        let bar = Show::of("报送 sending", year.size() as usize);
        let units = stream::iter(year.units()).map(|unit| {
            let bar = &bar;
            async move {
                let goal = Goal::of(rules::kind(unit.index));
                let sent = send::unit(door, year, unit.index, deadline).await?;
                bar.advance(sent.len());
                anyhow::Ok(sent.into_iter().map(|item| Sent { goal, item }).collect::<Vec<_>>())
            }
        });
        let sent: Vec<Vec<Sent>> = units.buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(sent.into_iter().flatten().collect())
    }
}

async fn publish(door: &Door, year: &Year) -> anyhow::Result<()> {
    let body = serde_json::to_vec(&year.published())?;
    let post = || Ok(door.post("/v1/matters").header("content-type", "application/json").body(body.clone()));
    door.json(Duration::from_secs(120), post).await.context("/v1/matters")?;
    Ok(())
}
