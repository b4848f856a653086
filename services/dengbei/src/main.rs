//! The dengbei binary: roles, `up`, the command line. Grammar in `cli`, work in `up` and `commands`.

mod bench;
mod cli;
mod commands;
mod export;
mod fsck;
mod keys;
mod roles;
mod sample;
mod schemes;
mod up;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

/// A fifth of the CPU went into malloc, and glibc's arenas kept what they had once held: docs/performance.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    // A reader (读者进程) takes on its limits before it has threads or anything open.
    let done = if matches!(command, Command::Worker) {
        dengbei_worker::serve().map(|()| true).map_err(anyhow::Error::from)
    } else {
        command_in_runtime(command)
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn command_in_runtime(command: Command) -> anyhow::Result<bool> {
    dengbei_kit::install_tls();
    dengbei_worker::offer_this_program();
    perform(command).await
}

/// `Ok(false)`: it was done, and the answer is no (a check that failed, an item that did not get where it should).
async fn perform(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Bench(bench) => bench::run(&bench).await.map(|()| true),
        Command::ExportOcfl(args) => export::run(args).await.map(|()| true),
        Command::Fsck(args) => fsck::run(&args).await,
        Command::Sample(args) => sample::run(&args).map(|()| true),
        Command::Serve(args) => commands::serve::run(args).await,
        Command::Init(args) => commands::init::run(&args).map(|()| true),
        Command::Migrate(args) => commands::migrate::run(&args).await.map(|()| true),
        Command::Keys(args) => keys::run(args),
        Command::Up(options) => up::run(options).await.map(|()| true),
        Command::Verify(args) => verify::run(&args),
        Command::Submit(args) => commands::submit::run(args).await,
        Command::Matter(args) => commands::matter::run(args).await,
        Command::Item(args) => commands::item::run(args).await,
        Command::Receipt(args) => commands::item::receipt(args).await,
        Command::DeadLetters(args) => commands::dead_letters::run(args).await,
        Command::Health(args) => commands::health::run(&args).await,
        Command::Check(args) => commands::check::run(&args),
        Command::Scheme(command) => commands::scheme::run(&command),
        Command::Validate(args) => commands::validate::run(&args),
        Command::Inspect(args) => commands::inspect::run(&args),
        Command::Digest(args) => commands::digest::run(&args),
        Command::Worker => anyhow::bail!("a reader is started before everything else"),
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
