//! Whether SQLite's write-ahead log still holds all that was acknowledged in it.
//!
//! SQLite takes a log whose header does not verify for an empty one, reads up to the first frame that does not verify,
//! and calls both success: that is how it forgets a write that was cut off. A flipped bit looks the same to it, and
//! everything behind is forgotten as well, the sealed head too, so nothing else here would notice.
//!
//! Two facts tell the two apart. The header is synced before the first frame is written, and our log is emptied, never
//! begun again over old frames. And a transaction is written only after the one before it was synced: of all that
//! does not verify, at most the last transaction was not acknowledged.
//!
//! Format: <https://sqlite.org/fileformat2.html#walformat>.

const MAGIC: u32 = 0x377f_0682;
const VERSION: u32 = 3_007_000;
/// Bytes of the log's header.
pub(crate) const HEADER: usize = 32;
/// Bytes of a frame before its page.
const FRAME_HEADER: usize = 24;

/// Why a log is not all there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Its header does not verify, and something is behind it.
    Header,
    /// This frame, counted from 1, does not verify, and behind it is a transaction that was acknowledged.
    Frame(u64),
}

/// Both running sums of SQLite's checksum.
type Sums = [u32; 2];
/// Two numbers that all frames of a log repeat. The second one is random.
type Salts = [[u8; 4]; 2];

/// A log that is read frame by frame.
pub(crate) struct Scan {
    order: Order,
    page_bytes: usize,
    salts: Salts,
    /// The sums that the frame before says it has, true or not; at first the header's.
    before: Sums,
    frames: u64,
    behind: Behind,
}

/// In which order of their bytes numbers are summed. They are stored big-endian whichever it is.
#[derive(Clone, Copy)]
enum Order {
    Big,
    Little,
}

/// What was seen behind the frames that verify.
enum Behind {
    Nothing,
    /// From that frame on none counts, and no transaction was seen to end since.
    Broken(u64),
    /// One ended. Whatever was written after it was written after its sync.
    Ended(u64),
    /// And more was written.
    Acknowledged(u64),
}

impl Scan {
    /// Begins behind the header.
    pub(crate) fn begin(header: &[u8; HEADER]) -> Result<Self, Fault> {
        let [magic, version, page_bytes, _, first, second, sum, other] = words(header);
        let order = match magic ^ MAGIC {
            0 => Order::Little,
            1 => Order::Big,
            _ => return Err(Fault::Header),
        };
        let before = [sum, other];
        let summed = header.first_chunk::<{ HEADER - 8 }>();
        let is_sound = version == VERSION
            && page_bytes.is_power_of_two()
            && (512..=65_536).contains(&page_bytes)
            && summed.is_some_and(|summed| order.sum([0, 0], summed) == before);
        if !is_sound {
            return Err(Fault::Header);
        }
        Ok(Self {
            order,
            page_bytes: usize::try_from(page_bytes).map_err(|_| Fault::Header)?,
            salts: [first.to_be_bytes(), second.to_be_bytes()],
            before,
            frames: 0,
            behind: Behind::Nothing,
        })
    }

    /// Bytes of a frame, its page included.
    pub(crate) fn frame_bytes(&self) -> usize {
        FRAME_HEADER + self.page_bytes
    }

    /// Takes the next frame. The last one may be cut short.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.frames += 1;
        let frame = Frame::parse(bytes);
        self.behind = match (&self.behind, &frame) {
            (Behind::Nothing, Some(frame)) if self.verifies(frame) => Behind::Nothing,
            (Behind::Nothing, frame) => self.broken(self.frames, frame.as_ref()),
            (Behind::Broken(at), frame) => self.broken(*at, frame.as_ref()),
            (Behind::Ended(at), Some(frame)) if self.wrote(frame) => Behind::Acknowledged(*at),
            (Behind::Ended(at), _) => Behind::Ended(*at),
            (Behind::Acknowledged(at), _) => Behind::Acknowledged(*at),
        };
        self.before = frame.map_or([0, 0], |frame| frame.sums);
    }

    /// What all frames together say.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        match self.behind {
            Behind::Nothing | Behind::Broken(_) | Behind::Ended(_) => Ok(()),
            Behind::Acknowledged(at) => Err(Fault::Frame(at)),
        }
    }

    fn broken(&self, at: u64, frame: Option<&Frame<'_>>) -> Behind {
        if frame.is_some_and(|frame| self.wrote(frame) && self.ends(frame)) {
            Behind::Ended(at)
        } else {
            Behind::Broken(at)
        }
    }

    /// As SQLite sees it.
    fn verifies(&self, frame: &Frame<'_>) -> bool {
        frame.salts == self.salts && frame.number != 0 && self.adds_up(frame, frame.pages)
    }

    /// Whether this log's writer wrote the frame: one salt is as it should be, should the other be damaged. No sum
    /// covers them.
    fn wrote(&self, frame: &Frame<'_>) -> bool {
        let ([first, second], [found, other]) = (self.salts, frame.salts);
        first == found || second == other
    }

    /// Whether a transaction ends with the frame. That is said by a number which is not zero, and a power of two is one
    /// bit away from that: the sums tell.
    fn ends(&self, frame: &Frame<'_>) -> bool {
        frame.pages != 0
            || !self.adds_up(frame, 0) && (0..u32::BITS).any(|bit| self.adds_up(frame, 1 << bit))
    }

    /// Whether the frame's sums follow from those before it, if `pages` is what its header said.
    fn adds_up(&self, frame: &Frame<'_>, pages: u32) -> bool {
        let [a, b, c, d] = frame.number.to_be_bytes();
        let [e, f, g, h] = pages.to_be_bytes();
        let sums = self.order.sum(self.before, &[a, b, c, d, e, f, g, h]);
        frame.page.len() == self.page_bytes && self.order.sum(sums, frame.page) == frame.sums
    }
}

/// One page, and what is said about it.
struct Frame<'a> {
    /// The page's number in the database; the first is 1.
    number: u32,
    /// Pages of the database after the transaction that ends with this frame; 0 where none ends.
    pages: u32,
    salts: Salts,
    sums: Sums,
    page: &'a [u8],
}

impl<'a> Frame<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, page) = bytes.split_first_chunk::<FRAME_HEADER>()?;
        let [number, pages, first, second, sum, other] = words(header);
        Some(Self {
            number,
            pages,
            salts: [first.to_be_bytes(), second.to_be_bytes()],
            sums: [sum, other],
            page,
        })
    }
}

impl Order {
    /// Goes on from `sums` over whole pairs of numbers.
    fn sum(self, sums: Sums, bytes: &[u8]) -> Sums {
        let number = |bytes: [u8; 4]| match self {
            Self::Big => u32::from_be_bytes(bytes),
            Self::Little => u32::from_le_bytes(bytes),
        };
        let (pairs, _) = bytes.as_chunks::<8>();
        pairs.iter().fold(sums, |[one, two], pair| {
            let [a, b, c, d, e, f, g, h] = *pair;
            let one = one.wrapping_add(number([a, b, c, d])).wrapping_add(two);
            let two = two.wrapping_add(number([e, f, g, h])).wrapping_add(one);
            [one, two]
        })
    }
}

/// A header's big-endian numbers.
fn words<const BYTES: usize, const WORDS: usize>(bytes: &[u8; BYTES]) -> [u32; WORDS] {
    let mut numbers = [0; WORDS];
    for (number, bytes) in numbers.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *number = u32::from_be_bytes(*bytes);
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 512;
    const FRAME: usize = FRAME_HEADER + PAGE;
    const SALTS: [u32; 2] = [0x0102_0304, 0xa5b6_c7d8];

    /// Writes as SQLite does.
    struct Writer {
        order: Order,
        sums: Sums,
        salts: [u32; 2],
        log: Vec<u8>,
    }

    impl Writer {
        fn new(order: Order, salts: [u32; 2]) -> Self {
            let magic = MAGIC | u32::from(matches!(order, Order::Big));
            let mut log = Vec::new();
            for number in [magic, VERSION, PAGE as u32, 3, salts[0], salts[1]] {
                log.extend_from_slice(&number.to_be_bytes());
            }
            let sums = order.sum([0, 0], &log);
            log.extend(sums.map(u32::to_be_bytes).as_flattened());
            Self {
                order,
                sums,
                salts,
                log,
            }
        }

        fn frame(&mut self, number: u32, pages: u32) {
            let start = [number, pages].map(u32::to_be_bytes);
            let page: Vec<u8> = (0..PAGE)
                .map(|at| (at * 7 + self.log.len()) as u8)
                .collect();
            self.sums = self.order.sum(self.sums, start.as_flattened());
            self.sums = self.order.sum(self.sums, &page);
            self.log.extend_from_slice(start.as_flattened());
            for number in [self.salts, self.sums].as_flattened() {
                self.log.extend_from_slice(&number.to_be_bytes());
            }
            self.log.extend(page);
        }
    }

    /// Four transactions of one to three frames; the database has as many pages as one bit says, or two.
    fn log(order: Order) -> Vec<u8> {
        let mut writer = Writer::new(order, SALTS);
        for (frames, pages) in [(2, 3), (1, 4), (3, 4), (2, 6)] {
            for number in 1..=frames {
                writer.frame(number, if number == frames { pages } else { 0 });
            }
        }
        writer.log
    }

    /// Where the last transaction begins.
    const LAST: usize = HEADER + 6 * FRAME;

    fn scan(log: &[u8]) -> Result<(), Fault> {
        let (header, frames) = log.split_first_chunk().unwrap();
        let mut scan = Scan::begin(header)?;
        frames
            .chunks(scan.frame_bytes())
            .for_each(|frame| scan.take(frame));
        scan.end()
    }

    #[test]
    fn p02_a_log_that_is_cut_anywhere_is_all_there() {
        for order in [Order::Big, Order::Little] {
            let log = log(order);
            for cut in HEADER..=log.len() {
                assert_eq!(scan(&log[..cut]), Ok(()), "cut at {cut}");
            }
        }
    }

    #[test]
    fn p01_a_flipped_bit_of_the_header_is_noticed() {
        for order in [Order::Big, Order::Little] {
            let log = log(order);
            for bit in 0..8 * HEADER {
                let mut bad = log.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(scan(&bad), Err(Fault::Header), "bit {bit}");
            }
        }
    }

    #[test]
    fn p01_a_flipped_bit_before_the_last_transaction_is_noticed_and_named() {
        for order in [Order::Big, Order::Little] {
            let log = log(order);
            for bit in 8 * HEADER..8 * LAST {
                let mut bad = log.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                let frame = (bit / 8 - HEADER) / FRAME + 1;
                assert_eq!(scan(&bad), Err(Fault::Frame(frame as u64)), "bit {bit}");
            }
        }
    }

    /// Each sector of it, and each pair of them, is there, or zero, or something else.
    #[test]
    fn p02_the_last_transaction_may_have_come_to_the_disk_in_any_part() {
        const SECTOR: usize = 512;
        for order in [Order::Big, Order::Little] {
            let log = log(order);
            let sectors = LAST / SECTOR..=log.len() / SECTOR;
            let pairs = sectors
                .clone()
                .flat_map(|one| sectors.clone().map(move |two| [one, two]));
            for (pair, filler) in pairs.flat_map(|pair| [(pair, 0), (pair, 0xe5)]) {
                let mut torn = log.clone();
                for sector in pair {
                    let end = (SECTOR * (sector + 1)).min(log.len());
                    torn[(SECTOR * sector).max(LAST)..end].fill(filler);
                }
                assert_eq!(scan(&torn), Ok(()), "sectors {pair:?}, {filler}");
            }
        }
    }

    /// A log that was begun again over an older one, as earlier versions did.
    #[test]
    fn p02_frames_of_an_older_log_behind_the_last_one_are_none_of_it() {
        for order in [Order::Big, Order::Little] {
            let older = {
                let mut writer = Writer::new(order, [SALTS[0] - 1, 77]);
                (1..12).for_each(|number| writer.frame(number, 3));
                writer.log
            };
            let log = log(order);
            for cut in (HEADER..=log.len()).step_by(8) {
                let both = [&log[..cut], &older[cut..]].concat();
                assert_eq!(scan(&both), Ok(()), "cut at {cut}");
            }
        }
    }

    /// Behind one that is lost, a part of the next one is enough.
    #[test]
    fn p01_what_a_torn_transaction_follows_was_acknowledged() {
        let log = log(Order::Little);
        for end in [LAST + FRAME_HEADER, LAST + FRAME, log.len() - 1] {
            let mut bad = log[..end].to_vec();
            bad[LAST - 1] ^= 1;
            assert_eq!(scan(&bad), Err(Fault::Frame(6)), "cut at {end}");
        }
    }
}
