//! The exit code when a service fails at the start of a verb: 3 if it does not answer, 2 if settings, plugin or table
//! are wrong, 1 if the service answers and refuses.

use anyhow::Error;

use crate::app::failure::Failure;
use crate::cassandra::schema::SchemaError;
use crate::cassandra::session::ConnectError;
use crate::codec::registry::RegistryError;
use crate::fleet::FleetError;
use crate::kafka::admin::AdminError;
use crate::pipeline::batch::make::MakeError;
use crate::sink::cassandra::OpenError;
use crate::sink::topic;
use crate::source::error::{SourceError, SourceFault};

/// Exit code 3 if no node answers, 2 if a table or a setting is wrong.
pub fn cassandra_failure(error: OpenError) -> Failure {
    if error.is_unreachable() {
        Failure::Unreachable(error.into())
    } else {
        Failure::Usage(error.into())
    }
}

/// The same as [`cassandra_failure`], for the connection alone.
pub fn connect_failure(error: ConnectError) -> Failure {
    cassandra_failure(error.into())
}

/// Exit code 3 if no node answers, 2 if the keyspace is wrong, 1 if Cassandra refuses to create something.
pub fn schema_failure(error: SchemaError) -> Failure {
    match error {
        error if error.is_unreachable() => Failure::Unreachable(error.into()),
        SchemaError::KeyspaceName { .. } | SchemaError::Unanswered(_) => Failure::Usage(error.into()),
        SchemaError::NotCreate { .. } | SchemaError::Create { .. } => Failure::Failed(error.into()),
    }
}

/// Exit code 3 if no broker answers, 2 if the topic of an output or a setting is wrong.
pub fn topic_failure(error: topic::OpenError) -> Failure {
    if error.is_unreachable() {
        Failure::Unreachable(error.into())
    } else {
        Failure::Usage(error.into())
    }
}

/// Exit code 3 if no broker answers, 2 if a setting is wrong, 1 if the brokers refuse the request.
pub fn kafka_failure(error: AdminError) -> Failure {
    match error {
        AdminError::Unreachable { .. } => Failure::Unreachable(error.into()),
        AdminError::Settings(_) => Failure::Usage(error.into()),
        AdminError::Refused { .. } => Failure::Failed(error.into()),
    }
}

/// Exit code 3 if the registry does not answer, 2 if its address, the login or a schema is wrong, 1 if it refuses the
/// request.
pub fn registry_failure(error: RegistryError) -> Failure {
    match error {
        RegistryError::Unreachable { .. } => Failure::Unreachable(error.into()),
        RegistryError::BadUrl { .. }
        | RegistryError::Login { .. }
        | RegistryError::NotAvro { .. }
        | RegistryError::UnknownReference { .. } => Failure::Usage(error.into()),
        RegistryError::UnknownId { .. } | RegistryError::Refused { .. } => Failure::Failed(error.into()),
    }
}

/// Exit code 3 if the brokers do not answer, and 2 for everything else, since a topic, a file or a setting is wrong then.
pub fn source_failure(error: impl Into<SourceError>) -> Failure {
    let error = error.into();
    match error.fault {
        SourceFault::Away => Failure::Unreachable(error.into()),
        SourceFault::Gone
        | SourceFault::Forbidden
        | SourceFault::Setting
        | SourceFault::Replaced
        | SourceFault::Broken => Failure::Usage(error.into()),
    }
}

/// Exit code 3 if no broker answers, and 2 for everything else, since an address or a component is wrong then.
pub fn fleet_failure(error: FleetError) -> Failure {
    if error.is_unreachable() {
        Failure::Unreachable(error.into())
    } else {
        Failure::Usage(error.into())
    }
}

/// Sorts why a batch could not be made, for verbs that have no server to wait for: exit code 1.
pub fn make_failure(error: MakeError) -> Failure {
    Failure::Failed(match error {
        MakeError::Codec(error) => Error::new(error).context("cannot decode"),
        MakeError::Guest(error) => error.into(),
    })
}
