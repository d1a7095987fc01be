//! The transaction, explained to the person who is to approve it.

use std::fmt;

use bitcoin::{Address, Amount, FeeRate, Network, Script};

use crate::SpendPlan;

/// Longest script or data shown, in characters; the rest is cut, visibly.
const SHOWN_CHARS_MAX: usize = 80;

/// Lines for people, without line ends or control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Which transaction.
    pub txid: String,
    /// One line per input: ours or not, amount, address.
    pub inputs: Vec<String>,
    /// One line per output: amount, address, spent or change.
    pub outputs: Vec<String>,
    /// What leaves the group, without the fee.
    pub spent: String,
    /// The fee and its rate.
    pub fee: String,
}

/// `text` with every control character, line or paragraph separator, invisible or direction-changing character as `?`:
/// what comes from outside must not move a cursor, colour a warning away or read backwards.
#[must_use]
pub fn printable(text: &str) -> String {
    let barred = |c: char| {
        let invisible = matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
        c.is_control() || invisible
    };
    text.chars()
        .map(|c| if barred(c) { '?' } else { c })
        .collect()
}

impl Explanation {
    /// Explains `plan`, with addresses as `network` writes them.
    #[must_use]
    pub fn new(plan: &SpendPlan, network: Network) -> Self {
        let inputs = plan.spends().iter().enumerate().map(|(index, spend)| {
            let whose = if spend.is_ours { "ours" } else { "not ours" };
            let from = place(&spend.script_pubkey, network);
            format!(
                "input {index}: {}, {whose}, from {from}",
                amount(spend.value)
            )
        });
        let outputs = plan.outputs().iter().enumerate().map(|(index, output)| {
            let role = if output.is_ours {
                "change, back to us"
            } else {
                "spent"
            };
            let to = place(&output.script_pubkey, network);
            format!("output {index}: {}, {role}, to {to}", amount(output.value))
        });
        let fee = format!("fee {}, {}", amount(plan.fee()), rate(plan.fee_rate()));
        Self {
            txid: format!("transaction {}", plan.txid()),
            inputs: inputs.collect(),
            outputs: outputs.collect(),
            spent: format!("spent {}", amount(plan.spent())),
            fee,
        }
    }

    /// All lines, in reading order.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        let ends = [self.spent.as_str(), self.fee.as_str()];
        let middle = self.inputs.iter().chain(&self.outputs).map(String::as_str);
        [self.txid.as_str()].into_iter().chain(middle).chain(ends)
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().try_for_each(|line| writeln!(f, "{line}"))
    }
}

fn amount(value: Amount) -> String {
    let sat = value.to_sat();
    format!("{}.{:08} BTC", sat / 100_000_000, sat % 100_000_000)
}

/// sat/vB to two places, rounded up: a vbyte is four weight units.
fn rate(rate: FeeRate) -> String {
    let hundredths = u128::from(rate.to_sat_per_kwu())
        .saturating_mul(2)
        .div_ceil(5);
    format!("{}.{:02} sat/vB", hundredths / 100, hundredths % 100)
}

/// The address, or what a script without one is.
fn place(script: &Script, network: Network) -> String {
    if let Ok(address) = Address::from_script(script, network) {
        return address.to_string();
    }
    if script.is_op_return() {
        let text = printable(&String::from_utf8_lossy(
            script.as_bytes().get(1..).unwrap_or(&[]),
        ));
        return format!("nobody: it only carries data, \"{}\"", cut(&text));
    }
    format!(
        "a script without an address, {}",
        cut(&script.to_hex_string())
    )
}

fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}
