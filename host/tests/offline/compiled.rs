//! What an operator sees of the compiled plugins that are kept: nothing while all is well, and each time that something
//! is wrong with them what it is. The run goes on in every case.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::support::program::Job;
use crate::{HEADER, job};

struct Scene {
    job: Job,
    directory: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let mut job = job();
        job.write("orders.csv", &format!("{HEADER}\n"));
        let path = job.path("compiled");
        job.variables.push(("HOST_COMPILE_CACHE".into(), path.clone()));
        Self {
            job,
            directory: path.into(),
        }
    }

    /// What a run says on standard error that has to do with it.
    fn run(&self) -> Vec<String> {
        let seen = self.job.run(&["--from", "orders.csv", "--to", "rows.db"]).succeeded();
        let lines = seen.stderr.lines().filter(|line| line.contains("compiled plugin"));
        lines.map(str::to_owned).collect()
    }

    fn file(&self) -> PathBuf {
        let mut files = fs::read_dir(&self.directory).expect("the directory is there");
        files.next().expect("a compiled plugin").expect("its name").path()
    }
}

/// One line, at WARN, with all of these words.
fn warns(said: &[String], words: &[&str]) {
    assert!(said.len() == 1 && said[0].contains(" WARN "), "{said:?}");
    for word in words {
        assert!(said[0].contains(word), "{word:?} in {said:?}");
    }
}

#[test]
fn a_compiled_plugin_that_is_damaged_is_told_once() {
    let scene = Scene::new();
    assert!(scene.run().is_empty());
    assert!(scene.run().is_empty());
    let file = scene.file();
    let mut bytes = fs::read(&file).expect("the compiled plugin");
    let half = bytes.len() / 2;
    bytes[half] ^= 1;
    fs::write(&file, bytes).expect("written");
    warns(&scene.run(), &["damaged", "compiling it again"]);
    assert!(scene.run().is_empty(), "it was replaced");
}

#[test]
fn a_directory_that_others_may_write_to_is_named_with_what_mends_it() {
    let scene = Scene::new();
    fs::create_dir(&scene.directory).expect("a directory");
    fs::set_permissions(&scene.directory, Permissions::from_mode(0o777)).expect("its mode");
    let directory = scene.directory.display().to_string();
    warns(&scene.run(), &[&directory, "plugin.compile_cache", "777", "chmod go-w"]);
    assert_eq!(
        fs::read_dir(&scene.directory).expect("it").count(),
        0,
        "nothing is kept there"
    );
    fs::set_permissions(&scene.directory, Permissions::from_mode(0o755)).expect("its mode");
    assert!(scene.run().is_empty());
    scene.file();
}

#[test]
fn a_directory_that_cannot_be_is_named() {
    let scene = Scene::new();
    fs::write(&scene.directory, "a file").expect("written");
    let directory = scene.directory.display().to_string();
    warns(
        &scene.run(),
        &[&directory, "plugin.compile_cache", "cannot be made or opened"],
    );
}
