//! Why a spend is refused. Every refusal leaves everything as it was.

use bitcoin::{Amount, OutPoint, Txid};

/// A PSBT that is not signed, or signatures that do not complete it. Indexes count inputs or outputs from 0.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpendError {
    /// More inputs than [`crate::INPUTS_MAX`].
    #[error("the transaction has {0} inputs, at most {max} are signed", max = crate::INPUTS_MAX)]
    TooManyInputs(usize),
    /// More outputs than [`crate::OUTPUTS_MAX`].
    #[error("the transaction has {0} outputs, at most {max} are signed", max = crate::OUTPUTS_MAX)]
    TooManyOutputs(usize),
    /// Nothing is spent.
    #[error("the transaction has no inputs")]
    NoInputs,
    /// An input that no signature of a group spends.
    #[error("input {0}: the output that it spends is not taproot")]
    NotTaproot(usize),
    /// The whole amount would go to the miner.
    #[error("the transaction has no outputs")]
    NoOutputs,
    /// Two inputs spend one output.
    #[error("two inputs spend {0}")]
    DuplicateInput(OutPoint),
    /// BIP 341 signs the amounts and scripts of all inputs; this one's are not given.
    #[error("input {0}: the previous output is missing; every input needs one")]
    MissingPrevout(usize),
    /// The previous transaction is another than the one the input spends.
    #[error("input {index}: the previous transaction given is {given}, not the one it spends")]
    WrongPreviousTransaction {
        /// Which input.
        index: usize,
        /// The txid of what was given.
        given: Txid,
    },
    /// The previous transaction has no such output.
    #[error("input {0}: the previous transaction has no output of that number")]
    NoSuchPrevout(usize),
    /// witness_utxo and non_witness_utxo disagree.
    #[error("input {0}: the witness output given differs from the previous transaction's")]
    PrevoutsDiffer(usize),
    /// Amounts that no transaction can have: above 21 million bitcoin, alone or in sum.
    #[error("the amounts exceed 21 million bitcoin")]
    AmountOutOfRange,
    /// The outputs exceed the inputs.
    #[error("the outputs ({outputs}) exceed the inputs ({inputs})")]
    NegativeFee {
        /// Sum of the inputs.
        inputs: Amount,
        /// Sum of the outputs.
        outputs: Amount,
    },
    /// Stable reason code `sighash_type_not_allowed`.
    #[error("input {index}: sighash type {sighash_type:#x} is not allowed, only the default is")]
    SighashTypeNotAllowed {
        /// Which input.
        index: usize,
        /// The PSBT's field.
        sighash_type: u32,
    },
    /// An input of ours carries a signature that is not ours for this transaction.
    #[error("input {0}: it is ours and carries a signature that is false for this transaction")]
    FalseSignature(usize),
    /// No input is ours.
    #[error("no input of the transaction spends from this key group")]
    NothingOfOurs,
    /// Every input of ours is signed.
    #[error("every input of ours is signed already")]
    NothingToSign,
    /// Signatures were given for another PSBT than the plan's.
    #[error("the plan was made for another PSBT")]
    OtherPsbt,
    /// Signatures that are missing, false, or for inputs that the plan does not sign. Ascending.
    #[error("{}", unfit(missing, invalid, idle))]
    Signatures {
        /// Inputs of ours without a signature.
        missing: Vec<usize>,
        /// Inputs of ours with a signature that does not verify under the output key.
        invalid: Vec<usize>,
        /// Signatures for inputs that are not to be signed.
        idle: Vec<usize>,
    },
    /// Inputs that nobody has signed yet. Ascending.
    #[error("{} not signed yet", inputs_are(.0))]
    NotFinal(Vec<usize>),
}

fn inputs(all: &[usize]) -> String {
    let numbers: Vec<String> = all.iter().map(usize::to_string).collect();
    match numbers.as_slice() {
        [only] => format!("input {only}"),
        _ => format!("inputs {}", numbers.join(", ")),
    }
}

fn inputs_are(all: &[usize]) -> String {
    let verb = if all.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", inputs(all))
}

fn unfit(missing: &[usize], invalid: &[usize], idle: &[usize]) -> String {
    let what = [
        ("missing", missing),
        ("false", invalid),
        ("not wanted", idle),
    ];
    let any = what.into_iter().filter(|(_, which)| !which.is_empty());
    let said: Vec<String> = any
        .map(|(what, which)| format!("{what} for {}", inputs(which)))
        .collect();
    format!("signatures are {}", said.join(", "))
}

impl SpendError {
    /// Whether this is the policy refusal `sighash_type_not_allowed`.
    #[must_use]
    pub fn is_sighash_type(&self) -> bool {
        matches!(self, Self::SighashTypeNotAllowed { .. })
    }
}
