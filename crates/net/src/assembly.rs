//! Frames out of chunks. What is announced too long is refused at once; memory grows with what really came.

use crate::chunk::{Violation, Way, WHOLE_BYTES_MAX};

/// A frame, complete.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    pub way: Way,
    pub bytes: Vec<u8>,
}

/// The large frame that is under way on one connection, if one is.
pub struct Assembly {
    frame_bytes_max: usize,
    open: Option<(Frame, usize)>,
}

impl Assembly {
    pub fn new(frame_bytes_max: usize) -> Self {
        Self {
            frame_bytes_max,
            open: None,
        }
    }

    pub fn whole(&self, way: Way, bytes: &[u8]) -> Result<Frame, Violation> {
        if bytes.len() > self.frame_bytes_max {
            return Err(Violation::FrameLength(bytes.len()));
        }
        let bytes = bytes.to_vec();
        Ok(Frame { way, bytes })
    }

    pub fn begin(&mut self, way: Way, total: u32) -> Result<(), Violation> {
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        if total > self.frame_bytes_max || total <= WHOLE_BYTES_MAX {
            return Err(Violation::FrameLength(total));
        }
        if self.open.is_some() {
            return Err(Violation::TwoLarge);
        }
        let bytes = Vec::new();
        self.open = Some((Frame { way, bytes }, total));
        Ok(())
    }

    /// Takes the next bytes; the frame, once it is complete.
    pub fn piece(&mut self, piece: &[u8]) -> Result<Option<Frame>, Violation> {
        let (mut frame, total) = self.open.take().ok_or(Violation::StrayPiece)?;
        if piece.is_empty() || piece.len() > total - frame.bytes.len() {
            return Err(Violation::StrayPiece);
        }
        frame.bytes.extend(piece);
        if frame.bytes.len() == total {
            return Ok(Some(frame));
        }
        self.open = Some((frame, total));
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTAL: u32 = 40_000;

    #[test]
    fn pieces_become_one_frame() {
        let mut assembly = Assembly::new(50_000);
        assembly.begin(Way::Own, TOTAL).unwrap();
        assert_eq!(assembly.piece(&[1; 30_000]), Ok(None));
        let frame = assembly.piece(&[1; 10_000]).unwrap().unwrap();
        assert_eq!(frame.bytes, [1; 40_000]);
        assert_eq!(assembly.piece(&[1]), Err(Violation::StrayPiece));
    }

    #[test]
    fn an_announcement_allocates_nothing() {
        let mut assembly = Assembly::new(usize::MAX);
        assembly.begin(Way::Own, u32::MAX).unwrap();
        let (frame, _) = assembly.open.as_ref().unwrap();
        assert_eq!(frame.bytes.capacity(), 0);
        assembly.piece(&[0; 1000]).unwrap();
        let (frame, _) = assembly.open.as_ref().unwrap();
        assert!(frame.bytes.capacity() < 4096);
    }

    #[test]
    fn too_long_too_short_two_at_once_and_empty_pieces_are_refused() {
        let mut assembly = Assembly::new(50_000);
        let long = assembly.begin(Way::Own, 50_001);
        assert_eq!(long, Err(Violation::FrameLength(50_001)));
        let short = assembly.begin(Way::Own, 16_378);
        assert_eq!(short, Err(Violation::FrameLength(16_378)));
        assert!(Assembly::new(10).whole(Way::Own, &[0; 11]).is_err());
        assembly.begin(Way::Own, TOTAL).unwrap();
        assert_eq!(assembly.begin(Way::Own, TOTAL), Err(Violation::TwoLarge));
        assert_eq!(assembly.piece(&[]), Err(Violation::StrayPiece));
    }
}
