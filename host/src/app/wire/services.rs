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

pub fn cassandra_failure(error: OpenError) -> Failure {
    if error.is_unreachable() {
        Failure::Unreachable(error.into())
    } else {
        Failure::Usage(error.into())
    }
}

pub fn connect_failure(error: ConnectError) -> Failure {
    cassandra_failure(error.into())
}

pub fn schema_failure(error: SchemaError) -> Failure {
    match error {
        error if error.is_unreachable() => Failure::Unreachable(error.into()),
        SchemaError::KeyspaceName { .. } | SchemaError::Unanswered(_) => Failure::Usage(error.into()),
        SchemaError::NotCreate { .. } | SchemaError::Create { .. } => Failure::Failed(error.into()),
    }
}

pub fn topic_failure(error: topic::OpenError) -> Failure {
    if error.is_unreachable() {
        Failure::Unreachable(error.into())
    } else {
        Failure::Usage(error.into())
    }
}

pub fn kafka_failure(error: AdminError) -> Failure {
    match error {
        AdminError::Unreachable { .. } => Failure::Unreachable(error.into()),
        AdminError::Settings(_) => Failure::Usage(error.into()),
        AdminError::Refused { .. } => Failure::Failed(error.into()),
    }
}

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
