//! Compiles dengbei/v1/*.proto in pure Rust (protox): no protoc on the machine.

use std::path::PathBuf;

use prost::Message as _;

const FILES: [&str; 10] = [
    "events",
    "register",
    "ingest",
    "registration",
    "query",
    "operations",
    "site",
    "replication",
    "fixity",
    "quality",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=dengbei");
    let files = FILES.map(|name| format!("dengbei/v1/{name}.proto"));
    let descriptors = protox::compile(files, ["."])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("dengbei_v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().bytes(".").compile_fds(descriptors)?;
    Ok(())
}
