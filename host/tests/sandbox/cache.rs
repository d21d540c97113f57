//! Compiled forms that are kept: taken by the next load, never when they are damaged or others could have made them,
//! and nothing is kept where no cache is wanted.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use host::plugin::cache::{CacheLocation, CompileCache};
use host::plugin::limits::Limits;
use host::plugin::{Plugin, PluginEngine};

use crate::built::{call, misbehaving, variant};

fn load(place: &CacheLocation, limits: Limits, component: &[u8]) -> Plugin {
    let engine = PluginEngine::new(limits).expect("an engine");
    let engine = engine.keeping(CompileCache::open(place));
    Plugin::load(&engine, component, &[], limits).expect("the component loads")
}

/// Loads the plugin over what is kept there, and has it do something.
fn works(place: &CacheLocation) {
    let plugin = load(place, Limits::default(), misbehaving());
    let outcome = call(&plugin, &["", ""]).expect("it transforms");
    assert!(!outcome.rows.is_empty());
}

fn private() -> (tempfile::TempDir, CacheLocation) {
    let at = tempfile::tempdir().expect("a directory");
    let place = CacheLocation::At(at.path().join("compiled"));
    (at, place)
}

fn files(place: &CacheLocation) -> Vec<PathBuf> {
    let CacheLocation::At(path) = place else {
        panic!("not a path")
    };
    let listed = fs::read_dir(path).expect("the directory is there");
    listed.map(|entry| entry.expect("an entry").path()).collect()
}

/// The one file, and which it is: another one of the same name has another number.
fn only(place: &CacheLocation) -> (PathBuf, u64) {
    let mut files = files(place);
    assert_eq!(files.len(), 1, "{files:?}");
    let file = files.remove(0);
    let inode = fs::metadata(&file).expect("the file").ino();
    (file, inode)
}

/// That what is there now is not used, and replaced by what was there before.
fn is_made_anew(place: &CacheLocation, file: &Path, before: &[u8], what: &str) {
    // Kept open, so that its number is not given to the file that replaces it.
    let damaged = fs::File::open(file).expect("the file");
    works(place);
    let (again, inode) = only(place);
    assert_eq!(again, file);
    assert_ne!(
        inode,
        damaged.metadata().expect("the file").ino(),
        "{what}: it was compiled anew"
    );
    assert!(
        fs::read(file).expect("the file") == before,
        "{what}: what was compiled is the same"
    );
}

#[test]
fn a_second_load_takes_what_the_first_one_compiled() {
    let (_at, place) = private();
    works(&place);
    let first = only(&place);
    works(&place);
    assert_eq!(only(&place), first, "nothing was compiled");
    // Another component has its own.
    load(&place, Limits::default(), &variant("two", ""));
    assert_eq!(files(&place).len(), 2);
}

#[test]
fn what_is_damaged_is_compiled_anew() {
    let (_at, place) = private();
    works(&place);
    let (file, _) = only(&place);
    let good = fs::read(&file).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        bytes
    };
    let half = good.len() / 2;
    let damages = [
        ("empty", Vec::new()),
        ("cut off", good[..half].to_vec()),
        ("a byte less", good[..good.len() - 1].to_vec()),
        ("longer", [&good[..], b"x"].concat()),
        ("a bit of its sum", flipped(3)),
        ("a bit of its code", flipped(half)),
        ("its last bit", flipped(good.len() - 1)),
        ("something else", b"#!/bin/sh\n".repeat(10_000)),
    ];
    for (what, bytes) in damages {
        fs::write(&file, bytes).unwrap();
        is_made_anew(&place, &file, &good, what);
    }
}

#[test]
fn what_was_made_of_another_component_is_not_taken() {
    let (_at, place) = private();
    load(&place, Limits::default(), &variant("two", ""));
    let other = fs::read(only(&place).0).unwrap();
    let (_at, place) = private();
    works(&place);
    let (file, _) = only(&place);
    let good = fs::read(&file).unwrap();
    fs::write(&file, other).unwrap();
    is_made_anew(&place, &file, &good, "another one's");
}

#[test]
fn what_others_may_write_is_neither_taken_nor_kept() {
    let (_at, place) = private();
    works(&place);
    let (file, _) = only(&place);
    let good = fs::read(&file).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    is_made_anew(&place, &file, &good, "a file that others may write");
    fs::remove_file(&file).unwrap();
    fs::set_permissions(file.parent().unwrap(), Permissions::from_mode(0o777)).unwrap();
    works(&place);
    assert_eq!(
        files(&place).len(),
        0,
        "nothing is kept in a directory that others may write to"
    );
}

#[test]
fn without_a_place_nothing_is_kept() {
    assert!(CompileCache::open(&CacheLocation::Nowhere).is_none());
    works(&CacheLocation::Nowhere);
    // A file where the directory should be.
    let file = tempfile::NamedTempFile::new().unwrap();
    works(&CacheLocation::At(file.path().to_owned()));
}

#[test]
fn many_loads_at_once_have_all_a_whole_form() {
    let (_at, place) = private();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| works(&place));
        }
    });
    let first = only(&place);
    works(&place);
    assert_eq!(only(&place), first);
}
