//! The door from outside: one HTTP client with the token, and what its answers mean. Waits where waiting helps.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

/// A connection is refused or made within this time.
const CONNECT: Duration = Duration::from_secs(5);
/// A door that says nothing for this long has gone. Uploads of large packages are read and checked in between.
const SILENCE: Duration = Duration::from_secs(300);
/// Shorter than the door's own bound, so that no upload begins on a connection that is being closed.
const IDLE: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Where the door is.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DoorArgs {
    /// The door's URL / 门户地址
    #[arg(long = "to", env = "DENGBEI_URL", value_name = "URL")]
    url: String,
    /// The door's token / 访问令牌
    #[arg(long, env = "DENGBEI_TOKEN", hide_env_values = true, default_value = "")]
    token: String,
}

/// A client of one door.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    client: Client,
    base: String,
    token: String,
}

/// What the door says no with.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Refused {
    /// Stable code.
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) message_en: String,
    #[serde(default)]
    pub(crate) remedy: String,
    #[serde(default)]
    pub(crate) checks: Vec<Value>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DoorError {
    /// No answer in time; the last reason.
    #[error("门户无应答 / the door does not answer")]
    Unreachable(#[source] anyhow::Error),
    /// It said no.
    #[error("{} {}: {} / {} {}", .0.as_u16(), .1.code, .1.message, .1.message_en, .1.remedy)]
    Refused(StatusCode, Box<Refused>),
    /// What is to be sent cannot be read.
    #[error("{0:#}")]
    Local(anyhow::Error),
}

impl Door {
    /// # Errors
    /// When the URL is none.
    pub(crate) fn new(args: &DoorArgs) -> anyhow::Result<Self> {
        Self::at(&args.url, &args.token)
    }

    /// The door at `url`.
    ///
    /// # Errors
    /// When the URL is none.
    pub(crate) fn at(url: &str, token: &str) -> anyhow::Result<Self> {
        let base = url.trim_end_matches('/').to_owned();
        anyhow::ensure!(
            base.starts_with("http://") || base.starts_with("https://"),
            "--to: 应为 http:// 或 https:// 地址 / an http:// or https:// address is wanted"
        );
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .pool_idle_timeout(IDLE)
            .build()?;
        Ok(Self { client, base, token: token.to_owned() })
    }

    /// A question.
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    /// A change.
    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    /// A rule.
    pub(crate) fn put(&self, path: &str) -> RequestBuilder {
        self.client.put(format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    /// Sends what `make` builds until the door decides, at most until `deadline`: what it answers with 503, and what
    /// breaks off, is sent again. Only for what may be sent twice.
    ///
    /// # Errors
    /// [`DoorError`]; 422 and 409 are answers and come back as such.
    pub(crate) async fn insist(
        &self,
        deadline: Instant,
        mut make: impl FnMut() -> anyhow::Result<RequestBuilder>,
    ) -> Result<Response, DoorError> {
        let mut pause = FIRST_PAUSE;
        loop {
            let (reason, wanted) = match make().map_err(DoorError::Local)?.send().await {
                Ok(response) if !is_passing(response.status()) => return Ok(response),
                Ok(response) => {
                    let wanted = retry_after(&response);
                    (anyhow::Error::new(refused(response).await), wanted)
                }
                Err(error) => (error.into(), None),
            };
            let wait = wanted.unwrap_or(pause);
            if Instant::now() + wait > deadline {
                return Err(DoorError::Unreachable(reason));
            }
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One question, sent again until `within` has passed; its JSON.
    ///
    /// # Errors
    /// [`DoorError`].
    pub(crate) async fn json(
        &self,
        within: Duration,
        make: impl FnMut() -> anyhow::Result<RequestBuilder>,
    ) -> Result<Value, DoorError> {
        let response = accepted(self.insist(Instant::now() + within, make).await?).await?;
        response.json().await.map_err(|e| DoorError::Unreachable(e.into()))
    }
}

/// Statuses that another try can change.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 502 | 503 | 504)
}

fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    value.parse().ok().map(Duration::from_secs)
}

/// The response if it is a yes.
///
/// # Errors
/// What the door said instead.
pub(crate) async fn accepted(response: Response) -> Result<Response, DoorError> {
    if response.status().is_success() { Ok(response) } else { Err(refused(response).await) }
}

/// What the door said instead of yes; a text that is not ours counts as its message.
pub(crate) async fn refused(response: Response) -> DoorError {
    let status = response.status();
    let text = response.text().await.unwrap_or_default();
    let refused = serde_json::from_str(&text).unwrap_or_else(|_| Refused {
        code: "door.foreign_answer".into(),
        message: "门户的回答无法识别".into(),
        message_en: text.chars().take(200).collect(),
        ..Refused::default()
    });
    DoorError::Refused(status, Box::new(refused))
}
