//! The console before roles that hold a believable county, for whoever works on its pages:
//! `cargo run -p dengbei-gateway --example console -- 127.0.0.1:8090`, then enter with the token `geheim`.

#![allow(clippy::unwrap_used, reason = "for the desk of a developer")]

#[path = "../tests/life/mod.rs"]
mod life;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut config = life::start().await;
    config.http = Some(std::env::args().nth(1).as_deref().unwrap_or("127.0.0.1:8090").parse()?);
    dengbei_gateway::run(config, dengbei_kit::Drain::new()).await
}
