//! Reading a PSBT (BIP 174, version 0), binary or base64, within bounds.

use bitcoin::base64::prelude::{Engine as _, BASE64_STANDARD};
use bitcoin::psbt::{raw, Error};
use bitcoin::{Psbt, Transaction};
use hardfrost_primitives::Hash32;

use crate::words::printable;

/// Largest PSBT, in bytes of its binary form.
pub const PSBT_BYTES_MAX: usize = 4 << 20;
/// Largest base64 form: four characters for three bytes, and a line end every few dozen of them.
const TEXT_BYTES_MAX: usize = PSBT_BYTES_MAX / 2 * 3;
/// Longest text of the library that an error repeats, in characters.
const REASON_CHARS_MAX: usize = 200;
const MAGIC: &[u8] = b"psbt\xff";
/// Key types that BIP 370 keeps for version 2: of the global map, of inputs and of outputs.
const GLOBAL_V2: [u8; 5] = [0x02, 0x03, 0x04, 0x05, 0x06];
const INPUT_V2: [u8; 5] = [0x0e, 0x0f, 0x10, 0x11, 0x12];
const OUTPUT_V2: [u8; 2] = [0x03, 0x04];

/// A well-formed PSBT of version 0. Nothing of what it claims has been checked: that is [`crate::SpendPlan::new`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsignedPsbt {
    psbt: Psbt,
}

/// Bytes that are no PSBT we read. Nothing else is affected by them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PsbtError {
    /// More than [`PSBT_BYTES_MAX`].
    #[error("a PSBT has at most {PSBT_BYTES_MAX} bytes, these are {0}")]
    TooLarge(usize),
    /// Neither the magic bytes nor base64 text of them.
    #[error("this is not a PSBT: neither its magic bytes nor their base64 text come first")]
    NotAPsbt,
    /// Text that begins like a PSBT and is not base64.
    #[error("the text begins like a PSBT but is not base64")]
    Base64,
    /// Another version than 0.
    #[error("only PSBT version 0 is read, version 2 is not read yet: export it as version 0")]
    Version,
    /// A field of BIP 370 in a PSBT of version 0.
    #[error("a PSBT of version 0 holds a field of version 2 (BIP 370), key type {0:#04x}")]
    FieldOfVersion2(u8),
    /// Bytes after the last map.
    #[error("{0} bytes are left over after the PSBT")]
    LeftOver(usize),
    /// Not the format of BIP 174 or 371.
    #[error("the PSBT is malformed: {0}")]
    Malformed(String),
}

impl UnsignedPsbt {
    /// Reads the binary form, or base64 text with or without white space around and inside it.
    ///
    /// # Errors
    /// See [`PsbtError`]. Never panics, whatever the bytes; memory stays in proportion to their number.
    pub fn parse(bytes: &[u8]) -> Result<Self, PsbtError> {
        if bytes.starts_with(MAGIC) {
            return Self::from_binary(bytes);
        }
        if bytes.len() > TEXT_BYTES_MAX {
            return Err(PsbtError::TooLarge(bytes.len()));
        }
        let text = bytes.iter().copied().filter(|b| !b.is_ascii_whitespace());
        let text: Vec<u8> = text.collect();
        // "psbt" and half of the separator, as every base64 PSBT begins.
        if !text.starts_with(b"cHNidP") {
            return Err(PsbtError::NotAPsbt);
        }
        let binary = BASE64_STANDARD.decode(&text);
        Self::from_binary(&binary.map_err(|_| PsbtError::Base64)?)
    }

    fn from_binary(bytes: &[u8]) -> Result<Self, PsbtError> {
        if bytes.len() > PSBT_BYTES_MAX {
            return Err(PsbtError::TooLarge(bytes.len()));
        }
        let mut rest = bytes;
        let psbt = Psbt::deserialize_from_reader(&mut rest).map_err(malformed)?;
        if !rest.is_empty() {
            return Err(PsbtError::LeftOver(rest.len()));
        }
        refuse_fields_of_version_2(&psbt)?;
        Ok(Self { psbt })
    }

    pub(crate) fn from_psbt(psbt: Psbt) -> Self {
        Self { psbt }
    }

    pub(crate) fn psbt(&self) -> &Psbt {
        &self.psbt
    }

    pub(crate) fn into_psbt(self) -> Psbt {
        self.psbt
    }

    /// The transaction that is to be signed, without a signature.
    #[must_use]
    pub fn transaction(&self) -> &Transaction {
        &self.psbt.unsigned_tx
    }

    /// SHA-256 of the canonical binary form: keys in order, whatever order they came in.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        Hash32::of(&self.to_bytes())
    }

    /// The canonical binary form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.psbt.serialize()
    }

    /// The canonical form as base64 text, without a newline.
    #[must_use]
    pub fn to_base64(&self) -> String {
        BASE64_STANDARD.encode(self.to_bytes())
    }
}

/// BIP 370 forbids its fields in version 0; the library keeps them as unknown ones, and a wallet might act on them.
fn refuse_fields_of_version_2(psbt: &Psbt) -> Result<(), PsbtError> {
    refuse(psbt.unknown.keys(), &GLOBAL_V2)?;
    refuse(
        psbt.inputs.iter().flat_map(|input| input.unknown.keys()),
        &INPUT_V2,
    )?;
    refuse(
        psbt.outputs.iter().flat_map(|output| output.unknown.keys()),
        &OUTPUT_V2,
    )
}

fn refuse<'a>(
    mut keys: impl Iterator<Item = &'a raw::Key>,
    barred: &[u8],
) -> Result<(), PsbtError> {
    match keys.find(|key| barred.contains(&key.type_value)) {
        Some(key) => Err(PsbtError::FieldOfVersion2(key.type_value)),
        None => Ok(()),
    }
}

// The library's error type grows without notice, so one arm must take the rest.
fn malformed(error: Error) -> PsbtError {
    if matches!(error, Error::Version(_)) {
        return PsbtError::Version;
    }
    let reason: String = error.to_string().chars().take(REASON_CHARS_MAX).collect();
    PsbtError::Malformed(printable(&reason))
}
