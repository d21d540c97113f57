//! Watches the plugin's file, and its signature's if one is required, and swaps the plugin in when it changes.
//!
//! The file is looked at a few times a second (decision 0009). This notices a file that is moved into its place, one
//! that is written over, and one behind a symbolic link, on every kind of file system. The file is read once it has
//! stopped changing, and used only if it is the same after reading as before.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use super::wire::trust;
use crate::pipeline::swap::swapper::{Candidate, Swapper};
use crate::record::causes::chain;
use crate::record::descriptor::Digest;

/// How often the file is looked at. A file that is being written changes more often than that.
const LOOK: Duration = Duration::from_millis(250);

/// Distinguishes one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    inode: u64,
    bytes: u64,
    modified: Option<SystemTime>,
    /// The time of the last change of the inode, which changes even if the time of modification is set back.
    changed: (i64, i64),
}

impl Mark {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

/// The marks of the component and of its signature.
type Marks = (Mark, Option<Mark>);

/// Whether the file of the signature is watched and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signatures {
    Asked,
    Ignored,
}

/// Follows one file.
struct Watcher {
    path: PathBuf,
    signatures: Signatures,
    /// The state at the last look.
    seen: Option<Marks>,
    /// The state that was read, whatever its result.
    read: Option<Marks>,
    /// The digest of the component that was read.
    digest: Digest,
    /// Whether the component is the one that was read before.
    is_same_component: bool,
    /// The signature that was read.
    signature: Option<String>,
}

impl Watcher {
    /// `running` is the digest of the plugin that runs. The file may hold another one by now.
    fn new(path: &Path, running: Digest, signatures: Signatures) -> Self {
        let mut watcher = Self {
            path: path.to_owned(),
            signatures,
            seen: None,
            read: None,
            digest: running,
            is_same_component: true,
            signature: None,
        };
        watcher.signature = watcher.signature();
        watcher
    }

    /// Returns component and signature once after each change, when neither has changed since the last look.
    fn look(&mut self) -> Option<Candidate> {
        let marks = self.marks();
        if marks.is_none() || marks != self.seen {
            self.seen = marks;
            return None;
        }
        if marks == self.read {
            return None;
        }
        let (bytes, signature) = (std::fs::read(&self.path).ok()?, self.signature());
        if self.marks() != marks {
            return None;
        }
        self.read = marks;
        let digest = Digest(Sha256::digest(&bytes).into());
        self.is_same_component = digest == self.digest;
        let is_other = !self.is_same_component || signature != self.signature;
        self.digest = digest;
        self.signature.clone_from(&signature);
        is_other.then_some(Candidate { bytes, signature })
    }

    fn marks(&self) -> Option<Marks> {
        let signature = match self.signatures {
            Signatures::Asked => Mark::of(&trust::signature_file(&self.path)),
            Signatures::Ignored => None,
        };
        Some((Mark::of(&self.path)?, signature))
    }

    /// Reads the signature. One that cannot be read counts as missing until it changes.
    fn signature(&self) -> Option<String> {
        match self.signatures {
            Signatures::Asked => trust::beside(&self.path)
                .inspect_err(|error| tracing::warn!(error = chain(error), "cannot read the plugin's signature"))
                .unwrap_or_default(),
            Signatures::Ignored => None,
        }
    }
}

/// The file as history and status name it.
pub fn place(file: &Path) -> String {
    format!("file {}", file.display())
}

/// Watches the file and swaps in each new component. Never ends by itself.
pub async fn run(file: &Path, signatures: Signatures, swapper: &Swapper) {
    let asked_by = place(file);
    let mut watcher = Watcher::new(file, swapper.current().digest, signatures);
    loop {
        tokio::time::sleep(LOOK).await;
        let looked = tokio::task::spawn_blocking(move || {
            let candidate = watcher.look();
            (watcher, candidate)
        });
        let Ok((after, candidate)) = looked.await else {
            return std::future::pending().await; // The runtime ends.
        };
        watcher = after;
        if let Some(candidate) = candidate {
            swapper.note_held(&asked_by, watcher.digest);
            // Only the signature is new, and this component was rolled back.
            if watcher.is_same_component && swapper.was_rolled_back(watcher.digest) {
                continue;
            }
            swapper.swap(candidate, &asked_by).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(watcher: &mut Watcher) -> Option<Vec<u8>> {
        watcher.look().map(|candidate| candidate.bytes)
    }

    fn digest(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    #[test]
    fn what_was_put_there_since_the_start_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugin.wasm");
        std::fs::write(&path, b"two").unwrap();
        let mut watcher = Watcher::new(&path, digest(b"one"), Signatures::Ignored);
        assert_eq!(look(&mut watcher), None);
        assert_eq!(look(&mut watcher).as_deref(), Some(&b"two"[..]));
    }

    #[test]
    fn a_change_is_read_once_and_only_when_the_file_stands_still() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugin.wasm");
        std::fs::write(&path, b"one").unwrap();
        let mut watcher = Watcher::new(&path, digest(b"one"), Signatures::Ignored);
        assert_eq!(
            (look(&mut watcher), look(&mut watcher)),
            (None, None),
            "what runs is there"
        );

        std::fs::write(&path, b"two, half").unwrap();
        assert_eq!(look(&mut watcher), None, "just changed");
        std::fs::write(&path, b"two, whole").unwrap();
        assert_eq!(look(&mut watcher), None, "changed again");
        assert_eq!(look(&mut watcher).as_deref(), Some(&b"two, whole"[..]));
        assert_eq!(look(&mut watcher), None, "read already");

        std::fs::remove_file(&path).unwrap();
        assert_eq!((look(&mut watcher), look(&mut watcher)), (None, None));
        let beside = folder.path().join("new");
        std::fs::write(&beside, b"three").unwrap();
        std::fs::rename(&beside, &path).unwrap();
        assert_eq!(look(&mut watcher), None);
        assert_eq!(look(&mut watcher).as_deref(), Some(&b"three"[..]));

        std::fs::write(&path, b"three").unwrap();
        assert_eq!(
            (look(&mut watcher), look(&mut watcher)),
            (None, None),
            "written anew, and the same"
        );
    }

    #[test]
    fn follows_a_symbolic_link() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two, link) = (
            folder.path().join("one"),
            folder.path().join("two"),
            folder.path().join("link"),
        );
        std::fs::write(&one, b"one").unwrap();
        std::fs::write(&two, b"two").unwrap();
        std::os::unix::fs::symlink(&one, &link).unwrap();
        let mut watcher = Watcher::new(&link, digest(b"one"), Signatures::Ignored);
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&two, &link).unwrap();
        assert_eq!(look(&mut watcher), None);
        assert_eq!(look(&mut watcher).as_deref(), Some(&b"two"[..]));
    }

    #[test]
    fn a_signature_that_comes_later_is_a_change_where_one_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugin.wasm");
        std::fs::write(&path, b"two").unwrap();
        let mut asking = Watcher::new(&path, digest(b"one"), Signatures::Asked);
        let mut ignoring = Watcher::new(&path, digest(b"one"), Signatures::Ignored);
        for watcher in [&mut asking, &mut ignoring] {
            assert_eq!(look(watcher), None);
            assert_eq!(look(watcher).as_deref(), Some(&b"two"[..]));
        }
        std::fs::write(folder.path().join("plugin.wasm.sig"), "signed").unwrap();
        assert!(asking.look().is_none(), "just changed");
        let candidate = asking.look().unwrap();
        assert_eq!(
            (&candidate.bytes[..], candidate.signature.as_deref()),
            (&b"two"[..], Some("signed"))
        );
        assert!(asking.look().is_none(), "read already");
        assert_eq!((look(&mut ignoring), look(&mut ignoring)), (None, None));
    }
}
