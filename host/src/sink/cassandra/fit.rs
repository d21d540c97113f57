//! Whether an output of a plugin fits its table: every field finds a column that its type may go into, and every
//! column of the primary key gets a value. All mismatches are reported at once, with the names of both sides.

use crate::cassandra::binding::{Binding, Role};
use crate::cassandra::convert::{self, can_convert};
use crate::cassandra::table::Table;
use crate::record::descriptor::{Effect, Field, Output};

/// One way in which an output and its table do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    #[error("output {output}: field {field} has no column in table {table} (its columns are {columns})")]
    NoColumn {
        output: String,
        field: String,
        table: String,
        columns: String,
    },
    #[error(
        "output {output}: field {field} goes to column {column} of table {table}, whose type {cql_type} is not understood"
    )]
    NotUnderstood {
        output: String,
        field: String,
        table: String,
        column: String,
        cql_type: String,
    },
    #[error("output {output}: fields {first} and {second} both go to column {column} of table {table}")]
    SameColumn {
        output: String,
        first: String,
        second: String,
        table: String,
        column: String,
    },
    #[error("output {output}: field {field} does not fit column {column} of table {table}: {cause}")]
    Type {
        output: String,
        field: String,
        table: String,
        column: String,
        cause: Box<convert::Mismatch>,
    },
    #[error("output {output}: no field gives column {column}, which is part of the primary key of table {table}")]
    NoKeyField {
        output: String,
        table: String,
        column: String,
    },
    #[error(
        "output {output}: field {field} is nullable, and column {column} is part of the primary key of table {table}"
    )]
    NullableKey {
        output: String,
        field: String,
        table: String,
        column: String,
    },
    #[error("output {output}: field {field} is not in the primary key of table {table}, by which the row is deleted")]
    NotKey {
        output: String,
        field: String,
        table: String,
    },
}

/// The binding of each field, in their order, or everything that does not fit.
pub fn fit(output: &Output, table: &Table) -> Result<Vec<Binding>, Vec<Mismatch>> {
    let mut bindings: Vec<Binding> = Vec::with_capacity(output.fields.len());
    let mut mismatches = Vec::new();
    for (index, field) in output.fields.iter().enumerate() {
        match fit_field(index, field, output, table) {
            Ok(binding) => match bindings.iter().find(|other| other.column == binding.column) {
                Some(other) => mismatches.push(Mismatch::SameColumn {
                    output: output.name.clone(),
                    first: output.fields[other.field].name.clone(),
                    second: field.name.clone(),
                    table: full_name(table),
                    column: binding.column,
                }),
                None => bindings.push(binding),
            },
            Err(mismatch) => mismatches.push(mismatch),
        }
    }
    // A key column whose field is there but does not fit has been reported above.
    let is_given = |column: &str| {
        let fields = output.fields.iter();
        let mut names = fields.filter_map(|field| table.column_name(&field.name));
        names.any(|name| name == column)
    };
    let missing = table.primary_key().filter(|column| !is_given(column));
    mismatches.extend(missing.map(|column| Mismatch::NoKeyField {
        output: output.name.clone(),
        table: full_name(table),
        column: column.to_owned(),
    }));
    if mismatches.is_empty() {
        Ok(bindings)
    } else {
        Err(mismatches)
    }
}

fn fit_field(index: usize, field: &Field, output: &Output, table: &Table) -> Result<Binding, Mismatch> {
    if let Some((column, cql_type)) = table.not_understood(&field.name) {
        return Err(Mismatch::NotUnderstood {
            output: output.name.clone(),
            field: field.name.clone(),
            table: full_name(table),
            column: column.to_owned(),
            cql_type: cql_type.to_owned(),
        });
    }
    let Some((column, column_type)) = table.column(&field.name) else {
        return Err(Mismatch::NoColumn {
            output: output.name.clone(),
            field: field.name.clone(),
            table: full_name(table),
            columns: table.columns.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        });
    };
    can_convert(field.data_type, column_type).map_err(|cause| Mismatch::Type {
        output: output.name.clone(),
        field: field.name.clone(),
        table: full_name(table),
        column: column.to_owned(),
        cause: Box::new(cause),
    })?;
    let role = if table.is_key(column) { Role::Key } else { Role::Value };
    match role {
        Role::Key if field.nullable => Err(Mismatch::NullableKey {
            output: output.name.clone(),
            field: field.name.clone(),
            table: full_name(table),
            column: column.to_owned(),
        }),
        Role::Value if output.effect == Effect::Delete => Err(Mismatch::NotKey {
            output: output.name.clone(),
            field: field.name.clone(),
            table: full_name(table),
        }),
        role => Ok(Binding {
            field: index,
            data_type: field.data_type,
            column: column.to_owned(),
            column_type: column_type.clone(),
            role,
        }),
    }
}

fn full_name(table: &Table) -> String {
    format!("{}.{}", table.keyspace, table.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cassandra::types::{ColumnType, NativeType};
    use crate::record::columns::DataType;
    use crate::record::descriptor::Target;

    fn orders() -> Table {
        let native = |(name, column_type): (&str, NativeType)| (name.to_owned(), ColumnType::Native(column_type));
        let columns = [
            ("order_id", NativeType::Uuid),
            ("customer_id", NativeType::Uuid),
            ("order_status", NativeType::Text),
            ("orderhour", NativeType::Int),
            ("Mixed", NativeType::Text),
            ("mixed", NativeType::Int),
        ];
        Table {
            keyspace: "shop".into(),
            name: "orders".into(),
            columns: columns.into_iter().map(native).collect(),
            partition_key: vec!["customer_id".into()],
            clustering_key: vec!["order_id".into()],
            ..Table::default()
        }
    }

    fn output(effect: Effect, fields: &[(&str, DataType, bool)]) -> Output {
        let field = |(name, data_type, nullable): &(&str, DataType, bool)| Field {
            name: (*name).to_owned(),
            data_type: *data_type,
            nullable: *nullable,
        };
        Output {
            name: "orders".into(),
            target: Target::Table("orders".into()),
            effect,
            fields: fields.iter().map(field).collect(),
        }
    }

    const KEY: [(&str, DataType, bool); 2] = [
        ("order_id", DataType::Uuid, false),
        ("customer_id", DataType::Uuid, false),
    ];

    fn messages(output: &Output) -> Vec<String> {
        let mismatches = fit(output, &orders()).unwrap_err();
        mismatches.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_fold_as_in_cql_and_an_exact_name_comes_first() {
        let fields = [
            ("Order_ID", DataType::Uuid, false),
            ("customer_id", DataType::Uuid, false),
            ("OrderHour", DataType::Int32, true),
            ("Mixed", DataType::Text, true),
        ];
        let bindings = fit(&output(Effect::Upsert, &fields), &orders()).unwrap();
        let columns: Vec<(&str, Role)> = bindings.iter().map(|it| (it.column.as_str(), it.role)).collect();
        assert_eq!(
            columns,
            [
                ("order_id", Role::Key),
                ("customer_id", Role::Key),
                ("orderhour", Role::Value),
                ("Mixed", Role::Value),
            ]
        );
    }

    #[test]
    fn everything_that_does_not_fit_is_reported_at_once() {
        let fields = [
            ("order_id", DataType::Uuid, true),
            ("order_status", DataType::Int32, true),
            ("colour", DataType::Text, true),
        ];
        assert_eq!(
            messages(&output(Effect::Upsert, &fields)),
            [
                "output orders: field order_id is nullable, and column order_id is part of the primary key of table shop.orders",
                "output orders: field order_status does not fit column order_status of table shop.orders: int32 cannot become text",
                "output orders: field colour has no column in table shop.orders (its columns are Mixed, customer_id, mixed, order_id, order_status, orderhour)",
                "output orders: no field gives column customer_id, which is part of the primary key of table shop.orders",
            ]
        );
    }

    #[test]
    fn a_column_of_a_type_that_is_not_understood_concerns_only_those_that_write_it() {
        let mut table = orders();
        let odd = |name: &str| (name.to_owned(), "'org.example.OddType'".to_owned());
        table.not_understood = [odd("odd")].into();
        assert!(fit(&output(Effect::Upsert, &KEY), &table).is_ok());
        let mut fields = KEY.to_vec();
        fields.push(("Odd", DataType::Text, true));
        let mismatches = fit(&output(Effect::Upsert, &fields), &table).unwrap_err();
        assert_eq!(mismatches.len(), 1, "{mismatches:?}");
        assert_eq!(
            mismatches[0].to_string(),
            "output orders: field Odd goes to column odd of table shop.orders, whose type 'org.example.OddType' is not \
             understood"
        );
        table.partition_key.push("odd".into());
        let mismatches = fit(&output(Effect::Upsert, &fields), &table).unwrap_err();
        assert_eq!(mismatches.len(), 1, "{mismatches:?}");
    }

    #[test]
    fn two_fields_of_one_column_are_refused() {
        let mut fields = KEY.to_vec();
        fields.extend([
            ("OrderHour", DataType::Int32, true),
            ("orderhour", DataType::Int32, true),
        ]);
        assert_eq!(
            messages(&output(Effect::Upsert, &fields)),
            ["output orders: fields OrderHour and orderhour both go to column orderhour of table shop.orders"]
        );
    }

    #[test]
    fn a_row_is_deleted_by_its_whole_key_and_nothing_else() {
        assert!(fit(&output(Effect::Delete, &KEY), &orders()).is_ok());
        let mut fields = KEY.to_vec();
        fields.push(("order_status", DataType::Text, true));
        assert_eq!(
            messages(&output(Effect::Delete, &fields)),
            [
                "output orders: field order_status is not in the primary key of table shop.orders, by which the row is deleted"
            ]
        );
    }
}
