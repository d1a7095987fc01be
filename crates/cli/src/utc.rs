//! Moments for people: RFC 3339, in UTC. Programs get Unix seconds.

const DAY: u64 = 24 * 3600;

/// A moment, such as `2026-11-26T05:06:07Z`.
pub fn utc(unix: u64) -> String {
    let (year, month, day) = date(unix / DAY);
    let (hour, minute, second) = (unix % DAY / 3600, unix % 3600 / 60, unix % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a day counted from 1970-01-01.
fn date(mut days: u64) -> (u64, usize, u64) {
    // The Gregorian calendar repeats itself after 400 years.
    const CYCLE: u64 = 146_097;
    let mut year = 1970 + 400 * (days / CYCLE);
    days %= CYCLE;
    while days >= length(year) {
        days -= length(year);
        year += 1;
    }
    let months = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for plain in months {
        let long = if month == 2 {
            plain + leap(year)
        } else {
            plain
        };
        if days < long {
            break;
        }
        days -= long;
        month += 1;
    }
    (year, month, days + 1)
}

fn leap(year: u64) -> u64 {
    let is = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    u64::from(is)
}

fn length(year: u64) -> u64 {
    365 + leap(year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        for (unix, told) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_795_668_367, "2026-11-26T04:46:07Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (13_569_465_600, "2400-01-01T00:00:00Z"),
        ] {
            assert_eq!(utc(unix), told);
        }
    }
}
