//! One line that tells what is waited for, where somebody looks; nothing for a program.

use std::time::Duration;

use hardfrost_spend::printable;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::{cut, error_columns};

/// What stands around the words: indent, spinner, and the time.
const AROUND: usize = 18;

/// The line. It goes when this is dropped.
pub struct Watching {
    bar: ProgressBar,
}

impl Watching {
    /// A line on standard error, if that is a terminal and nobody wants quiet.
    pub fn new(quiet: bool) -> Self {
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("   {spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar }
    }

    /// What is waited for now.
    pub fn says(&self, what: &str) {
        // Names come from others, and a line that wraps is not cleared.
        let room = error_columns().map(|columns| columns.saturating_sub(AROUND));
        let what = printable(what);
        self.bar
            .set_message(room.map_or_else(|| what.clone(), |room| cut(&what, room)));
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
