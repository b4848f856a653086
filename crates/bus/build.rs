//! A new migration file rebuilds the crate.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
