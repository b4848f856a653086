//! Load through the front doors while something is done to the deployment behind them: every batch is sent again and
//! again until all of it is where its retention says, and everything that was ever acknowledged is noted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::Context as _;
use serde_json::Value;

/// How often a batch is sent at most.
const TRIES: usize = 60;

/// A door, and what it asks for.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its URL.
    pub url: String,
    /// Its token.
    pub token: String,
}

/// What came of each item: its last known custody and registration, by id, for all that were ever acknowledged.
pub type Outcomes = BTreeMap<String, (String, String)>;

/// Senders at work.
#[derive(Debug)]
pub struct Load {
    senders: Vec<JoinHandle<Outcomes>>,
    doors: Arc<Mutex<Vec<Place>>>,
}

impl Load {
    /// Starts two senders with half of the batches each, through `doors` in turn.
    pub fn start(binary: &Path, batches: &[PathBuf], doors: Vec<Place>) -> Self {
        let doors = Arc::new(Mutex::new(doors));
        let half = batches.len() / 2;
        let send = |(n, part): (usize, Vec<PathBuf>)| {
            let (binary, doors) = (binary.to_owned(), Arc::clone(&doors));
            std::thread::spawn(move || send(&binary, &part, n, &doors))
        };
        let parts = [batches[..half].to_vec(), batches[half..].to_vec()];
        let senders = parts.into_iter().enumerate().map(send).collect();
        Self { senders, doors }
    }

    /// The doors have moved.
    pub fn moved(&self, doors: Vec<Place>) {
        *self.doors.lock().unwrap_or_else(PoisonError::into_inner) = doors;
    }

    /// Whether a sender is still at work.
    pub fn is_on(&self) -> bool {
        self.senders.iter().any(|sender| !sender.is_finished())
    }

    /// Waits for the senders and gives what came of everything.
    ///
    /// # Errors
    /// When a sender panicked.
    pub async fn end(self) -> anyhow::Result<Outcomes> {
        let join = || -> anyhow::Result<Outcomes> {
            let mut all = Outcomes::new();
            for sender in self.senders {
                all.extend(sender.join().ok().context("a sender panicked")?);
            }
            Ok(all)
        };
        tokio::task::spawn_blocking(join).await?
    }
}

fn send(binary: &Path, batches: &[PathBuf], first: usize, doors: &Mutex<Vec<Place>>) -> Outcomes {
    let mut outcomes = Outcomes::new();
    for batch in batches {
        for attempt in first..first + TRIES {
            let Place { url, token } = {
                let doors = doors.lock().unwrap_or_else(PoisonError::into_inner);
                doors[attempt % doors.len()].clone()
            };
            let mut command = Command::new(binary);
            command.arg("submit").arg(batch).args(["--to", &url, "--wait", "accessioned", "--json"]);
            let Ok(output) = command.args(["--timeout", "40"]).env("DENGBEI_TOKEN", token).output() else {
                continue;
            };
            note(&String::from_utf8_lossy(&output.stdout), &mut outcomes);
            if output.status.success() {
                break;
            }
        }
    }
    outcomes
}

fn note(lines: &str, outcomes: &mut Outcomes) {
    for line in lines.lines() {
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        let state = |region: &str| line["state"][region].as_str().unwrap_or_default().to_owned();
        if let Some(item) = line["item"].as_str().filter(|_| !state("custody").is_empty()) {
            outcomes.insert(item.to_owned(), (state("custody"), state("registration")));
        }
    }
}
