//! The roles of this run at work: as tasks of this process, or as children with `--split`. Started again
//! when they end; the door is drained first, so that nothing new comes in while the rest finishes.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use dengbei_kit::{Drain, OnError, Tasks};
use rustix::process::Signal;
use tokio::time::Instant;

use super::UpError;
use super::child::{Child, Program};
use super::folder::Folder;
use super::mesh::{Mesh, Post};
use super::nursery::Nursery;
use crate::roles::{self, Role};

/// Longest drain of the door, and of the roles behind it: together under half of the 30 s promised.
const DRAIN: Duration = Duration::from_secs(7);
/// The first start migrates the databases.
const PATIENCE: Duration = Duration::from_secs(120);

/// Everybody who works.
pub(crate) struct Crew {
    door: Squad,
    behind: Squad,
}

/// Roles that are drained together.
enum Squad {
    Tasks(Drain, Tasks),
    Children(Vec<Child>),
}

impl Crew {
    /// Nobody yet; `is_split` says whether each role gets a process.
    pub(crate) fn new(is_split: bool) -> Self {
        Self { door: Squad::new(is_split), behind: Squad::new(is_split) }
    }

    /// Starts every role of `mesh`. Returns at once; see [`healthy`].
    pub(crate) fn start(&mut self, mesh: &Mesh, folder: &Folder, nursery: &Nursery) -> Result<(), UpError> {
        for post in mesh.posts() {
            let squad = if post.role == Role::Gateway { &mut self.door } else { &mut self.behind };
            match squad {
                Squad::Tasks(drain, tasks) => spawn(tasks, drain, post),
                Squad::Children(children) => {
                    let program = program(post, post.write(folder)?.into_os_string())?;
                    children.push(Child::keep(program, folder, nursery)?);
                }
            }
        }
        Ok(())
    }

    /// Drains the door, then the rest.
    pub(crate) async fn stop(self) {
        self.door.stop().await;
        self.behind.stop().await;
    }
}

impl Squad {
    fn new(is_split: bool) -> Self {
        if is_split {
            return Self::Children(Vec::new());
        }
        let drain = Drain::new();
        Self::Tasks(drain.clone(), Tasks::new(drain))
    }

    async fn stop(self) {
        match self {
            Self::Tasks(drain, tasks) => {
                drain.request();
                if let Err(error) = tasks.join(DRAIN).await {
                    tracing::warn!(error = format!("{error:#}"), "a role failed while draining");
                }
            }
            Self::Children(children) => {
                futures::future::join_all(children.into_iter().map(Child::stop)).await;
            }
        }
    }
}

fn spawn(tasks: &mut Tasks, drain: &Drain, post: &Post) {
    let (drain, role, config) = (drain.clone(), post.role, post.config.clone());
    tasks.spawn(post.name, OnError::Restart, move || roles::run(role, config.clone(), drain.child()));
}

fn program(post: &Post, config: OsString) -> Result<Program, UpError> {
    let command = std::env::current_exe().map_err(UpError::io("/proc/self/exe".as_ref()))?;
    Ok(Program {
        name: post.name,
        command,
        args: vec!["serve".into(), post.role.name().into(), "--config".into(), config],
        account: None,
        on_our_death: "KILL",
        stop: Signal::TERM,
        patience: DRAIN,
        before: Arc::new(|| Ok(())),
    })
}

/// Waits until every role says that it is well.
///
/// # Errors
/// Names the roles that are not, and what they say, when patience ends.
pub(crate) async fn healthy(mesh: &Mesh) -> Result<(), UpError> {
    let http = reqwest::Client::new();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let asked = mesh.posts().iter().map(|post| complaint(&http, post));
        let complaints: Vec<_> = futures::future::join_all(asked).await.into_iter().flatten().collect();
        if complaints.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(not_healthy(&complaints.join("; ")));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What is wrong with a role; nothing when it is well.
async fn complaint(http: &reqwest::Client, post: &Post) -> Option<String> {
    let url = format!("http://{}/health", post.config.admin);
    let said = match http.get(url).timeout(Duration::from_secs(6)).send().await {
        Ok(answer) if answer.status().is_success() => return None,
        Ok(answer) => answer.text().await.unwrap_or_default(),
        Err(_) => "没有应答 / no answer".to_owned(),
    };
    (!is_scanner_alone(&said)).then(|| format!("{}: {said}", post.name))
}

/// A virus scanner that is away closes the door to packages, and to nothing else: it is waited for while all runs.
fn is_scanner_alone(said: &str) -> bool {
    let health: serde_json::Value = serde_json::from_str(said).unwrap_or_default();
    let parts = health["parts"].as_array().map_or(&[][..], Vec::as_slice);
    let mut wrong = parts.iter().filter(|part| part["ok"] == false).peekable();
    wrong.peek().is_some() && wrong.all(|part| part["name"] == "scanner")
}

fn not_healthy(complaints: &str) -> UpError {
    UpError::refused(
        "up.role_not_healthy",
        format!("部分角色未能就绪：{complaints}"),
        format!("roles are not healthy: {complaints}"),
    )
    .with_remedy("查看本程序的标准错误输出与 DIR/logs / see standard error and DIR/logs")
}
