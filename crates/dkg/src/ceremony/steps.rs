//! From what is on the board to what is asked of the engine next.

use std::collections::BTreeMap;
use std::sync::Arc;

use hardfrost_frost::dkg::Round1;
use hardfrost_primitives::Member;
use hardfrost_wire::{EchoPayload, Kind, OperatorKey, Round1Payload, Round2Payload};

use super::{Ceremony, Effect, Need, Step};
use crate::certificate::Certificate;
use crate::fault::CeremonyFault;

impl Ceremony {
    /// Goes as far as the board allows.
    pub(super) fn advance(&mut self, key: &OperatorKey) -> Vec<Effect> {
        let next = match self.step {
            Step::Contributions => match self.board.bodies(Kind::DkgRound1) {
                Some(bodies) => return self.say(key, &EchoPayload { bodies }, Step::Echoes),
                None => None,
            },
            Step::Echoes => self.after_echoes(),
            Step::SealedShares => self.after_sealed(),
            Step::Confirmations | Step::Pending => self.after_confirmations(),
            Step::OwnEngine | Step::Over => None,
        };
        match next {
            None => Vec::new(),
            Some(Ok(need)) => {
                self.step = Step::OwnEngine;
                vec![Effect::Ask(need)]
            }
            Some(Err(fault)) => self.fail(fault),
        }
    }

    /// Sealing begins only after n equal echoes.
    fn after_echoes(&self) -> Option<Result<Need, CeremonyFault>> {
        let bodies = self.board.bodies(Kind::DkgRound1)?;
        let echoes = match self.board.payloads::<EchoPayload>()? {
            Ok(echoes) => echoes,
            Err(fault) => return Some(Err(fault)),
        };
        for (echoer, echo) in echoes {
            if echo.bodies.len() != bodies.len() {
                return Some(Err(CeremonyFault::Malformed(echoer)));
            }
            let pairs = Member::all(self.descriptor.count).zip(echo.bodies.iter().zip(&bodies));
            for (dealer, (theirs, ours)) in pairs {
                if theirs != ours {
                    return Some(Err(CeremonyFault::EchoDiffers { echoer, dealer }));
                }
            }
        }
        let contributions = self.board.payloads::<Round1Payload>()?;
        Some(contributions.map(|all| {
            Need::Seal {
                transcript: self.descriptor.transcript(&bodies),
                others: all
                    .into_iter()
                    .filter(|(m, _)| *m != self.member)
                    .map(|(m, payload)| (m, shown(payload)))
                    .collect(),
            }
        }))
    }

    /// Each body holds n − 1 ciphertexts by ascending recipient; ours stands where we stand among the others.
    fn after_sealed(&self) -> Option<Result<Need, CeremonyFault>> {
        let bodies = self.board.bodies(Kind::DkgRound1)?;
        let all = match self.board.payloads::<Round2Payload>()? {
            Ok(all) => all,
            Err(fault) => return Some(Err(fault)),
        };
        let mut sealed = BTreeMap::new();
        for (sender, payload) in all.into_iter().filter(|(m, _)| *m != self.member) {
            let mut recipients = Member::all(self.descriptor.count).filter(|m| *m != sender);
            let others = usize::from(self.descriptor.count) - 1;
            let ours = recipients.position(|m| m == self.member);
            match ours.and_then(|place| payload.sealed.get(place)) {
                Some(share) if payload.sealed.len() == others => {
                    sealed.insert(sender, *share);
                }
                Some(_) | None => return Some(Err(CeremonyFault::Malformed(sender))),
            }
        }
        Some(Ok(Need::Open {
            transcript: self.descriptor.transcript(&bodies),
            sealed,
        }))
    }

    /// All confirmations on the board say what ours says: others were not taken.
    fn after_confirmations(&mut self) -> Option<Result<Need, CeremonyFault>> {
        let group = Arc::clone(self.group.as_ref()?);
        let frames = self.board.all(Kind::DkgConfirm)?;
        let frames = frames
            .into_iter()
            .map(|frame| frame.as_bytes().to_vec())
            .collect();
        let certificate = Certificate::new(self.descriptor.clone(), &group, frames);
        let need = Need::Install {
            certificate: certificate.hash(),
        };
        self.certificate = Some(Box::new(certificate));
        Some(Ok(need))
    }
}

pub(super) fn contribution(shown: Round1) -> Round1Payload {
    let Round1 {
        commitment,
        proof_of_knowledge,
        ephemeral,
        possession,
    } = shown;
    Round1Payload {
        commitment,
        proof_of_knowledge,
        ephemeral,
        possession,
    }
}

fn shown(payload: Round1Payload) -> Round1 {
    let Round1Payload {
        commitment,
        proof_of_knowledge,
        ephemeral,
        possession,
    } = payload;
    Round1 {
        commitment,
        proof_of_knowledge,
        ephemeral,
        possession,
    }
}
