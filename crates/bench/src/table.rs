//! Rows, as people and as programs read them.

use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

/// One comparison. Times are µs of CPU of one participant.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What is done.
    pub what: String,
    /// Ours, µs.
    pub ours: f64,
    /// Who else does it, or what it is compared with.
    pub beside: &'static str,
    /// Theirs, µs.
    pub yardstick: f64,
    /// ours / yardstick
    pub ratio: f64,
    /// What the ratio should not exceed, where there is a goal.
    pub goal: Option<f64>,
    /// Whether it does not.
    pub met: Option<bool>,
    /// Why it does, as measured in this run, and what would be tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// All rows of a run.
#[derive(Serialize)]
pub struct Table {
    /// The rows.
    pub rows: Vec<Row>,
}

/// µs
pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

impl Row {
    /// `ours` beside `yardstick`, at most `goal` of it.
    pub fn new(
        what: impl Into<String>,
        (ours, yardstick): (Duration, Duration),
        (beside, goal): (&'static str, f64),
    ) -> Self {
        Self::of(what, (ours, yardstick), (beside, Some(goal)))
    }

    /// The same, where there may be no goal.
    pub fn of(
        what: impl Into<String>,
        (ours, yardstick): (Duration, Duration),
        (beside, goal): (&'static str, Option<f64>),
    ) -> Self {
        let (ours, yardstick) = (micros(ours), micros(yardstick));
        let ratio = ours / yardstick;
        Self {
            what: what.into(),
            ours,
            beside,
            yardstick,
            ratio,
            goal,
            met: goal.map(|goal| ratio <= goal),
            note: None,
        }
    }

    /// With what is to be said of a goal out of reach.
    pub fn noted(self, note: String) -> Self {
        let note = Some(note);
        Self { note, ..self }
    }
}

impl Table {
    /// The table as text, one row a line.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let head = ["what", "ours µs", "beside", "µs", "ratio", "goal", "met"];
        let [what, ours, beside, theirs, ratio, goal, met] = head;
        let _ = writeln!(
            out,
            "{what:<46} {ours:>10}  {beside:<16} {theirs:>10} {ratio:>7} {goal:>6}  {met}"
        );
        for row in &self.rows {
            let met = row.met.map_or("", |met| if met { "yes" } else { "no" });
            let goal = row.goal.map_or(String::new(), |goal| format!("{goal:.3}"));
            let _ = writeln!(
                out,
                "{:<46} {:>10.1}  {:<16} {:>10.1} {:>7.3} {goal:>6}  {met}",
                row.what, row.ours, row.beside, row.yardstick, row.ratio
            );
        }
        for row in &self.rows {
            if let Some(note) = &row.note {
                let _ = writeln!(out, "\n{}: {note}.", row.what);
            }
        }
        out
    }
}
