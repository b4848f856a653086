//! Points at which a test may kill the process. Without the feature `faults` they are nothing.
//!
//! The file named by `DENGBEI_FAULTS` lists armed points, one name a line. A point that is reached while armed is
//! taken off the list and the process aborts, as if by kill -9: no destructor, no drain.

/// Says that execution came to the point `name`: `<service or crate>.<what was just done>`.
#[cfg(not(feature = "faults"))]
#[inline]
pub fn reach(_name: &'static str) {}

/// Says that execution came to the point `name`: `<service or crate>.<what was just done>`.
#[cfg(feature = "faults")]
pub fn reach(name: &'static str) {
    let Some(path) = std::env::var_os("DENGBEI_FAULTS") else { return };
    if take(std::path::Path::new(&path), name) {
        tracing::error!(name, "armed fault point reached: aborting");
        std::process::abort();
    }
}

/// Takes `name` off the list; true when it stood there.
#[cfg(feature = "faults")]
fn take(path: &std::path::Path, name: &str) -> bool {
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Ok(armed) = std::fs::read_to_string(path) else { return false };
    let mut found = false;
    let kept: Vec<&str> = armed
        .lines()
        .filter(|line| {
            let hit = !found && line.trim() == name;
            found |= hit;
            !hit
        })
        .collect();
    // Consumed before it fires: else the restarted process would die for ever.
    found && std::fs::write(path, kept.join("\n") + "\n").is_ok()
}

#[cfg(all(test, feature = "faults"))]
mod tests {
    #[test]
    fn an_armed_point_fires_once() {
        let path = std::env::temp_dir().join(format!("faults-{}", std::process::id()));
        std::fs::write(&path, "a.b\nc.d\na.b\n").unwrap();
        assert!(!super::take(&path, "x.y"));
        assert!(super::take(&path, "a.b"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "c.d\na.b\n");
        std::fs::remove_file(path).unwrap();
    }
}
