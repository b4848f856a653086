//! What the demonstration shows on a terminal: one bar at a time; elsewhere nothing but the end.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that goes away by itself.
pub(super) struct Show(ProgressBar);

impl Show {
    /// A bar over so many items.
    pub(super) fn of(what: &'static str, items: usize) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let style =
            ProgressStyle::with_template("  演示数据 demo  {bar:40} {pos}/{len} 件  {msg}  {elapsed}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::new(items as u64).with_style(style).with_message(what))
    }

    /// So many more.
    pub(super) fn advance(&self, items: usize) {
        self.0.inc(items as u64);
    }

    /// So many in all.
    pub(super) fn at(&self, items: usize) {
        self.0.set_position(items as u64);
    }
}

impl Drop for Show {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[allow(clippy::print_stdout, reason = "the command line speaks to its user")]
pub(super) fn say(text: &str) {
    println!("{text}");
}
