//! An answer comes in parts; whoever asked gets it whole.

use hardfrost_engine::{
    Conviction, FinalizeSession, HeldKey, OpenApproval, OperatorWord, Status, Uncertified,
};
use tokio::sync::oneshot::Sender;

use super::message::{Answer, Ask};
use super::question::Question;

/// What has come of an answer.
pub(crate) enum Gathering {
    HeldKeys(Vec<HeldKey>, Sender<Vec<HeldKey>>),
    OperatorWords(Vec<OperatorWord>, Sender<Vec<OperatorWord>>),
    Convictions(Vec<Conviction>, Sender<Vec<Conviction>>),
    Status(Option<Status>, Sender<Status>),
    LeftBehind(Vec<FinalizeSession>, Sender<Vec<FinalizeSession>>),
    OpenApprovals(Vec<OpenApproval>, Sender<Vec<OpenApproval>>),
    Uncertified(Vec<Uncertified>, Sender<Vec<Uncertified>>),
}

impl Gathering {
    /// A question as it travels, and the place for its answer.
    pub(crate) fn of(question: Question) -> (Ask, Self) {
        match question {
            Question::HeldKeys(to) => (Ask::HeldKeys, Self::HeldKeys(Vec::new(), to)),
            Question::OperatorWords(to) => {
                (Ask::OperatorWords, Self::OperatorWords(Vec::new(), to))
            }
            Question::Convictions(to) => (Ask::Convictions, Self::Convictions(Vec::new(), to)),
            Question::Status(to) => (Ask::Status, Self::Status(None, to)),
            Question::LeftBehind(since, to) => {
                (Ask::LeftBehind(since), Self::LeftBehind(Vec::new(), to))
            }
            Question::OpenApprovals(to) => {
                (Ask::OpenApprovals, Self::OpenApprovals(Vec::new(), to))
            }
            Question::Uncertified(to) => (Ask::Uncertified, Self::Uncertified(Vec::new(), to)),
        }
    }

    /// Takes a part, unless it belongs to another question.
    pub(crate) fn part(&mut self, answer: Answer) -> Result<(), ()> {
        match (self, answer) {
            (Self::HeldKeys(all, _), Answer::HeldKeys(part)) => all.extend(part),
            (Self::OperatorWords(all, _), Answer::OperatorWords(part)) => all.extend(part),
            (Self::Convictions(all, _), Answer::Convictions(part)) => all.extend(part),
            (Self::Status(one, _), Answer::Status(part)) => *one = part.into_iter().last(),
            (Self::LeftBehind(all, _), Answer::LeftBehind(part)) => all.extend(part),
            (Self::OpenApprovals(all, _), Answer::OpenApprovals(part)) => all.extend(part),
            (Self::Uncertified(all, _), Answer::Uncertified(part)) => all.extend(part),
            _ => return Err(()),
        }
        Ok(())
    }

    /// Hands it over, unless it is none. Who asked may have gone.
    pub(crate) fn whole(self) -> Result<(), ()> {
        match self {
            Self::HeldKeys(all, to) => drop(to.send(all)),
            Self::OperatorWords(all, to) => drop(to.send(all)),
            Self::Convictions(all, to) => drop(to.send(all)),
            Self::Status(one, to) => drop(to.send(one.ok_or(())?)),
            Self::LeftBehind(all, to) => drop(to.send(all)),
            Self::OpenApprovals(all, to) => drop(to.send(all)),
            Self::Uncertified(all, to) => drop(to.send(all)),
        }
        Ok(())
    }
}
