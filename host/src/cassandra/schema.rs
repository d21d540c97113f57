//! Creates keyspace and tables from a CQL file, such as cqlsh runs too. Only `CREATE KEYSPACE` and `CREATE TABLE` are
//! understood: the file says what should be there, and nothing that is there is changed.

use super::asking::{Asking, Unanswered};
use super::errors::RequestError;
use super::system_schema;
use super::table::is_system;

/// Replicas that a keyspace should have: QUORUM then goes on with one of them down.
pub const WANTED_REPLICAS: usize = 3;

/// A keyspace or table, and whether it had to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// `keyspace ecommerce`, `table ecommerce.orders`.
    pub what: String,
    pub state: State,
}

/// What became of a keyspace or table that a statement asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Created,
    WasThere,
}

/// Why a keyspace or table could not be created from a CQL file.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("{statement:?} is neither CREATE KEYSPACE nor CREATE TABLE")]
    NotCreate { statement: String },
    #[error("{name:?} is not a valid keyspace name: use a letter, then at most 47 letters, digits and underscores")]
    KeyspaceName { name: String },
    #[error("{what} cannot be created")]
    Create {
        what: String,
        #[source]
        cause: RequestError,
    },
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
}

impl SchemaError {
    /// Whether the service is out of reach (exit code 3), rather than unwilling.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Create { cause, .. } => cause.fault().is_outage(),
            Self::Unanswered(unanswered) => unanswered.is_unreachable(),
            Self::NotCreate { .. } | Self::KeyspaceName { .. } => false,
        }
    }
}

/// A statement of a CQL file.
#[derive(Debug, PartialEq, Eq)]
enum Statement<'a> {
    Keyspace,
    Table { name: &'a str, definition: &'a str },
}

/// Runs the statements of `file`, in order, with `keyspace` in place of the one that the file names.
pub async fn create(
    asking: &Asking<'_>,
    file: &str,
    keyspace: &str,
    replication_factor: usize,
) -> Result<Vec<Created>, SchemaError> {
    let keyspace = keyspace_name(keyspace)?;
    let mut created = Vec::new();
    for text in statements(&without_comments(file)) {
        let (what, cql, is_there) = match parse(&text)? {
            Statement::Keyspace => (
                format!("keyspace {keyspace}"),
                format!(
                    "CREATE KEYSPACE IF NOT EXISTS {keyspace} WITH replication = \
                     {{'class': 'NetworkTopologyStrategy', 'replication_factor': {replication_factor}}}"
                ),
                system_schema::keyspaces(asking).await?.contains_key(&keyspace),
            ),
            Statement::Table { name, definition } => (
                format!("table {keyspace}.{name}"),
                format!("CREATE TABLE IF NOT EXISTS {keyspace}.{name} {definition}"),
                has_table(asking, &keyspace, name).await?,
            ),
        };
        if !is_there {
            let create = || asking.session().query_unpaged(cql.as_str(), ());
            let result = asking.again(&format!("that it has created {what}"), create).await;
            result.map_err(|error| SchemaError::Create {
                what: what.clone(),
                cause: error.into(),
            })?;
        }
        let state = if is_there { State::WasThere } else { State::Created };
        created.push(Created { what, state });
    }
    Ok(created)
}

/// The replication factor that a keyspace has, in the datacenter where it is smallest.
pub async fn replication_factor(asking: &Asking<'_>, keyspace: &str) -> Result<Option<usize>, Unanswered> {
    let keyspaces = system_schema::keyspaces(asking).await?;
    Ok(keyspaces.get(keyspace).and_then(system_schema::replication_factor))
}

/// The name as CQL understands it unquoted.
pub fn keyspace_name(name: &str) -> Result<String, SchemaError> {
    let is_word = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let starts_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let folded = name.to_ascii_lowercase();
    if starts_well && name.len() <= 48 && is_word(name) && !is_system(&folded) {
        Ok(folded)
    } else {
        Err(SchemaError::KeyspaceName { name: name.to_owned() })
    }
}

async fn has_table(asking: &Asking<'_>, keyspace: &str, table: &str) -> Result<bool, Unanswered> {
    let table = table.to_ascii_lowercase();
    Ok(system_schema::tables(asking, keyspace).await?.contains(&table))
}

/// The file's lines without what follows `--`. The files of this project have no `--` inside a string.
fn without_comments(file: &str) -> String {
    let lines = file.lines().map(|line| line.split("--").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn statements(text: &str) -> impl Iterator<Item = String> {
    let statements = text.split(';').map(|statement| statement.trim().to_owned());
    statements.filter(|statement| !statement.is_empty())
}

fn parse(statement: &str) -> Result<Statement<'_>, SchemaError> {
    let not_create = || SchemaError::NotCreate {
        statement: statement.chars().take(40).collect(),
    };
    if after(statement, "CREATE KEYSPACE IF NOT EXISTS").is_some() {
        return Ok(Statement::Keyspace);
    }
    let rest = after(statement, "CREATE TABLE IF NOT EXISTS").ok_or_else(not_create)?;
    let (name, definition) = rest.split_once('(').ok_or_else(not_create)?;
    let (_keyspace, name) = name.trim().split_once('.').ok_or_else(not_create)?;
    Ok(Statement::Table {
        name,
        definition: &rest[rest.len() - definition.len() - 1..],
    })
}

fn after<'a>(statement: &'a str, words: &str) -> Option<&'a str> {
    let (start, rest) = statement.split_at_checked(words.len())?;
    start.eq_ignore_ascii_case(words).then_some(rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = include_str!("../../../cql/ecommerce.cql");

    #[test]
    fn the_projects_file_is_a_keyspace_and_the_table_of_orders() {
        let text = without_comments(FILE);
        let texts: Vec<String> = statements(&text).collect();
        assert_eq!(texts.len(), 2);
        assert_eq!(parse(&texts[0]).unwrap(), Statement::Keyspace);
        let Statement::Table { name, definition } = parse(&texts[1]).unwrap() else {
            panic!("the second statement is no table");
        };
        assert_eq!(name, "orders");
        assert!(definition.starts_with("(\n    order_id uuid,"), "{definition}");
        assert!(
            definition.ends_with("PRIMARY KEY ((customer_id), order_id, order_purchase_timestamp)\n)"),
            "{definition}"
        );
    }

    #[test]
    fn statements_that_change_what_is_there_are_refused() {
        for statement in [
            "DROP TABLE ecommerce.orders",
            "CREATE TABLE orders (id int PRIMARY KEY)",
            "",
        ] {
            assert!(
                matches!(parse(statement), Err(SchemaError::NotCreate { .. })),
                "{statement}"
            );
        }
    }

    #[test]
    fn a_keyspace_name_is_folded_and_cannot_carry_cql() {
        assert_eq!(keyspace_name("Shop_2").unwrap(), "shop_2");
        for name in [
            "",
            "1shop",
            "a b",
            "a;DROP",
            "système",
            "system",
            "system_auth",
            &"k".repeat(49),
        ] {
            assert!(keyspace_name(name).is_err(), "{name}");
        }
    }
}
