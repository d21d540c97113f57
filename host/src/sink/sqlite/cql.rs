//! Reads `CREATE TABLE` out of CQL scripts, just enough to make the same table in SQLite: names, types, primary key.
//! Everything else in a script is skipped.

use super::table::{Column, Table};

/// The tables that the scripts create, in order. A statement that this reader does not understand is left out: the
/// table is then made from the plugin's fields alone.
pub fn tables<'a>(scripts: impl IntoIterator<Item = &'a str>) -> Vec<Table> {
    scripts
        .into_iter()
        .flat_map(|script| {
            let tokens = tokens(script);
            let statements: Vec<Option<Table>> = tokens
                .split(|token| token == ";")
                .map(|statement| Words(statement).create_table())
                .collect();
            statements.into_iter().flatten()
        })
        .collect()
}

/// Words, quoted names without their quotes, and single signs. Comments are left out.
fn tokens(script: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = script;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("--") || rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first == '"' || first == '\'' {
            let end = rest[1..].find(first).map_or(rest.len(), |end| end + 2);
            tokens.push(rest[..end].trim_matches(first).to_owned());
            end
        } else if is_word(first) {
            let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
            tokens.push(rest[..end].to_owned());
            end
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The rest of a statement.
#[derive(Clone, Copy)]
struct Words<'a>(&'a [String]);

impl<'a> Words<'a> {
    /// `CREATE TABLE [IF NOT EXISTS] [keyspace.]name ( column type [STATIC] [PRIMARY KEY], … [, PRIMARY KEY (…)] ) …`
    fn create_table(mut self) -> Option<Table> {
        if !(self.takes("CREATE") && (self.takes("TABLE") || self.takes("COLUMNFAMILY"))) {
            return None;
        }
        if self.takes("IF") {
            self.next()?;
            self.next()?;
        }
        let mut name = self.next()?;
        if self.takes(".") {
            name = self.next()?;
        }
        let mut table = Table {
            name: name.clone(),
            columns: Vec::new(),
            key: Vec::new(),
        };
        let body = self.group()?;
        for part in body.parts() {
            part.read_into(&mut table)?;
        }
        (!table.key.is_empty()).then_some(table)
    }

    fn read_into(mut self, table: &mut Table) -> Option<()> {
        if self.takes("PRIMARY") {
            let key = self.after("KEY")?.group()?;
            // ((partition key), clustering columns): all of them are the key.
            table.key = key
                .0
                .iter()
                .filter(|word| !matches!(word.as_str(), "(" | ")" | ","))
                .cloned()
                .collect();
            return Some(());
        }
        let name = self.next()?.clone();
        let cql_type = self.next()?.to_ascii_lowercase();
        if self.0.iter().any(|word| word.eq_ignore_ascii_case("PRIMARY")) {
            table.key = vec![name.clone()];
        }
        table.columns.push(Column {
            name,
            affinity: affinity(&cql_type),
        });
        Some(())
    }

    fn next(&mut self) -> Option<&'a String> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_next = self.0.first().is_some_and(|next| next.eq_ignore_ascii_case(word));
        if is_next {
            self.0 = &self.0[1..];
        }
        is_next
    }

    fn after(mut self, word: &str) -> Option<Self> {
        self.takes(word).then_some(self)
    }

    /// The text between `(` here and its `)`.
    fn group(self) -> Option<Self> {
        let inner = self.after("(")?;
        let mut depth = 1;
        let end = inner.0.iter().position(|word| {
            depth += nesting(word);
            depth == 0
        })?;
        Some(Self(&inner.0[..end]))
    }

    /// Parts between the commas that stand in no brackets.
    fn parts(self) -> Vec<Self> {
        let mut depth = 0;
        self.0
            .split(|word| {
                depth += nesting(word);
                depth == 0 && word == ","
            })
            .map(Words)
            .collect()
    }
}

fn nesting(word: &str) -> i32 {
    match word {
        "(" | "<" => 1,
        ")" | ">" => -1,
        _ => 0,
    }
}

/// The type in which SQLite keeps a CQL type. Everything that the host writes as text is TEXT.
fn affinity(cql_type: &str) -> &'static str {
    match cql_type {
        "int" | "bigint" | "smallint" | "tinyint" | "boolean" | "counter" => "INTEGER",
        "double" | "float" => "REAL",
        "blob" => "BLOB",
        _ => "TEXT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_types_and_the_whole_primary_key() {
        let script = "
            -- a comment; with (signs
            CREATE KEYSPACE IF NOT EXISTS shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3};
            CREATE TABLE IF NOT EXISTS shop.orders (
                order_id uuid, customer_id uuid, /* note, */ total double,
                tags map<text, frozen<list<int>>>, \"OrderHour\" int, OrderDayOfWeek text,
                PRIMARY KEY ((customer_id), order_id)
            ) WITH CLUSTERING ORDER BY (order_id DESC) AND comment = 'a;b';
            CREATE TABLE plain (id text PRIMARY KEY, raw blob);
            CREATE INDEX ON plain (raw)";
        let tables = tables([script]);
        let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["orders", "plain"]);
        let columns: Vec<(&str, &str)> = tables[0]
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.affinity))
            .collect();
        assert_eq!(
            columns,
            [
                ("order_id", "TEXT"),
                ("customer_id", "TEXT"),
                ("total", "REAL"),
                ("tags", "TEXT"),
                ("OrderHour", "INTEGER"),
                ("OrderDayOfWeek", "TEXT")
            ]
        );
        assert_eq!(tables[0].key, ["customer_id", "order_id"]);
        assert_eq!(tables[1].key, ["id"]);
    }

    #[test]
    fn a_broken_script_gives_no_table_and_no_panic() {
        for script in [
            "CREATE TABLE",
            "CREATE TABLE t (",
            "CREATE TABLE t (a",
            "CREATE TABLE t (a int)",
            "\"",
            "/*",
            "'é",
        ] {
            assert!(tables([script]).is_empty(), "{script}");
        }
    }
}
