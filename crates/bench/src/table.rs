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
        out
    }

    /// A bar for each row: its ratio, with a mark at the goal. On a logarithmic scale, for ratios differ by a thousand.
    pub fn svg(&self) -> String {
        const LEFT: f64 = 400.0;
        const PER_DECADE: f64 = 140.0;
        let place = |ratio: f64| LEFT + PER_DECADE * (ratio.max(1e-3).log10() + 3.0);
        let height = 24 * self.rows.len() + 40;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1000\" height=\"{height}\" \
             font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <text x=\"8\" y=\"20\">CPU time as a fraction of the yardstick; \
             the mark is the goal, the right edge of the scale is 1</text>\n"
        );
        for (row, place_y) in self.rows.iter().zip((1u32..).map(|line| 12 + 24 * line)) {
            let colour = match row.met {
                Some(true) => "#2a7f4f",
                Some(false) => "#b4552d",
                None => "#777777",
            };
            let (end, goal) = (place(row.ratio), place(row.goal.unwrap_or(1.0)));
            let _ = writeln!(
                out,
                "<text x=\"8\" y=\"{}\">{} / {}</text>\
                 <rect x=\"{LEFT}\" y=\"{place_y}\" width=\"{:.1}\" height=\"16\" \
                 fill=\"{colour}\"/>\
                 <rect x=\"{goal:.1}\" y=\"{place_y}\" width=\"2\" height=\"16\"/>\
                 <text x=\"{:.1}\" y=\"{}\">{:.3}</text>",
                place_y + 13,
                row.what,
                row.beside,
                end - LEFT,
                end.max(goal) + 6.0,
                place_y + 13,
                row.ratio,
            );
        }
        out + "</svg>\n"
    }
}
