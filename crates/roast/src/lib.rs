//! A signing session: attempts over the whole group, of which the first t that answer sign.
//!
//! Pure machines: time and the engine's answers come in, frames and questions go out.

mod attempt;
mod collector;
mod intake;
mod package;
mod session;
mod terms;

pub use attempt::{Answer, Attempt, AttemptReport, Effect, Need, Speaker};
pub use collector::{Collector, Recorded};
pub use intake::{intake, Dropped};
pub use package::{check_package, PackageFault, Turn};
pub use session::{Outcome, Session, SessionEffect};
pub use terms::Terms;
