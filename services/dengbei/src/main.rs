//! The dengbei binary: roles, `up`, the command line. Grammar in `cli`, work in `up` and `commands`.

mod cli;
mod commands;
mod roles;
mod sample;
mod up;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

#[tokio::main]
async fn main() -> ExitCode {
    dengbei_kit::install_tls();
    let done = match Cli::parse().command {
        Command::Sample(args) => sample::run(&args),
        Command::Serve(args) => commands::serve::run(args).await,
        Command::Up(options) => up::run(options).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// The whole chain of causes, once, and what to do about it.
#[allow(clippy::print_stderr, reason = "the command line speaks to its user")]
fn complain(error: &anyhow::Error) {
    eprintln!("错误 / error: {error:#}");
    if let Some(up::UpError::Refused(problem)) = error.downcast_ref()
        && !problem.remedy.is_empty()
    {
        eprintln!("  → {}", problem.remedy);
    }
}
