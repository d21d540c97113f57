//! The status as a JSON file, which readers always see whole. It is written on a thread of its own, since records
//! must not wait for a disk.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use crate::pipeline::watch::status::Status;

/// Writes the status file, if one is asked for. When this is dropped, the last status is in the file.
#[derive(Default)]
pub struct StatusFile {
    sender: Option<Sender<Arc<Status>>>,
    thread: Option<JoinHandle<()>>,
}

impl StatusFile {
    /// Starts the thread that writes; without a path, nothing is written.
    pub fn start(path: Option<PathBuf>) -> Self {
        let Some(path) = path else { return Self::default() };
        let (sender, statuses) = mpsc::channel();
        let thread = thread::Builder::new().name("status".to_owned());
        match thread.spawn(move || keep(&path, &statuses)) {
            Ok(thread) => Self {
                sender: Some(sender),
                thread: Some(thread),
            },
            Err(error) => {
                tracing::warn!(%error, "no thread for the status file, which is not written; records flow on");
                Self::default()
            }
        }
    }

    /// Has this status written.
    pub fn update(&self, status: &Arc<Status>) {
        if let Some(sender) = &self.sender {
            // The receiver lives as long as this.
            let _ = sender.send(Arc::clone(status));
        }
    }
}

impl Drop for StatusFile {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported.
            let _ = thread.join();
        }
    }
}

fn keep(path: &Path, statuses: &Receiver<Arc<Status>>) {
    // A full disk is reported once.
    let mut has_failed = false;
    while let Ok(status) = statuses.recv() {
        let newest = statuses.try_iter().last().unwrap_or(status);
        match write(path, &newest) {
            Ok(()) => has_failed = false,
            Err(error) if !has_failed => {
                has_failed = true;
                tracing::warn!(file = %path.display(), %error, "cannot write the status file; records flow on");
            }
            Err(_) => {}
        }
    }
}

/// Writes the file so that a reader sees the old text or the new one, never half of one.
fn write(path: &Path, status: &Status) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(status)?;
    text.push(b'\n');
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .prefix(".status-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(&text)?;
    file.persist(path)?;
    Ok(())
}
