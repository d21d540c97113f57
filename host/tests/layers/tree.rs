//! What lies in the checkout: the top level is fixed, and no file says where packages come from (that is the machine's
//! business: a mirror is set in the configuration of cargo, Maven or pip, not here).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The top level, beside dot-files.
const TOP: [&str; 11] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "Makefile",
    "README.md",
    "cql",
    "host",
    "plugins",
    "rust-toolchain.toml",
    "schemas",
    "wit",
];

/// What a build or a try leaves behind, where there is no git to ask what is tracked.
const LEFT_BEHIND: [&str; 4] = [".git", ".services", "__pycache__", "target"];

/// The host names of package registries, in pieces so that this file does not hold them.
const REGISTRIES: [&[&str]; 14] = [
    &["crates", "io"],
    &["repo", "maven", "apache", "org"],
    &["repo1", "maven", "org"],
    &["central", "sonatype", "com"],
    &["pypi", "org"],
    &["files", "pythonhosted", "org"],
    &["npmjs", "org"],
    &["npmjs", "com"],
    &["deb", "debian", "org"],
    &["security", "debian", "org"],
    &["archive", "ubuntu", "com"],
    &["docker", "io"],
    &["quay", "io"],
    &["ghcr", "io"],
];

/// Every tracked file, from the top of the checkout.
pub fn files() -> Vec<String> {
    tracked().unwrap_or_else(|| {
        let mut found = Vec::new();
        walk(&top(), "", &mut found);
        found
    })
}

/// Its text; nothing for a file that is gone or no text.
pub fn read(path: &str) -> Option<String> {
    fs::read_to_string(top().join(path)).ok()
}

pub fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// The entries of the top level that should not be there.
pub fn strangers(files: &[String]) -> Vec<String> {
    let mut found: Vec<String> = files
        .iter()
        .map(|path| path.split('/').next().unwrap_or(path))
        .filter(|entry| !entry.starts_with('.') && !TOP.contains(entry))
        .map(|entry| format!("{entry} does not belong at the top level"))
        .collect();
    found.dedup();
    found
}

/// The lines that hold the host name of a package registry.
pub fn registries(path: &str, text: &str) -> Vec<String> {
    let hosts: Vec<String> = REGISTRIES.iter().map(|parts| parts.join(".")).collect();
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| hosts.iter().any(|host| holds(line, host)))
        .map(|(number, line)| format!("{path}:{}: names a package registry: {}", number + 1, line.trim()))
        .collect()
}

/// Whether the line holds the host name itself or one under it, and not a longer name.
fn holds(line: &str, host: &str) -> bool {
    line.match_indices(host).any(|(at, _)| {
        let letter = |c: char| c.is_alphanumeric() || c == '-';
        let before = line[..at].chars().next_back();
        let after = line[at + host.len()..].chars().next();
        !before.is_some_and(letter) && !after.is_some_and(letter)
    })
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn tracked() -> Option<Vec<String>> {
    let output = Command::new("git")
        .arg("ls-files")
        .arg("-z")
        .current_dir(top())
        .output()
        .ok()?;
    let names = String::from_utf8(output.stdout).ok()?;
    let names: Vec<String> = names.split_terminator('\0').map(str::to_owned).collect();
    (output.status.success() && !names.is_empty()).then_some(names)
}

fn walk(folder: &Path, path: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if LEFT_BEHIND.contains(&name.as_str()) {
            continue;
        }
        let path = if path.is_empty() {
            name
        } else {
            format!("{path}/{name}")
        };
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), &path, found),
            _ => found.push(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_at_the_top_are_found() {
        let files = |paths: &[&str]| -> Vec<String> { paths.iter().map(|path| (*path).to_owned()).collect() };
        assert_eq!(strangers(&files(&[".ci/run", "Makefile", "host/src/lib.rs"])), [""; 0]);
        assert_eq!(
            strangers(&files(&["docs/a.md", "docs/b.md"])),
            ["docs does not belong at the top level"]
        );
        assert_eq!(strangers(&files(&["notes.txt"])).len(), 1);
    }

    #[test]
    fn a_registry_by_name_is_found() {
        for parts in REGISTRIES {
            let host = parts.join(".");
            assert_eq!(registries("x", &format!("a\nsee https://{host}/a")).len(), 1, "{host}");
            assert_eq!(registries("x", &format!("url: mirror.{host}")).len(), 1, "{host}");
            assert_eq!(registries("x", &format!("on {host}.")).len(), 1, "{host}");
            assert_eq!(registries("x", &format!("my{host}, {host}x")), [""; 0], "{host}");
        }
        assert_eq!(registries("x", "http://maven.apache.org/POM/4.0.0"), [""; 0]);
    }

    #[test]
    fn the_checkout_is_found_without_git_too() {
        let mut found = Vec::new();
        walk(&top(), "", &mut found);
        let found: Vec<&str> = found.iter().map(String::as_str).collect();
        assert!(found.contains(&"host/src/lib.rs") && found.contains(&"Cargo.toml"));
        assert!(!found.iter().any(|path| path.starts_with("target/")));
    }
}
