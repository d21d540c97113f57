//! A SQLite file against what Cassandra would do.

use arrow_array::{Array as _, ArrayRef, Float64Array, Int64Array, StringArray};

use super::*;
use crate::record::columns::{Batch, DataType};
use crate::record::display;
use crate::sink::SinkFault;
use crate::sink::fixture::{DELETE, UPSERT, delete_batch, descriptor, field, write_batch};
use crate::sink::one_key::Parts;
use crate::sink::read_back::{ReadBack, RowRef};

const SHOP: &str = "CREATE TABLE shop.Visits (id uuid, at timestamp, status text, extra int, PRIMARY KEY ((id), at))";

struct File {
    directory: tempfile::TempDir,
    sink: SqliteSink,
}

impl File {
    fn new(known: &[Table]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sink = SqliteSink::open_knowing(known, &directory.path().join("t.db"), &descriptor()).unwrap();
        Self { directory, sink }
    }

    async fn write(&self, batch: Arc<WriteBatch>) {
        let rows = batch.write_times.len();
        let which = (0..u32::try_from(rows).unwrap()).collect();
        for result in self.sink.write(batch, which).await {
            result.unwrap();
        }
    }

    /// Rows as text, cells joined by `|`.
    fn rows(&self) -> Vec<String> {
        let connection = Connection::open(self.directory.path().join("t.db")).unwrap();
        let sql = "SELECT concat_ws('|', substr(id, 35), at, ifnull(status, '-'), write_time) FROM visits ORDER BY id";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }
}

#[tokio::test]
async fn a_table_that_cql_knows_is_made_as_it_has_it() {
    let file = File::new(&cql::tables([SHOP]));
    file.write(write_batch(&[(1, Some("new"), 5), (2, None, 6)])).await;
    assert_eq!(
        file.rows(),
        ["01|1970-01-01T00:00:01Z|new|5", "02|1970-01-01T00:00:02Z|-|6"]
    );
    let connection = Connection::open(file.directory.path().join("t.db")).unwrap();
    let (name, sql): (String, String) = connection
        .query_row("SELECT name, sql FROM sqlite_schema WHERE name = 'Visits'", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(name, "Visits");
    for part in [
        "\"id\" TEXT NOT NULL",
        "\"extra\" INTEGER,",
        "PRIMARY KEY (\"id\", \"at\")",
    ] {
        assert!(sql.contains(part), "{sql}");
    }
}

#[tokio::test]
async fn the_greater_write_timestamp_wins_whichever_comes_last() {
    let file = File::new(&[]);
    file.write(write_batch(&[(1, Some("new"), 20)])).await;
    file.write(write_batch(&[(1, Some("old"), 10)])).await;
    assert_eq!(file.rows(), ["01|1970-01-01T00:00:01Z|new|20"]);
    file.write(write_batch(&[(1, Some("newest"), 30)])).await;
    assert_eq!(file.rows(), ["01|1970-01-01T00:00:01Z|newest|30"]);
}

#[tokio::test]
async fn a_null_leaves_alone_what_is_there() {
    let file = File::new(&[]);
    file.write(write_batch(&[(1, Some("kept"), 10), (1, None, 20)])).await;
    assert_eq!(file.rows(), ["01|1970-01-01T00:00:01Z|kept|20"]);
}

#[tokio::test]
async fn a_deleted_row_does_not_come_back_with_an_older_write() {
    let file = File::new(&[]);
    file.write(write_batch(&[(1, Some("a"), 10), (2, Some("b"), 10)])).await;
    file.write(delete_batch(&[(1, 20)])).await;
    file.write(delete_batch(&[(2, 5)])).await;
    assert_eq!(
        file.rows(),
        ["02|1970-01-01T00:00:02Z|b|10"],
        "only what is not newer is deleted"
    );
    file.write(write_batch(&[(1, Some("older"), 15), (1, Some("same"), 20)]))
        .await;
    assert_eq!(file.rows().len(), 1);
    file.write(write_batch(&[(1, Some("newer"), 21)])).await;
    assert_eq!(file.rows()[0], "01|1970-01-01T00:00:01Z|newer|21");
}

#[tokio::test]
async fn a_replay_changes_nothing() {
    let file = File::new(&[]);
    let batches = || {
        [
            write_batch(&[(1, Some("a"), 10), (2, Some("b"), 11)]),
            delete_batch(&[(2, 12)]),
        ]
    };
    for batch in batches() {
        file.write(batch).await;
    }
    let first = file.rows();
    for batch in batches() {
        file.write(batch).await;
    }
    assert_eq!(file.rows(), first);
}

/// Writes the rows of one record, which come in this order, and then all of them again.
async fn write_record(sink: &SqliteSink, batches: &[Arc<WriteBatch>]) {
    let write = |batch: &Arc<WriteBatch>| WriteBatch {
        output: batch.output,
        batch: batch.batch.clone(),
        write_times: batch.write_times.clone(),
        records: Arc::default(),
        source: vec![0; batch.batch.rows],
        numbers: Vec::new(),
        parts: Parts::new(),
    };
    let mut writes: Vec<_> = batches.iter().map(write).collect();
    sink.arrange(&mut writes);
    let writes: Vec<_> = writes.into_iter().map(Arc::new).collect();
    for write in writes.iter().chain(writes.iter().rev()) {
        let which = (0..).take(write.batch.rows).collect();
        for result in sink.write(Arc::clone(write), which).await {
            result.unwrap();
        }
    }
}

#[tokio::test]
async fn of_one_record_the_last_row_of_a_key_stands() {
    let put = |status, time| write_batch(&[(1, status, time)]);
    let delete = |time| delete_batch(&[(1, time)]);
    let row = |status: &str| vec![format!("01|1970-01-01T00:00:01Z|{status}|20")];
    for (rows, expected) in [
        (vec![delete(20), put(None, 20)], row("-")),
        (vec![put(Some("a"), 20), delete(20)], vec![]),
        (vec![put(Some("b"), 20), put(Some("a"), 20)], row("a")),
        (vec![put(Some("b"), 20), put(None, 20)], row("b")),
        (vec![put(Some("b"), 20), delete(20), put(None, 20)], row("-")),
        (vec![delete(20), put(Some("b"), 20), delete(20)], vec![]),
    ] {
        let file = File::new(&[]);
        file.write(write_batch(&[(1, Some("before"), 4)])).await;
        write_record(&file.sink, &rows).await;
        assert_eq!(file.rows(), expected, "{rows:?}");
    }
}

/// A table that was made by hand, from which an output deletes by a part of the key.
#[tokio::test]
async fn a_delete_by_a_part_of_the_key_takes_the_rows_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.db");
    let table =
        "CREATE TABLE Visits (id TEXT, at TEXT, status TEXT NOT NULL, write_time INTEGER, PRIMARY KEY (id, at))";
    Connection::open(&path).unwrap().execute_batch(table).unwrap();
    let mut descriptor = descriptor();
    descriptor.outputs[DELETE].fields.truncate(1);
    let sink = SqliteSink::open_knowing(&[], &path, &descriptor).unwrap();
    let delete = || {
        let whole = delete_batch(&[(1, 20)]);
        let columns = whole.batch.columns[..1].to_vec();
        Arc::new(WriteBatch {
            output: DELETE,
            batch: Batch { rows: 1, columns },
            write_times: whole.write_times.clone(),
            records: Arc::default(),
            source: Vec::new(),
            numbers: Vec::new(),
            parts: Parts::new(),
        })
    };
    let put = |status| write_batch(&[(1, Some(status), 20)]);
    let left = || {
        let connection = Connection::open(&path).unwrap();
        let mut statement = connection.prepare("SELECT status FROM visits").unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<Vec<String>, _>>().unwrap()
    };
    write_record(&sink, &[put("a"), delete(), put("b"), put("c")]).await;
    assert_eq!(left(), ["c"]);
    write_record(&sink, &[put("a"), delete()]).await;
    assert!(left().is_empty());
}

#[tokio::test]
async fn only_the_rows_asked_for_are_written_and_a_null_key_spoils_its_own_row_only() {
    let file = File::new(&[]);
    let whole = write_batch(&[(1, None, 1), (2, None, 1), (3, None, 1)]);
    let mut columns = whole.batch.columns.clone();
    columns[1] = Arc::new(arrow_array::TimestampMillisecondArray::from(vec![
        Some(1000),
        None,
        Some(3000),
    ]));
    let batch = Arc::new(WriteBatch {
        output: UPSERT,
        batch: Batch { rows: 3, columns },
        write_times: whole.write_times.clone(),
        records: Arc::default(),
        source: Vec::new(),
        numbers: Vec::new(),
        parts: Parts::new(),
    });
    let results = file.sink.write(batch, vec![1, 2]).await;
    let [Err(error), Ok(())] = &results[..] else {
        panic!("{results:?}");
    };
    assert_eq!((error.fault, error.at.as_deref()), (SinkFault::NullKey, Some("at")));
    assert_eq!(file.rows(), ["03|1970-01-01T00:00:03Z|-|1"]);
}

#[tokio::test]
async fn rows_read_again_look_as_they_were_given() {
    let file = File::new(&[]);
    let written = write_batch(&[(1, Some("a"), 1), (2, None, 1)]);
    file.write(Arc::clone(&written)).await;
    for row in 0..2 {
        let row = RowRef {
            batch: Arc::new(written.batch.clone()),
            row,
        };
        let found = file.sink.read(UPSERT, &row).await.unwrap();
        assert_eq!(found, Some(file.sink.image(UPSERT, &row).unwrap()));
    }
    let absent = RowRef {
        batch: Arc::new(write_batch(&[(9, None, 1)]).batch.clone()),
        row: 0,
    };
    assert_eq!(file.sink.read(UPSERT, &absent).await.unwrap(), None);
}

fn faults(results: &[Result<(), SinkError>]) -> Vec<Option<SinkFault>> {
    let fault = |result: &Result<(), SinkError>| result.as_ref().err().map(|error| error.fault);
    results.iter().map(fault).collect()
}

#[tokio::test]
async fn a_file_that_can_no_longer_be_written_fails_every_row_and_keeps_none() {
    let file = File::new(&[]);
    let other = Connection::open(file.directory.path().join("t.db")).unwrap();
    other.execute_batch("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE").unwrap();
    file.sink.shared.connection().busy_timeout(Duration::ZERO).unwrap();
    let results = file
        .sink
        .write(write_batch(&[(1, None, 1), (2, None, 1)]), vec![0, 1])
        .await;
    assert_eq!(faults(&results), [Some(SinkFault::Busy); 2]);
    other.execute_batch("ROLLBACK").unwrap();
    file.write(write_batch(&[(1, None, 1)])).await;
    other.execute_batch("DROP TABLE visits").unwrap();
    let results = file.sink.write(write_batch(&[(1, None, 1)]), vec![0]).await;
    assert_eq!(faults(&results), [Some(SinkFault::Gone)]);
}

#[test]
fn what_does_not_fit_is_refused_with_names() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let message = |path: &Path, descriptor: &Descriptor| -> String {
        let Err(error) = SqliteSink::open_knowing(&[], path, descriptor).map(drop) else {
            panic!("{} was opened", path.display());
        };
        let cause = std::error::Error::source(&error)
            .map(ToString::to_string)
            .unwrap_or_default();
        format!("{error}: {cause}")
    };
    std::fs::write(path("text.db"), "id;at;status\n".repeat(100)).unwrap();
    assert!(message(&path("text.db"), &descriptor()).contains("not a SQLite file"));
    assert!(message(&path("no/such/folder.db"), &descriptor()).contains("cannot be opened"));

    let make = |name: &str, sql: &str| {
        Connection::open(path(name)).unwrap().execute_batch(sql).unwrap();
        message(&path(name), &descriptor())
    };
    let missing = make("a.db", "CREATE TABLE visits (id TEXT PRIMARY KEY, write_time INTEGER)");
    assert!(missing.contains("no column at, status"), "{missing}");
    let foreign = make(
        "b.db",
        "CREATE TABLE visits (id TEXT PRIMARY KEY, at TEXT, status TEXT)",
    );
    assert!(foreign.contains("write_time INTEGER"), "{foreign}");
    let keyless = make("c.db", "CREATE TABLE visits (id, at, status, write_time)");
    assert!(keyless.contains("no primary key"), "{keyless}");

    let mut nullable = descriptor();
    nullable.outputs.truncate(1);
    nullable.outputs[0].fields = vec![field("status", DataType::Text, true)];
    assert!(message(&path("d.db"), &nullable).contains("primary key of table visits"));
}

#[test]
fn the_tables_of_the_project_are_read_from_its_cql() {
    let tables = cql::tables(CQL.iter().copied());
    let orders = tables.iter().find(|table| table.name == "orders").unwrap();
    assert_eq!(orders.columns.len(), 10);
    assert_eq!(orders.key, ["customer_id", "order_id", "order_purchase_timestamp"]);
}

/// A column of one data type, and how many rows it has.
fn values(data_type: DataType) -> (ArrayRef, u8) {
    let texts = [
        "007",
        "7",
        "-7",
        "+7",
        " 7",
        "1.5",
        "1.50",
        "1e3",
        "1e400",
        "12345678901234567890",
        ".5",
        "5.",
        "abc",
        "inf",
        "nan",
        "0x10",
        "1_0",
        "2017-10-02",
        "",
        "-",
        "1e",
    ];
    let numbers = [0.5, 0.1 + 0.2, 3.0, 1e300, f64::INFINITY, f64::NAN, 1.0 / 3.0];
    let wholes = [0, -1, 1 << 53, (1 << 53) + 1, i64::MAX, i64::MIN];
    let column: ArrayRef = match data_type {
        DataType::Float64 => Arc::new(Float64Array::from(numbers.to_vec())),
        DataType::Int64 => Arc::new(Int64Array::from(wholes.to_vec())),
        _ => Arc::new(StringArray::from(texts.to_vec())),
    };
    let rows = u8::try_from(column.len()).unwrap();
    (column, rows)
}

/// Floats are the same as numbers, whatever they are written like.
fn same(data_type: DataType, one: Option<&String>, other: Option<&String>) -> bool {
    let number = |text: Option<&String>| text.and_then(|text| text.parse::<f64>().ok());
    one == other || data_type == DataType::Float64 && number(one).is_some() && number(one) == number(other)
}

/// What SQLite itself makes of values in columns of each type, against what is refused beforehand.
#[tokio::test]
async fn what_a_column_would_change_is_refused_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.db");
    let connection = Connection::open(&path).unwrap();
    let types = [
        "TEXT",
        "VARCHAR(9)",
        "INTEGER",
        "BIGINT",
        "REAL",
        "DOUBLE",
        "DECIMAL(9, 2)",
        "BLOB",
        "",
    ];
    for (declared, data_type) in types.iter().flat_map(|declared| {
        [DataType::Text, DataType::Float64, DataType::Int64].map(|data_type| (declared, data_type))
    }) {
        let sql = format!(
            "DROP TABLE IF EXISTS visits; CREATE TABLE visits (id TEXT, at TEXT, v {declared}, write_time INTEGER, \
             PRIMARY KEY (id, at))"
        );
        connection.execute_batch(&sql).unwrap();
        let mut descriptor = descriptor();
        descriptor.outputs.truncate(1);
        let field = field("v", data_type, true);
        descriptor.outputs[0].fields[2] = field.clone();
        let sink = SqliteSink::open_knowing(&[], &path, &descriptor).unwrap();
        let (column, rows) = values(data_type);
        let ids: Vec<_> = (0..rows).map(|id| (id, None, 1)).collect();
        let mut batch = Arc::into_inner(write_batch(&ids)).unwrap();
        batch.batch.columns[2] = Arc::clone(&column);
        let shared = Arc::new(batch.batch.clone());
        let results = sink.write(Arc::new(batch), (0..rows.into()).collect()).await;
        for (row, result) in results.into_iter().enumerate() {
            let expected = display::text(&field, &column, row);
            let shown = format!("{expected:?} of {data_type} in {declared:?}: {result:?}");
            let at = RowRef {
                batch: Arc::clone(&shared),
                row,
            };
            if result.is_ok() {
                let found = sink.read(UPSERT, &at).await.unwrap().expect("the row");
                assert!(
                    same(data_type, found.cells[2].as_ref(), expected.as_ref()),
                    "{shown}: {found:?}"
                );
                continue;
            }
            // SQLite, asked directly, changes it.
            let value = value::of(&field, &column, row).unwrap();
            let insert = "INSERT OR REPLACE INTO visits VALUES ('x', 'x', ?1, 1)";
            connection.execute(insert, [value]).unwrap();
            let kept = connection.query_row("SELECT v FROM visits WHERE id = 'x'", [], |found| {
                Ok(value::text(&field, found.get_ref(0)?))
            });
            assert!(!same(data_type, kept.unwrap().as_ref(), expected.as_ref()), "{shown}");
        }
    }
}
