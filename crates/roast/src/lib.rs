//! A signing session: attempts over the whole group, of which the first t that answer sign.
//!
//! Pure machines: time and the engine's answers come in, frames and questions go out.

mod attempt;
mod chosen;
mod collector;
mod convictions;
mod incarnations;
mod intake;
mod pulls;
mod question;
mod rounds;
mod session;
mod speaker;
mod terms;
mod timers;
mod turns;

pub use attempt::Attempt;
pub use collector::{Collector, Recorded};
pub use intake::{intake, Dropped};
pub use question::{Answer, AttemptReport, Effect, Need, Question, Refusal};
pub use session::{Outcome, Session, SessionEffect};
pub use speaker::Speaker;
pub use terms::Terms;
pub use timers::Timers;
pub use turns::Turns;
