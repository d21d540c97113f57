//! Decides by its signature whether a component may be loaded, before anything else is done with its bytes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::settings;
use crate::config::text::{self, TextError};
use crate::plugin::signature::{KeyError, SignatureError, TrustedKeys};

/// A signature has some 300 bytes. A much longer file is not one.
const MAX_SIGNATURE_BYTES: u64 = 64 << 10;

/// Why a component may not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("cannot read the trusted keys {}", .file.display())]
    ReadKeys {
        file: PathBuf,
        #[source]
        cause: TextError,
    },
    #[error("cannot read the trusted keys {}: there is no such file", .file.display())]
    NoKeys { file: PathBuf },
    #[error("the trusted keys {}", .file.display())]
    Keys {
        file: PathBuf,
        #[source]
        cause: KeyError,
    },
    #[error("cannot read its signature {}", .file.display())]
    ReadSignature {
        file: PathBuf,
        #[source]
        cause: io::Error,
    },
    #[error("its signature {} has {bytes} bytes, at most {MAX_SIGNATURE_BYTES} are read", .file.display())]
    TooLong { file: PathBuf, bytes: u64 },
    #[error(transparent)]
    Refused(#[from] SignatureError),
}

/// Checks the component against the keys that the settings trust. If the settings name no keys, every component is
/// trusted, and the signature is not read.
pub fn check(
    setting: &settings::Plugin,
    component: &[u8],
    signature: impl FnOnce() -> Result<Option<String>, TrustError>,
) -> Result<(), TrustError> {
    let Some(file) = &setting.trusted_keys else {
        return Ok(());
    };
    // The file is read each time, so that a key that was removed is not trusted from the next load on.
    let text = text::read(file).map_err(|cause| TrustError::ReadKeys {
        file: file.clone(),
        cause,
    })?;
    let text = text.ok_or_else(|| TrustError::NoKeys { file: file.clone() })?;
    let keys = TrustedKeys::parse(&text).map_err(|cause| TrustError::Keys {
        file: file.clone(),
        cause,
    })?;
    let key = keys.check(component, signature()?.as_deref())?;
    tracing::info!(%key, "the plugin's signature holds");
    Ok(())
}

/// The file of a component's signature: `FILE.sig`.
pub fn signature_file(component: &Path) -> PathBuf {
    let mut name = component.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// Reads the signature beside a component's file. `None` if there is no such file.
pub fn beside(component: &Path) -> Result<Option<String>, TrustError> {
    let file = signature_file(component);
    let read = || {
        let bytes = fs::metadata(&file)?.len();
        if bytes > MAX_SIGNATURE_BYTES {
            return Ok(Err(bytes));
        }
        fs::read_to_string(&file).map(Ok)
    };
    match read() {
        Ok(Ok(text)) => Ok(Some(text)),
        Ok(Err(bytes)) => Err(TrustError::TooLong { file, bytes }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(TrustError::ReadSignature { file, cause }),
    }
}
