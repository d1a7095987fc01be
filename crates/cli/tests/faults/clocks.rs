//! A clock that jumps. A time namespace has no clock of its own for the time of day, so the process is lied to instead.

use std::fs;
use std::path::{Path, PathBuf};

use crate::federation::{Federation, Site};
use crate::or_skip;

/// The library that lies, where Debian and others put it.
pub fn library() -> Result<PathBuf, String> {
    let folders = ["x86_64-linux-gnu", "aarch64-linux-gnu", ""];
    let path = |folder: &str| {
        let folder = Path::new("/usr/lib").join(folder);
        folder.join("faketime/libfaketime.so.1")
    };
    let found = folders.map(path).into_iter().find(|path| path.exists());
    found.ok_or_else(|| "there is no libfaketime, and a namespace has no time of day".to_owned())
}

#[test]
fn a_clock_that_jumps_a_day_ahead_and_back_stops_nobody() {
    let Some(library) = or_skip("clock jump", library()) else {
        return;
    };
    let mut federation = Federation::start(3, 5, Site::Loopback);
    let jump = federation.table().join("jump");
    let jumps = |by: &str| fs::write(&jump, format!("{by}\n")).unwrap();
    jumps("+0");
    federation.kill(4);
    let mut command = federation.run_command(4);
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &jump)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    federation.restart_as(4, &mut command);
    federation.sign(&[0, 1, 4]);
    for (by, least, most) in [
        ("+86400", 86_000_000, 87_000_000),
        ("-86400", -87_000_000, -86_000_000),
    ] {
        jumps(by);
        federation.sign(&[0, 1, 2]);
        federation.sign(&[0, 1, 4]);
        // The others see it.
        federation.watch(0, |view| {
            let peers = &view.federations[0].peers;
            let skew = peers
                .iter()
                .find(|peer| peer.operator == "n5")
                .unwrap()
                .skew_millis;
            skew.is_some_and(|skew| (least..most).contains(&skew))
        });
        federation.sign(&[2, 3, 4]);
    }
    jumps("+0");
    federation.sign(&[0, 1, 4]);
}
