use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;

use super::*;

const TABLE: TableDefinition = TableDefinition {
    source: "TEST",
    version: "2.0",
    ocsf: "1.1.0",
    columns: &[
        ("time", "bigint"),
        ("uid", "string"),
        ("a", "struct<b:struct<c:string,d:int>,e:boolean,f:timestamp,g:struct<h:string>>"),
        ("profiles", "array<string>"),
        ("names", "array<string>"),
        (
            "things",
            "array<struct<uid:string,owner:struct<uid:string>,tags:array<struct<n:int,t:array<string>>>>>",
        ),
        ("score", "decimal(3,1)"),
        ("big", "decimal(12,2)"),
        ("ratio", "float"),
        ("class_uid", "int"),
        ("unmapped", "map<string,string>"),
    ],
    unique: &["uid", "unmapped.key_value.value"],
};

/// A row from a few numbers, so that every shape of missing things comes up.
fn write(rows: &mut Rows, seeds: &[u8]) {
    let mut seeds = seeds.iter().copied().cycle();
    let mut next = |below: u8| seeds.next().unwrap_or_default() % below;
    let text = |number: u8| ["", "a", "bb", "é", &"long ".repeat(30)][usize::from(number % 5)].to_owned();
    rows.long(rows.leaf("time").unwrap(), i64::from(next(7)));
    if next(3) > 0 {
        rows.text(rows.leaf("uid").unwrap(), &text(next(5)));
    }
    if next(2) > 0 {
        rows.text(rows.leaf("a.b.c").unwrap(), &text(next(5)));
    }
    if next(4) == 0 {
        rows.int(rows.leaf("a.b.d").unwrap(), i32::from(next(200)) - 100);
    }
    if next(3) == 0 {
        rows.boolean(rows.leaf("a.e").unwrap(), next(2) > 0);
    }
    if next(3) == 0 {
        rows.long(rows.leaf("a.f").unwrap(), i64::from(next(250)) * 86_400_000);
    }
    for _ in 0..next(3) {
        rows.element(rows.list("names").unwrap());
        if next(2) > 0 {
            rows.text(rows.leaf("names[]").unwrap(), &text(next(5)));
        }
    }
    if next(5) == 0 {
        rows.empty_list(rows.list("names").unwrap());
    }
    for _ in 0..next(4) {
        rows.element(rows.list("things").unwrap());
        if next(2) > 0 {
            rows.text(rows.leaf("things[].uid").unwrap(), &text(next(5)));
        }
        if next(3) == 0 {
            rows.text(rows.leaf("things[].owner.uid").unwrap(), &text(next(5)));
        }
        for _ in 0..next(3) {
            rows.element(rows.list("things[].tags").unwrap());
            rows.int(rows.leaf("things[].tags[].n").unwrap(), i32::from(next(9)));
            for _ in 0..next(3) {
                rows.element(rows.list("things[].tags[].t").unwrap());
                rows.text(rows.leaf("things[].tags[].t[]").unwrap(), &text(next(5)));
            }
        }
    }
    if next(2) > 0 {
        rows.decimal(rows.leaf("score").unwrap(), f64::from(next(100)) / 10.0);
        rows.decimal(rows.leaf("big").unwrap(), -f64::from(next(100)) * 1e6);
        rows.float(rows.leaf("ratio").unwrap(), f32::from(next(100)) / 8.0);
    }
    for key in 0..next(4) {
        rows.element(rows.list("unmapped").unwrap());
        rows.text(rows.leaf("unmapped.key").unwrap(), &format!("k{key}"));
        rows.text(rows.leaf("unmapped.value").unwrap(), &text(next(5)));
    }
    rows.end_row();
}

fn empty() -> Rows {
    let mut rows = Rows::new(&TABLE).unwrap();
    rows.constant_list(rows.list("profiles").unwrap(), &["cloud", "datetime"]);
    rows.constant_int(rows.leaf("class_uid").unwrap(), 3002);
    rows.constant_text(rows.leaf("a.g.h").unwrap(), "AWS");
    rows
}

fn as_arrow(rows: &Rows, order: &[u32]) -> RecordBatch {
    let columns = (0..rows.nodes.len()).map(|index| rows.column(index, order).unwrap()).collect();
    RecordBatch::try_new(Arc::clone(rows.schema()), columns).unwrap()
}

/// What a reader finds in the object, a batch a row group.
fn read(bytes: Vec<u8>, groups: usize) -> Vec<RecordBatch> {
    let bytes = Bytes::from(bytes);
    let read = |group| {
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
        let mut reader = builder.with_row_groups(vec![group]).with_batch_size(1 << 20).build().unwrap();
        reader.next().unwrap().unwrap()
    };
    (0..groups).map(read).collect()
}

fn assert_same(read: &RecordBatch, expected: &RecordBatch) {
    assert_eq!(read.num_rows(), expected.num_rows());
    for (index, field) in expected.schema().fields().iter().enumerate() {
        let (read, expected) = (read.column(index), expected.column(index));
        let (read, expected) = (format!("{read:?}"), format!("{expected:?}"));
        assert!(read == expected, "{}: {read}\n{expected}", field.name());
    }
}

proptest! {
    #[test]
    fn a_reader_finds_what_was_written(
        seeds in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 1..60),
        gzip: bool,
    ) {
        let mut rows = empty();
        seeds.iter().for_each(|seeds| write(&mut rows, seeds));
        rows.finish();
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        order.sort_by_key(|&row| seeds[row as usize][0]);
        let codec = if gzip { Codec::Gzip } else { Codec::Zstd };
        let mut writer = ParquetWriter::new(&TABLE, &rows, codec).unwrap();
        let (half, rest) = order.split_at(order.len() / 2 + 1);
        writer.write(&rows, half).unwrap();
        let mut bytes = writer.take_bytes();
        let mut expected = vec![as_arrow(&rows, half)];
        if !rest.is_empty() {
            writer.write(&rows, rest).unwrap();
            expected.push(as_arrow(&rows, rest));
        }
        bytes.extend(writer.finish().unwrap());
        for (read, expected) in read(bytes, expected.len()).iter().zip(&expected) {
            assert_same(read, expected);
        }
    }
}

/// Many rows: several pages, dictionaries and what is too much for them.
#[test]
fn pages_hold_together() {
    let mut rows = Rows::new(&TABLE).unwrap();
    for number in 0..50_000_i64 {
        rows.long(rows.leaf("time").unwrap(), 1_700_000_000_000 + number);
        rows.text(rows.leaf("uid").unwrap(), &format!("{number:x}").repeat(20));
        rows.text(rows.leaf("a.b.c").unwrap(), &format!("c{}", number % 1000));
        rows.int(rows.leaf("a.b.d").unwrap(), i32::try_from(number % 300).unwrap());
        if number % 7 > 0 {
            rows.text(rows.leaf("a.g.h").unwrap(), &number.to_string()); // its dictionary is given up on the way
        }
        for _ in 0..number % 9 {
            rows.element(rows.list("unmapped").unwrap());
            rows.text(rows.leaf("unmapped.key").unwrap(), "k");
            rows.text(rows.leaf("unmapped.value").unwrap(), "v");
        }
        rows.end_row();
    }
    rows.finish();
    let order: Vec<u32> = (0..50_000).collect();
    let mut writer = ParquetWriter::new(&TABLE, &rows, Codec::Zstd).unwrap();
    writer.write(&rows, &order).unwrap();
    let bytes = Bytes::from(writer.finish().unwrap());

    let options = parquet::file::serialized_reader::ReadOptionsBuilder::new().with_page_index().build();
    let reader =
        parquet::file::reader::SerializedFileReader::new_with_options(bytes.clone(), options).unwrap();
    let metadata = parquet::file::reader::FileReader::metadata(&reader);
    let leaf = |path: &str| {
        metadata
            .file_metadata()
            .schema_descr()
            .columns()
            .iter()
            .position(|leaf| leaf.path().string() == path)
            .unwrap()
    };
    let indexes = metadata.page_index_for_row_group(0);
    let index = |path: &str| indexes.column_index(leaf(path)).unwrap();
    let pages = |path: &str| indexes.offset_index(leaf(path)).unwrap().page_locations().len();
    assert_eq!((pages("time"), pages("a.b.c")), (3, 3));
    assert!(pages("uid") >= 8 && pages("unmapped.key_value.key") >= 3);
    let parquet::file::page_index::column_index::ColumnIndexMetaData::INT64(times) = index("time") else {
        panic!("no index")
    };
    assert_eq!(times.min_values_iter().next(), Some(Some(&1_700_000_000_000)));
    assert_eq!(index("time").get_boundary_order(), Some(parquet::basic::BoundaryOrder::ASCENDING));
    let statistics = metadata.row_group(0).column(leaf("a.b.c")).statistics().unwrap();
    assert_eq!(
        (statistics.min_bytes_opt(), statistics.max_bytes_opt()),
        (Some(&b"c0"[..]), Some(&b"c999"[..]))
    );

    let batch = &read(bytes.to_vec(), 1)[0];
    assert_same(&batch.slice(39_990, 10_010), &as_arrow(&rows, &order[39_990..]));
    let a = batch.column_by_name("a").unwrap().as_struct().column_by_name("g").unwrap().as_struct();
    assert_eq!(a.column(0).as_string::<i32>().value(49_999), "49999");
}
