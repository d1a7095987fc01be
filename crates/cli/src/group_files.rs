//! The files that a person names on the command line: bounded, and read before anything is believed.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use anyhow::{bail, Context};
use hardfrost_dkg::Certificate;
use hardfrost_frost::GroupPublic;
use hardfrost_node::RosterFile;
use hardfrost_wire::Roster;

/// Longest file read. What is longer is cut here, and refused by its parser.
const FILE_BYTES_MAX: u64 = 40 << 20;

/// A roster, and the key that a certificate made under it proves.
///
/// # Errors
/// A file that does not read, or a certificate that proves no key under this roster.
pub fn group(certificate: &Path, roster: &Path) -> anyhow::Result<(Arc<Roster>, Arc<GroupPublic>)> {
    let shown = roster.display();
    let text = String::from_utf8(read(roster)?).with_context(|| format!("{shown} is no text"))?;
    let file = RosterFile::from_toml(&text);
    let roster = file
        .with_context(|| format!("{shown} is no roster"))?
        .roster;
    let shown = certificate.display();
    let bytes = read(certificate)?;
    let certified = Certificate::from_bytes(&bytes).and_then(|it| it.verify(&roster));
    let group = certified.with_context(|| format!("{shown} certifies nothing"))?;
    Ok((Arc::new(roster), group))
}

/// Writes a file that a person names.
///
/// # Errors
/// As the file system says.
pub fn write(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
}

/// A file's bytes; `-` is standard input.
///
/// # Errors
/// As the file system says, or the file is empty.
pub fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = file.display();
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        let stdin = std::io::stdin();
        stdin
            .take(FILE_BYTES_MAX)
            .read_to_end(&mut bytes)
            .context("standard input")?;
    } else {
        let open = fs::File::open(file).with_context(|| format!("cannot read {shown}"))?;
        let read = open.take(FILE_BYTES_MAX).read_to_end(&mut bytes);
        read.with_context(|| format!("cannot read {shown}"))?;
    }
    if bytes.is_empty() && file == Path::new("-") {
        bail!("nothing came on standard input");
    }
    if bytes.is_empty() {
        bail!("{shown} is empty");
    }
    Ok(bytes)
}
