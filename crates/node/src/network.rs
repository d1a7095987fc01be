//! The transport's limits, as the configuration names them and as an operator sees them.

use std::collections::BTreeMap;
use std::time::Duration;

use hardfrost_net::NetLimits;

/// What may be said under `[network]`: numbers by name, times in milliseconds. What is not said stays as it is.
pub type Table = BTreeMap<String, u64>;

/// Larger numbers are mistakes: a gigabyte, or two weeks in milliseconds.
const NUMBER_MAX: u64 = 1 << 30;

/// All limits by name.
#[must_use]
pub fn table(limits: &NetLimits) -> Table {
    let mut limits = limits.clone();
    let counts = counts(&mut limits).map(|(name, count)| {
        let number = u64::try_from(*count).unwrap_or(u64::MAX);
        (name.to_owned(), number)
    });
    let mut all = Table::from(counts);
    all.extend(times(&mut limits).map(|(name, time)| {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        (name.to_owned(), millis)
    }));
    all
}

/// The usual limits with these changed.
///
/// # Errors
/// The name of one that is unknown, and why, or whose number is out of range.
pub fn limits(table: &Table) -> Result<NetLimits, (String, String)> {
    let mut limits = NetLimits::default();
    for (name, number) in table {
        if *number > NUMBER_MAX {
            return Err((name.clone(), format!("at most {NUMBER_MAX}")));
        }
        set(&mut limits, name, *number)?;
    }
    Ok(limits)
}

fn set(limits: &mut NetLimits, name: &str, number: u64) -> Result<(), (String, String)> {
    for (known, count) in counts(limits) {
        if known == name {
            *count = usize::try_from(number).unwrap_or(usize::MAX);
            return Ok(());
        }
    }
    for (known, time) in times(limits) {
        if known == name {
            *time = Duration::from_millis(number);
            return Ok(());
        }
    }
    let known: Vec<String> = table(&NetLimits::default()).into_keys().collect();
    Err((
        name.to_owned(),
        format!("no such limit; there are {}", known.join(", ")),
    ))
}

fn counts(limits: &mut NetLimits) -> [(&'static str, &mut usize); 9] {
    [
        ("send_frames_max", &mut limits.send_frames_max),
        ("send_bytes_max", &mut limits.send_bytes_max),
        ("receive_frames_max", &mut limits.receive_frames_max),
        ("receive_bytes_max", &mut limits.receive_bytes_max),
        ("handshakes_max", &mut limits.handshakes_max),
        ("relay_bytes_per_second", &mut limits.relay_bytes_per_second),
        ("relay_burst_bytes", &mut limits.relay_burst_bytes),
        ("relay_frames_max", &mut limits.relay_frames_max),
        ("relay_bytes_max", &mut limits.relay_bytes_max),
    ]
}

fn times(limits: &mut NetLimits) -> [(&'static str, &mut Duration); 7] {
    [
        ("handshake_millis", &mut limits.handshake_timeout),
        ("keep_alive_millis", &mut limits.keep_alive_interval),
        ("silence_millis", &mut limits.keep_alive_timeout),
        ("back_off_min_millis", &mut limits.back_off_min),
        ("back_off_max_millis", &mut limits.back_off_max),
        ("reach_millis", &mut limits.reach_interval),
        ("relay_rotation_millis", &mut limits.relay_rotation),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_read_under_the_name_that_it_is_shown_by() {
        let shown = table(&NetLimits::default());
        assert_eq!(shown.len(), 16);
        for name in shown.keys() {
            let changed = limits(&Table::from([(name.clone(), 7)])).unwrap();
            let again = table(&changed);
            let differ = again
                .iter()
                .filter(|(name, number)| shown.get(*name) != Some(number));
            assert_eq!(differ.collect::<Vec<_>>(), [(name, &7)]);
        }
        assert_eq!(limits(&shown).unwrap(), NetLimits::default());
    }

    #[test]
    fn a_limit_that_is_unknown_or_absurd_is_named() {
        let unknown = limits(&Table::from([("sends_max".into(), 7)])).unwrap_err();
        assert_eq!(unknown.0, "sends_max");
        assert!(unknown.1.contains("send_frames_max"));
        let absurd = Table::from([("send_frames_max".into(), NUMBER_MAX + 1)]);
        assert_eq!(limits(&absurd).unwrap_err().0, "send_frames_max");
    }
}
