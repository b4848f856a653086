//! 读者进程: outside files are read in processes that can be killed, so that no file hangs a service or takes it down.
//!
//! A [`Pool`] keeps a few processes of the same program (`dengbei worker`, hidden) warm and hands them files, one at a
//! time each, with a deadline by size. One that is late, dies or has grown is killed and replaced; of its file it is said
//! that the reader was stopped, which no check takes for a pass, and the package goes on. Files of simple formats and
//! little size are read in the serving process ([`Collected::is_simple`](dengbei_formats::content::Collected::is_simple)).
//!
//! What it is not: it reads nothing itself (`formats` does) and judges nothing (`checks` does). Both ends block; whoever
//! examines packages does so on a blocking thread anyway.
//!
//! * `pool`: who is idle, who is out, who is too old; `child`: one process, seen from the service
//! * `job`: how a file and its inspection travel; `serve`: the process's own end; `limits`: what it may not do

mod child;
mod job;
mod limits;
mod measured;
mod pool;
mod serve;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use dengbei_formats::content::{Here, Readers};

pub use child::Program;
pub use pool::{Pool, Terms};
pub use serve::{serve, serve_by};

/// The hidden command that makes a process of this program a reader.
pub const COMMAND: &str = "worker";

static PROGRAM: OnceLock<Program> = OnceLock::new();

/// Says that this very program serves when it is started with [`COMMAND`]. Its binary calls this once, before any role
/// begins; whoever does not, as tests of services do, reads everything in its own process.
pub fn offer_this_program() {
    // Whatever replaces the file on disk: this is the program that runs.
    let path = PathBuf::from("/proc/self/exe");
    let _ = PROGRAM.set(Program { path, args: vec![COMMAND.into()] });
}

/// The readers of a service: processes that can be killed where this program offers them, else this process, which is
/// warned of once and measured.
pub fn readers(service: &'static str) -> Arc<dyn Readers> {
    measured::describe(service, PROGRAM.get().is_some());
    match PROGRAM.get() {
        Some(program) => {
            let pool = Pool::new(service, program.clone(), Terms::default());
            pool.warm();
            Arc::new(pool)
        }
        None => {
            tracing::warn!(
                service,
                "没有独立的读者进程，文件在服务进程内读取 / files are read in the serving process"
            );
            Arc::new(Here)
        }
    }
}
