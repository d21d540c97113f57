//! What `plugin new` writes, and what it refuses.

use std::collections::BTreeSet;

use super::*;

fn new(name: &str, parent: &Path) -> Result<String, Failure> {
    let options = Options {
        name: name.to_owned(),
        parent: parent.to_owned(),
    };
    let mut out = Vec::new();
    run(&options, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

/// All files below a folder, relative to it.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in fs::read_dir(current).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(folder).unwrap().to_str().unwrap();
                found.insert(relative.replace('\\', "/"));
            }
        }
    }
    found
}

#[test]
fn names_that_cargo_would_refuse_are_refused_first() {
    let folder = tempfile::tempdir().unwrap();
    let long = "a".repeat(MAX_NAME + 1);
    let bad = [
        "",
        "Big",
        "1st",
        "_x",
        "a-",
        "a/b",
        "..",
        "a b",
        "ä",
        "fn",
        "test",
        "proc-macro",
        "transform-sdk",
        &long,
    ];
    for name in bad {
        let refused = new(name, folder.path()).unwrap_err();
        assert!(matches!(refused, Failure::Usage(_)), "{refused}");
        assert!(refused.to_string().contains("cannot name a plugin"), "{refused}");
    }
    assert!(files(folder.path()).is_empty());
    for name in ["a", "order_enrich", "clean-orders-2"] {
        check_name(name).unwrap();
    }
}

#[test]
fn what_is_there_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("mine")).unwrap();
    let refused = new("mine", folder.path()).unwrap_err();
    assert!(matches!(refused, Failure::Usage(_)), "{refused}");
    assert!(refused.to_string().contains("choose another name"), "{refused}");
    assert!(files(folder.path()).is_empty());
}

#[test]
fn a_parent_that_is_not_there_is_wrong_usage() {
    let folder = tempfile::tempdir().unwrap();
    let refused = new("mine", &folder.path().join("nowhere")).unwrap_err();
    assert!(matches!(refused, Failure::Usage(_)), "{refused}");
}

#[cfg(unix)]
#[test]
fn inside_a_checkout_the_sdk_is_used_where_it_lies() {
    let checkout = tempfile::tempdir().unwrap();
    for file in ["wit/transform.wit", "plugins/sdk/Cargo.toml"] {
        write_file(&checkout.path().join(file), "here").unwrap();
    }
    let plugins = checkout.path().join("plugins");
    let said = new("mine", &plugins).unwrap();
    assert!(said.contains("a link to ../sdk"), "{said}");
    new("other", checkout.path()).unwrap();
    for folder in [plugins.join("mine"), checkout.path().join("other")] {
        let manifest = folder.join("transform-sdk/Cargo.toml");
        assert_eq!(fs::read_to_string(manifest).unwrap(), "here\n", "{}", folder.display());
    }
}

#[test]
fn elsewhere_the_whole_sdk_comes_along() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/sdk");
    let is_source = |file: &String| {
        let is_code = Path::new(file).extension().is_some_and(|extension| extension == "rs")
            && file.contains("src/")
            && !file.ends_with("/tests.rs")
            && !file.starts_with("bindgen/");
        is_code || file == "Cargo.toml" || file == "macros/Cargo.toml"
    };
    let there: BTreeSet<_> = files(&sources).into_iter().filter(is_source).collect();
    let embedded: BTreeSet<_> = sdk::SOURCES.iter().map(|(path, _)| (*path).to_owned()).collect();
    assert_eq!(embedded, there);

    let folder = tempfile::tempdir().unwrap();
    new("mine", folder.path()).unwrap();
    let written = files(&folder.path().join("mine/transform-sdk"));
    let format = ".rustfmt.toml".to_owned();
    assert_eq!(written, embedded.into_iter().chain([format]).collect());
}

#[test]
fn the_sdk_comes_without_its_tests_and_what_they_need() {
    for (path, text) in sdk::SOURCES {
        let tests = text
            .split_once("\n#[cfg(test)]\n")
            .map_or("mod tests", |(_, tests)| tests);
        assert!(tests.starts_with("mod tests"), "{path}: the tests are the last part");
    }
    for (path, text) in sdk::files() {
        assert!(!text.contains("cfg(test)"), "{path}");
        if path.ends_with("Cargo.toml") {
            let manifest: toml::Table = text.parse().unwrap();
            assert!(!manifest.contains_key("dev-dependencies"), "{manifest}");
            assert!(
                manifest.contains_key("dependencies") && manifest.contains_key("lints"),
                "{manifest}"
            );
            assert!(
                manifest["package"]["version"].is_str(),
                "a version of its own: {manifest}"
            );
        }
    }
}

#[test]
fn the_sdk_inherits_what_it_inherits_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let here: toml::Table = fs::read_to_string(root).unwrap().parse().unwrap();
    let there: toml::Table = sdk::WORKSPACE.parse().unwrap();
    let mut inherited = here["workspace"]["package"].as_table().unwrap().clone();
    // The SDK has a version of its own, as the author's crate has.
    inherited.remove("version");
    assert_eq!(there["workspace"]["package"].as_table(), Some(&inherited));
}

#[test]
fn nothing_is_left_to_fill_in() {
    let folder = tempfile::tempdir().unwrap();
    new("mine", folder.path()).unwrap();
    for file in [".gitignore", "Cargo.toml", "README.md", "sample.csv", "src/lib.rs"] {
        let text = fs::read_to_string(folder.path().join("mine").join(file)).unwrap();
        assert!(!text.contains("{{"), "{file}: {text}");
    }
}
