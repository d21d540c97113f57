//! Collects the settings that the settings file, the environment and flags give.

use std::path::Path;

use super::given::{Flags, Said, Surroundings};
use super::problem::Problems;
use super::{environment, file};

/// Collects all settings from everywhere, for [`super::build`] to judge.
pub fn collect(flags: &Flags, surroundings: &Surroundings) -> Said {
    let mut said = Said {
        given: Vec::new(),
        problems: Problems(Vec::new()),
        unread: Vec::new(),
        strangers: Vec::new(),
    };
    let default_file = surroundings.path(Path::new("host.toml"));
    match &flags.file {
        Some(path) => file::read(&surroundings.path(path), file::Presence::Required, &mut said),
        None => file::read(&default_file, file::Presence::Optional, &mut said),
    }
    environment::read(surroundings, &surroundings.path(Path::new(".env")), &mut said);
    said.given.extend(flags.given.iter().cloned());
    said
}
