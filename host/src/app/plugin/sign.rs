//! `host plugin keygen` and `host plugin sign`: makes a key, and signs components with it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::app::failure::Failure;
use crate::app::wire::trust::signature_file;
use crate::plugin::signature::SigningKey;

/// Makes a key pair: the private key in `out`, which only its owner may read, and the public one in `out.pub`. Neither
/// file may exist already.
pub fn keygen(out: &Path, said: &mut impl Write) -> Result<(), Failure> {
    let name = out.file_name().unwrap_or(out.as_os_str()).to_string_lossy();
    let key = SigningKey::generate(&name).map_err(|error| Failure::Failed(error.into()))?;
    let public = public_file(out);
    if public.exists() {
        return Err(Failure::Usage(anyhow::anyhow!("{} is there already", public.display())));
    }
    let texts = key.secret_text().and_then(|secret| Ok((secret, key.public_line()?)));
    let (secret, line) = texts.map_err(|error| Failure::Failed(error.into()))?;
    create(out, &secret, Readers::Owner)
        .and_then(|()| create(&public, &line, Readers::All))
        .map_err(Failure::Usage)?;
    let written = writeln!(said, "key      {}", key.id())
        .and_then(|()| writeln!(said, "private  {} (keep it to yourself)", out.display()))
        .and_then(|()| writeln!(said, "public   {} (a line for --trusted-keys)", public.display()));
    written.context("cannot write").map_err(Failure::Failed)
}

/// Signs the file, and writes the signature to `FILE.sig` in place of an earlier one.
pub fn sign(file: &Path, key: &Path, said: &mut impl Write) -> Result<(), Failure> {
    let signed = || -> anyhow::Result<_> {
        let component = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let text = fs::read_to_string(key).with_context(|| format!("cannot read the key {}", key.display()))?;
        let signing = SigningKey::parse(&text).with_context(|| format!("key {}", key.display()))?;
        let signature = signing.sign(&component)?;
        let place = signature_file(file);
        fs::write(&place, signature).with_context(|| format!("cannot write {}", place.display()))?;
        Ok((place, signing.id()))
    };
    let (place, id) = signed().map_err(Failure::Usage)?;
    writeln!(
        said,
        "signed   {} with {id}\nwrote    {}",
        file.display(),
        place.display()
    )
    .context("cannot write")
    .map_err(Failure::Failed)
}

/// Which accounts may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readers {
    Owner,
    All,
}

fn public_file(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// Writes a file that must not be there yet.
fn create(path: &Path, text: &str, readers: Readers) -> anyhow::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        // The mode is set at creation, so that at no moment can other accounts open the file.
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => anyhow::anyhow!("{} is there already", path.display()),
        _ => anyhow::Error::new(error).context(format!("cannot write {}", path.display())),
    })
}
