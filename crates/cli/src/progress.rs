//! What a person sees while something takes longer than a blink.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Told about steps that all members take.
pub trait Progress: Sync {
    /// A step begins that `members` members take.
    fn step(&self, name: &str, members: usize) {
        self.reached(name, 0, members);
    }
    /// So many of the members are through with a step.
    fn reached(&self, name: &str, done: usize, members: usize);
    /// One member is through.
    fn member_done(&self);
}

/// Tells nobody.
pub struct Quiet;

impl Progress for Quiet {
    fn reached(&self, _: &str, _: usize, _: usize) {}
    fn member_done(&self) {}
}

/// A line on standard error, when that is a terminal. It leaves nothing behind.
pub struct Line {
    bar: ProgressBar,
}

impl Line {
    /// A line that begins with two spaces, as the story's lines do.
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = "   {spinner} {msg}  {pos} of {len} members  {elapsed}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar }
    }

    /// Removes the line.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Line {
    fn reached(&self, name: &str, done: usize, members: usize) {
        self.bar.set_length(members as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(name.to_owned());
    }

    fn member_done(&self) {
        self.bar.inc(1);
    }
}
