//! Disks that are full or may only be read, under one node of five.

use std::fs;
use std::process::Command;

use crate::disk::Disk;
use crate::federation::{Federation, Site};
use crate::or_skip;

const ON_DISK: usize = 4;

/// A federation whose last node keeps its engine's store on a disk of its own, or nothing, which is told.
fn federation(what: &str) -> Option<(Federation, Disk)> {
    let disk = or_skip(what, Disk::new())?;
    let mut federation = Federation::start(3, 5, Site::Loopback);
    federation.kill(ON_DISK);
    let folder = federation.folder(ON_DISK).to_owned();
    let (from, to) = (folder.join("engine"), disk.root().join("engine"));
    let copied = Command::new("cp").arg("-a").arg(&from).arg(&to).status();
    assert!(copied.unwrap().success());
    fs::remove_dir_all(from).unwrap();
    let file = folder.join("node.toml");
    let configuration = fs::read_to_string(&file).unwrap();
    let moved = configuration.replace("store = \"engine\"", &format!("store = {to:?}"));
    assert_ne!(moved, configuration);
    fs::write(file, moved).unwrap();
    federation.restart(ON_DISK);
    federation.sign(&[0, 1, ON_DISK]);
    Some((federation, disk))
}

#[test]
fn a_node_whose_disk_is_full_refuses_and_comes_back_when_there_is_room() {
    let Some((mut federation, disk)) = federation("disk full") else {
        return;
    };
    disk.fill(0);
    let (mut approved, mut refused) = (0, None);
    while refused.is_none() {
        let spend = federation.spend();
        match federation.approve(ON_DISK, &spend) {
            Ok(_) => approved += 1,
            Err(error) => refused = Some(error.to_string()),
        }
        assert!(approved < 100_000, "the disk takes whatever comes");
    }
    let refused = refused.unwrap();
    assert!(refused.contains("make room on its disk"), "{refused}");
    federation.sign(&[0, 1, 2]);
    disk.free();
    if federation
        .get::<serde_json::Value>(ON_DISK, "/v1/keys")
        .is_err()
    {
        federation.restart(ON_DISK);
    }
    federation.sign(&[0, 1, ON_DISK]);
    println!("disk full: refused after {approved} approvals: {refused}");
}

#[test]
fn a_node_whose_disk_may_only_be_read_ends_and_comes_back_when_it_may_be_written() {
    let Some((mut federation, disk)) = federation("disk read only") else {
        return;
    };
    disk.remount("abort");
    let spend = federation.spend();
    let refused = federation.approve(ON_DISK, &spend).unwrap_err().to_string();
    let (status, said) = federation.process(ON_DISK).ended();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(
        said.contains("the engine's disk failed: see to it"),
        "{said}"
    );
    federation.sign_this(&[0, 1, 2], &spend);
    let again = federation.start_refused(ON_DISK);
    assert!(again.contains("engine"), "{again}");
    disk.power_on();
    federation.restart(ON_DISK);
    federation.sign(&[0, 1, ON_DISK]);
    println!("disk read only: {refused}; started on it: {}", again.trim());
}
