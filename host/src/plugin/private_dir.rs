//! A directory that only its user may write to. Its files exist completely or not at all, and files that other users
//! could have put there are not read. All work stays within the directory that was checked when it was opened, even if
//! another one gets its name meanwhile.

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;
use std::time::SystemTime;

use rustix::fs::{AtFlags, Dir, Mode, OFlags};

/// Write permission of the group and of all others. If access lists give more, their mask shows in the group's bits.
const OTHERS_MAY_WRITE: u32 = 0o022;

/// An open directory of this kind.
pub struct PrivateDir {
    directory: OwnedFd,
}

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirError {
    #[error("it cannot be made or opened")]
    Open(#[from] io::Error),
    #[error("it belongs to user {owner}, but this process runs as user {user}")]
    Foreign { owner: u32, user: u32 },
    #[error("other users may write to it (its mode is {mode:o}; `chmod go-w` repairs it)")]
    Shared { mode: u32 },
}

/// A file that may be removed to make the directory smaller.
struct Entry {
    used: (i64, i64),
    bytes: u64,
    name: String,
}

impl PrivateDir {
    /// Opens the directory. If it does not exist, it is made for this user alone, with the directories above it.
    ///
    /// # Errors
    /// If it belongs to another user, if others may write to it, or if the system does not open it.
    pub fn open(path: &Path) -> Result<Self, DirError> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from)?);
        check_owner(&directory)?;
        Ok(Self {
            directory: directory.into(),
        })
    }

    /// Reads a file. `None` if it does not exist, has more than `at_most` bytes, or is not this user's alone. A file
    /// that was read counts as used now.
    ///
    /// # Errors
    /// If the system cannot read it.
    pub fn read(&self, name: &str, at_most: u64) -> io::Result<Option<Vec<u8>>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = match rustix::fs::openat(&self.directory, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::LOOP) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.len() > at_most || check_owner(&file).is_err() {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        file.read_to_end(&mut bytes)?;
        // This fails on a file system that is mounted read-only. Then the oldest file counts as used longest ago.
        let _ = file.set_modified(SystemTime::now());
        Ok(Some(bytes))
    }

    /// Writes a file, or replaces the one of this name. A reader meanwhile gets the earlier file or this one,
    /// never a mix.
    ///
    /// # Errors
    /// If the system cannot write it, for lack of room or of permission.
    pub fn write(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let beside = format!("{name}.{:016x}", fastrand::u64(..));
        let written = self.write_new(&beside, parts).and_then(|()| {
            rustix::fs::renameat(&self.directory, &beside, &self.directory, name).map_err(io::Error::from)
        });
        if written.is_err() {
            // The file may not exist.
            let _ = rustix::fs::unlinkat(&self.directory, &beside, AtFlags::empty());
        }
        written
    }

    fn write_new(&self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let mut file = File::from(rustix::fs::openat(&self.directory, name, flags, mode)?);
        parts.iter().try_for_each(|part| file.write_all(part))
    }

    /// Removes files whose name `is_ours`, the least recently used first, until they have at most
    /// `at_most` bytes together.
    ///
    /// # Errors
    /// If the system cannot list or remove them.
    pub fn shrink(&self, at_most: u64, is_ours: impl Fn(&str) -> bool) -> io::Result<()> {
        let mut entries = self.entries(is_ours)?;
        entries.sort_by_key(|entry| entry.used);
        let mut total: u64 = entries.iter().map(|entry| entry.bytes).sum();
        for entry in entries {
            if total <= at_most {
                break;
            }
            match rustix::fs::unlinkat(&self.directory, &entry.name, AtFlags::empty()) {
                // Another process may be making room too.
                Ok(()) | Err(rustix::io::Errno::NOENT) => total -= entry.bytes,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn entries(&self, is_ours: impl Fn(&str) -> bool) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for found in Dir::read_from(&self.directory)? {
            let found = found?;
            let Ok(name) = found.file_name().to_str() else { continue };
            if !is_ours(name) {
                continue;
            }
            // A file that has gone meanwhile takes no room.
            let Ok(file) = rustix::fs::statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            entries.push(Entry {
                used: (file.st_mtime, file.st_mtime_nsec.cast_signed()),
                bytes: u64::try_from(file.st_size).unwrap_or(0),
                name: name.to_owned(),
            });
        }
        Ok(entries)
    }
}

/// Checks that the file belongs to this user, and that no other user may write to it.
fn check_owner(file: &File) -> Result<(), DirError> {
    let metadata = file.metadata()?;
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != user {
        return Err(DirError::Foreign { owner, user });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & OTHERS_MAY_WRITE != 0 {
        return Err(DirError::Shared { mode });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn it_is_made_for_its_user_alone() {
        let at = tempfile::tempdir().unwrap();
        let path = at.path().join("one/two");
        let directory = PrivateDir::open(&path).unwrap();
        assert_eq!((mode(&at.path().join("one")), mode(&path)), (0o700, 0o700));
        directory.write("a", &[b"some", b"thing"]).unwrap();
        assert_eq!(directory.read("a", 100).unwrap().as_deref(), Some(&b"something"[..]));
        assert_eq!(mode(&path.join("a")), 0o600);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
        PrivateDir::open(&path).expect("it is there already");
    }

    #[test]
    fn one_that_others_may_write_to_is_refused() {
        let at = tempfile::tempdir().unwrap();
        for others in [0o720, 0o702, 0o777, 0o1777] {
            chmod(at.path(), others);
            let refused = PrivateDir::open(at.path());
            assert!(
                matches!(refused, Err(DirError::Shared { mode }) if mode == others),
                "{others:o}"
            );
        }
        chmod(at.path(), 0o755);
        PrivateDir::open(at.path()).expect("others may read");
    }

    #[test]
    fn somebody_elses_is_refused() {
        // Only root may give a directory away. Any other user can test with `/`, which is root's.
        let at = tempfile::tempdir().unwrap();
        let is_given_away = std::os::unix::fs::chown(at.path(), Some(54_321), None).is_ok();
        let path = if is_given_away { at.path() } else { Path::new("/") };
        assert!(matches!(PrivateDir::open(path), Err(DirError::Foreign { .. })));
    }

    #[test]
    fn what_others_could_have_put_there_is_not_read() {
        let at = tempfile::tempdir().unwrap();
        chmod(at.path(), 0o700);
        let directory = PrivateDir::open(at.path()).unwrap();
        let path = |name: &str| at.path().join(name);
        let read = |name: &str| directory.read(name, 4).unwrap();
        fs::write(path("good"), "good").unwrap();
        chmod(&path("good"), 0o600);
        assert!(read("good").is_some());
        std::os::unix::fs::symlink(path("good"), path("link")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        directory.write("long", &[b"longer"]).unwrap();
        for name in ["link", "folder", "long", "none"] {
            assert_eq!(read(name), None, "{name}");
        }
        chmod(&path("good"), 0o606);
        assert_eq!(read("good"), None);
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let at = tempfile::tempdir().unwrap();
        chmod(at.path(), 0o700);
        let directory = PrivateDir::open(at.path()).unwrap();
        for (name, age) in [("x-a", 40), ("x-b", 30), ("x-c", 20), ("other", 50)] {
            directory.write(name, &[&[0; 10]]).unwrap();
            let file = File::open(at.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        }
        directory.read("x-a", 10).unwrap().expect("it is there");
        directory.shrink(20, |name| name.starts_with("x-")).unwrap();
        let mut left: Vec<_> = fs::read_dir(at.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["other", "x-a", "x-c"]);
    }
}
