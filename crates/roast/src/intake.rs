//! The first steps every frame takes, in this order: size, head, seat, signature. What fails here is noise: it is
//! dropped and counted, and retained nowhere.

use hardfrost_wire::{Frame, FrameError, FromPeer, Roster, Sizes, Verified};

/// Noise, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("dropped: {0}")]
pub struct Dropped(pub FrameError);

/// Reads a frame that a peer handed over and proves that its author signed these very bytes. Author, sender and
/// relayer may differ: who handed it over decides nothing, the signature does. `None` for bytes that are `known`, hence
/// proven before.
///
/// # Errors
/// [`Dropped`].
pub fn intake(
    bytes: FromPeer<Vec<u8>>,
    sizes: Sizes,
    roster: &Roster,
    known: impl FnOnce(&Frame) -> bool,
) -> Result<Option<Verified<Frame>>, Dropped> {
    let frame = Frame::parse(bytes.into_value(), sizes).map_err(Dropped)?;
    if known(&frame) {
        return Ok(None);
    }
    frame.verify(roster).map(Some).map_err(Dropped)
}
