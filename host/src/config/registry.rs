//! Reads `[registry]`.

use super::address;
use super::values::Values;
use crate::connection::{Login, RegistryConnection, Secret};

/// Where the schema registry is, and how to log in there.
pub(super) fn connection(values: &mut Values) -> RegistryConnection {
    let url = values.parse("registry.url", |text| address::url(text, "SCHEMA_REGISTRY_AUTH"));
    let auth = values.text("registry.auth").and_then(|text| {
        let login = text.split_once(':').map(|(user, password)| Login {
            user: user.to_owned(),
            password: Secret::new(password),
        });
        if login.is_none() {
            values.blame("registry.auth", "not of the form user:password");
        }
        login
    });
    RegistryConnection {
        url: url.unwrap_or_default(),
        auth,
    }
}
