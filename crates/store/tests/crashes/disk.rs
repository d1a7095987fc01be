//! A disk of its own: a file system in a file, which can lose its power, be full, or be read only. Only root has one.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const BYTES: u64 = 12 << 20;
/// `EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`: nothing reaches the disk any more, the journal neither.
const POWER_OFF: &str = "import fcntl, os, struct, sys; \
    fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

/// A folder in memory where there is one: what a process leaves behind does not depend on what lies below, and syncs
/// that wait for a disk are most of the time.
pub fn quick_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

pub struct Disk {
    folder: TempDir,
}

impl Disk {
    /// A mounted disk without files, or why this machine has none.
    pub fn new() -> Result<Self, String> {
        let disk = Self {
            folder: quick_folder(),
        };
        let image = File::create(disk.image()).unwrap();
        image.set_len(BYTES).unwrap();
        let image = disk.image();
        // No blocks are kept back for root: `Full` is for everybody.
        run(Command::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(image))?;
        fs::create_dir(disk.root()).unwrap();
        disk.mount()?;
        Ok(disk)
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    /// Where it is mounted.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    pub fn mount(&self) -> Result<(), String> {
        run(Command::new("mount")
            .args(["-o", "loop"])
            .arg(self.image())
            .arg(self.root()))
    }

    pub fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        run(Command::new("mount")
            .args(["-o", &options])
            .arg(self.root()))
        .unwrap();
    }

    pub fn unmount(&self) {
        run(Command::new("umount").arg(self.root())).unwrap();
    }

    /// From now on nothing reaches the disk, and what did not reach it is lost.
    pub fn power_off(&self) {
        let python = run(Command::new("python3")
            .args(["-c", POWER_OFF])
            .arg(self.root()));
        python.unwrap();
    }

    /// The power is back.
    pub fn power_on(&self) {
        self.unmount();
        self.mount().unwrap();
    }

    /// Fills it up to so many free bytes, more or less.
    pub fn fill(&self, leave: u64) {
        let mut filler = File::create(self.root().join("filler")).unwrap();
        let block = [0xa5; 4096];
        let free = |root: &Path| {
            let found = rustix::fs::statvfs(root).unwrap();
            found.f_bavail * found.f_frsize
        };
        filler.sync_all().unwrap();
        let blocks = free(&self.root()).saturating_sub(leave) / 4096;
        for _ in 0..blocks {
            if filler.write_all(&block).is_err() {
                break;
            }
        }
        // What was not allocated yet would give way to somebody else.
        drop(filler.sync_all());
    }

    /// The space is there again when this returns. A process that another test is just starting may hold the file for
    /// a moment, so its blocks are let go of before its name.
    pub fn free(&self) {
        let name = self.root().join("filler");
        let filler = File::options().write(true).open(&name).unwrap();
        filler.set_len(0).unwrap();
        filler.sync_all().unwrap();
        fs::remove_file(name).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(run(Command::new("umount").arg("-l").arg(self.root())));
    }
}

/// Its directory entry is on the disk.
pub fn sync(path: &Path) {
    File::open(path).unwrap().sync_all().unwrap();
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}", said.trim()))
}
