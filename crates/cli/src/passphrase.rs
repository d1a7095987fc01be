//! A passphrase from the terminal, not shown while it is typed.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};

use anyhow::{bail, Context};
use hardfrost_store::Passphrase;
use rustix::termios::{
    tcgetattr, tcsetattr, LocalModes, OptionalActions, SpecialCodeIndex, Termios,
};
use zeroize::Zeroizing;

/// Asks, and reads one line.
///
/// # Errors
/// There is no terminal; too much was typed, or a key that interrupts.
pub fn ask(question: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .context("a passphrase is asked for on a terminal, and there is none")?;
    let quiet = Quiet::new(&terminal).context("the terminal")?;
    (&terminal).write_all(question.as_bytes())?;
    let line = line(&terminal, quiet.interrupting());
    drop(quiet);
    (&terminal).write_all(b"\n")?;
    line
}

fn line(terminal: &File, interrupting: [u8; 3]) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    // Of full size at once: growing would leave copies behind.
    let mut words = Zeroizing::new(Vec::with_capacity(Passphrase::BYTES_MAX));
    let mut byte = Zeroizing::new([0]);
    let mut terminal = terminal;
    loop {
        let count = terminal.read(byte.as_mut_slice())?;
        let [typed] = *byte;
        if count == 0 || typed == b'\n' {
            return Ok(words);
        }
        if interrupting.contains(&typed) {
            bail!("interrupted");
        }
        if words.len() == Passphrase::BYTES_MAX {
            bail!("a passphrase has at most {} bytes", Passphrase::BYTES_MAX);
        }
        words.push(typed);
    }
}

/// A terminal that does not show what is typed, until this is dropped. Until then no key sends a signal: one that ended
/// us, or put us aside, would leave it like this. Ctrl-C comes as a character, and ends the line.
struct Quiet<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn new(terminal: &'a File) -> std::io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut quiet = before.clone();
        quiet
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ISIG);
        quiet.special_codes[SpecialCodeIndex::VEOL] = before.special_codes[SpecialCodeIndex::VINTR];
        tcsetattr(terminal, OptionalActions::Flush, &quiet)?;
        Ok(Self { terminal, before })
    }

    /// The characters that would have sent a signal.
    fn interrupting(&self) -> [u8; 3] {
        let codes = &self.before.special_codes;
        let keys = [
            SpecialCodeIndex::VINTR,
            SpecialCodeIndex::VQUIT,
            SpecialCodeIndex::VSUSP,
        ];
        keys.map(|key| codes[key])
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // If the terminal is gone, there is nothing to put back.
        let _gone = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}
