//! `dengbei health [URL]`: asks one URL and says how it answered, for health checks of engines whose images have no
//! shell and no curl. Not the door's own `/health`, which this may be pointed at.

use std::time::Duration;

use anyhow::Context as _;

/// Below what engines give a check.
const ANSWER: Duration = Duration::from_secs(5);
/// More than any of our answers; what else answers is cut.
const MOST: usize = 16 * 1024;

/// Ask a role whether it is well; exit 0 only if it says so / 询问一个角色是否正常
#[derive(Debug, clap::Args)]
pub(crate) struct HealthArgs {
    /// `http://HOST:PORT/alive` (it runs), `/ready` (it can be called), `/health` (and all it leans on) / 地址
    #[arg(env = "DENGBEI_HEALTH", value_name = "URL")]
    url: String,
}

/// Prints the answer. `Ok(false)`: it answered, and not with success.
///
/// # Errors
/// When there is no answer within 5 s.
pub(crate) async fn run(args: &HealthArgs) -> anyhow::Result<bool> {
    let asked = async {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let answer = client.get(&args.url).send().await?;
        let is_well = answer.status().is_success();
        let mut body = answer.bytes().await?;
        body.truncate(MOST);
        anyhow::Ok((is_well, body))
    };
    let answered = tokio::time::timeout(ANSWER, asked).await.map_err(anyhow::Error::from).flatten();
    let (is_well, body) = answered.with_context(|| format!("无应答 / no answer: {}", args.url))?;
    super::say(String::from_utf8_lossy(&body).trim())?;
    Ok(is_well)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request with a status line and a body.
    async fn answering(status: &'static str) -> HealthArgs {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/alive", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await.unwrap();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        HealthArgs { url }
    }

    #[tokio::test]
    async fn success_is_yes_and_anything_else_is_no() {
        dengbei_kit::install_tls();
        assert!(run(&answering("200 OK").await).await.unwrap());
        assert!(!run(&answering("503 Service Unavailable").await).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_there_is_an_error_that_names_the_url() {
        dengbei_kit::install_tls();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/alive", listener.local_addr().unwrap());
        drop(listener);
        let error = run(&HealthArgs { url: url.clone() }).await.unwrap_err();
        assert!(error.to_string().contains(&url), "{error:#}");
    }
}
