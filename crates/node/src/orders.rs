//! What the operator asked for and has not been answered yet.

use std::collections::BTreeMap;

use hardfrost_api::local::{Answer, ApprovalView, InputView, Problem};
use hardfrost_dkg::CeremonyFault;
use hardfrost_engine::{Approval, Rejection};
use hardfrost_primitives::RequestId;

/// An order's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderId(u64);

/// An approval that every seat of ours must have given.
struct Approving {
    request: RequestId,
    seats: usize,
    approval: Option<Approval>,
    answer: Answer<ApprovalView>,
}

/// Orders under way.
#[derive(Default)]
pub struct Orders {
    next: u64,
    approving: BTreeMap<OrderId, Approving>,
    /// Why the key generation that was just ordered does not begin.
    failure: Option<(OrderId, String)>,
}

impl Orders {
    fn number(&mut self) -> OrderId {
        self.next += 1;
        OrderId(self.next)
    }

    /// A key generation is ordered: whether it begins is known at once.
    pub fn make_key(&mut self) -> OrderId {
        self.number()
    }

    /// Why it did not begin, if it did not.
    pub fn failure(&mut self, order: OrderId) -> Option<String> {
        let failed = self.failure.take_if(|(id, _)| *id == order);
        failed.map(|(_, why)| why)
    }

    /// An approval is ordered of so many seats.
    pub fn approve(
        &mut self,
        request: RequestId,
        seats: usize,
        answer: Answer<ApprovalView>,
    ) -> OrderId {
        let id = self.number();
        let approving = Approving {
            request,
            seats,
            approval: None,
            answer,
        };
        self.approving.insert(id, approving);
        id
    }

    /// The name of the request behind an order.
    #[must_use]
    pub fn request(&self, order: Option<OrderId>) -> Option<RequestId> {
        let approving = self.approving.get(&order?)?;
        Some(approving.request.clone())
    }

    /// A seat has approved; the last one's word is the answer.
    pub fn approved(&mut self, order: Option<OrderId>, approval: Approval) {
        let Some(id) = order else { return };
        let Some(approving) = self.approving.get_mut(&id) else {
            return;
        };
        approving.approval = Some(approval);
        approving.seats = approving.seats.saturating_sub(1);
        if approving.seats > 0 {
            return;
        }
        if let Some(done) = self.approving.remove(&id) {
            let view = done.approval.as_ref().map(|it| view(it, &done.request));
            let answer = view.ok_or_else(|| Problem::unavailable("no seat approved"));
            // Who asked may have gone; the approval stands.
            let _gone = done.answer.send(answer);
        }
    }

    /// A seat's engine refused.
    pub fn refused(&mut self, order: Option<OrderId>, rejection: &Rejection) {
        let refused = order.and_then(|id| self.approving.remove(&id));
        if let Some(refused) = refused {
            let code = rejection.code().as_str();
            let problem = Problem::refused(code, rejection.to_string());
            // Who asked may have gone.
            let _gone = refused.answer.send(Err(problem));
        }
    }

    /// A key generation failed; if it was ordered just now, it did not begin.
    pub fn failed(&mut self, order: Option<OrderId>, fault: &CeremonyFault) {
        if let Some(id) = order {
            self.failure = Some((id, fault.to_string()));
        }
    }
}

fn view(approval: &Approval, request: &RequestId) -> ApprovalView {
    let input = |input: &hardfrost_engine::ApprovedInput| InputView {
        index: input.index,
        message: input.message.to_string(),
        key_spec: input.key_spec.to_string(),
        session: input.session.to_string(),
    };
    ApprovalView {
        key_group: approval.key_group.to_string(),
        request: request.to_string(),
        psbt_hash: approval.artifact.to_string(),
        expires: approval.expires.0,
        inputs: approval.inputs.iter().map(input).collect(),
    }
}
