//! One line that tells what is waited for, where somebody looks; nothing for a program.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

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
        self.bar.set_message(what.to_owned());
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
