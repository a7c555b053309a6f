use arrow_array::{Array as _, RecordBatch};
use proptest::prelude::*;

use super::*;

const TABLE: TableDefinition = TableDefinition {
    source: "TEST",
    version: "2.0",
    ocsf: "1.1.0",
    columns: &[
        ("uid", "string"),
        ("time", "bigint"),
        ("a", "struct<b:struct<c:string,d:int>,e:boolean,f:timestamp>"),
        ("names", "array<string>"),
        ("things", "array<struct<uid:string,owner:struct<uid:string>>>"),
        ("unmapped", "map<string,string>"),
        (
            "nested",
            "array<struct<labels:array<string>,deep:array<struct<n:array<decimal(3,1)>>>,score:float>>",
        ),
    ],
    unique: &[],
};

fn write(rows: &mut Rows, number: usize) {
    rows.text(rows.leaf("uid").unwrap(), &number.to_string());
    if number.is_multiple_of(3) {
        rows.int(rows.leaf("a.b.d").unwrap(), 7);
        rows.long(rows.leaf("a.f").unwrap(), 8);
        rows.boolean(rows.leaf("a.e").unwrap(), true);
    }
    for index in 0..number % 4 {
        rows.element(rows.list("things").unwrap());
        if index > 0 {
            rows.text(rows.leaf("things[].owner.uid").unwrap(), "o");
        }
        rows.element(rows.list("unmapped").unwrap());
        rows.text(rows.leaf("unmapped.key").unwrap(), &format!("k{index}"));
        rows.text(rows.leaf("unmapped.value").unwrap(), "v");
    }
    for index in 0..number % 3 {
        rows.element(rows.list("nested").unwrap());
        for label in 0..(number + index) % 3 {
            rows.element(rows.list("nested[].labels").unwrap());
            rows.text(rows.leaf("nested[].labels[]").unwrap(), &format!("l{label}"));
            rows.element(rows.list("nested[].deep").unwrap());
            rows.element(rows.list("nested[].deep[].n").unwrap());
            assert!(rows.decimal(rows.leaf("nested[].deep[].n[]").unwrap(), 7.25 + label as f64));
        }
        if index == 1 {
            rows.empty_list(rows.list("nested[].labels").unwrap());
            rows.float(rows.leaf("nested[].score").unwrap(), 0.5);
        }
    }
    if number == 5 {
        rows.empty_list(rows.list("names").unwrap());
    }
}

fn batch(numbers: &[usize]) -> RecordBatch {
    let mut rows = Rows::new(&TABLE).unwrap();
    for &number in numbers {
        write(&mut rows, number);
        rows.end_row();
    }
    everything(&mut rows)
}

fn gather(rows: &mut Rows, order: &[u32]) -> RecordBatch {
    rows.finish();
    let columns = (0..rows.schema().fields().len()).map(|index| rows.column(index, order).unwrap()).collect();
    RecordBatch::try_new(Arc::clone(rows.schema()), columns).unwrap()
}

fn everything(rows: &mut Rows) -> RecordBatch {
    let order: Vec<u32> = (0..rows.len() as u32).collect();
    let batch = gather(rows, &order);
    rows.clear();
    batch
}

proptest! {
    #[test]
    fn what_is_taken_back_leaves_no_trace(kept in prop::collection::vec(0..40_usize, 0..20), dropped in prop::collection::vec(0..40_usize, 1..20), more in prop::collection::vec(0..40_usize, 0..20)) {
        let mut rows = Rows::new(&TABLE).unwrap();
        for &number in kept.iter().chain(&dropped) {
            write(&mut rows, number);
            rows.end_row();
        }
        write(&mut rows, 3); // a row that is not ended
        rows.truncate(kept.len());
        for &number in &more {
            write(&mut rows, number);
            rows.end_row();
        }
        prop_assert_eq!(everything(&mut rows), batch(&[kept, more].concat()));
        prop_assert!(rows.is_empty() && rows.bytes() == 0);
    }
}

proptest! {
    #[test]
    fn rows_come_out_in_any_order(numbers in prop::collection::vec(0..40_usize, 1..20), picks in prop::collection::vec(0..1000_usize, 0..30)) {
        let mut rows = Rows::new(&TABLE).unwrap();
        for &number in &numbers {
            write(&mut rows, number);
            rows.end_row();
        }
        let order: Vec<u32> = picks.iter().map(|pick| (pick % numbers.len()) as u32).collect();
        let picked: Vec<usize> = order.iter().map(|&row| numbers[row as usize]).collect();
        prop_assert_eq!(gather(&mut rows, &order), batch(&picked));
    }
}

#[test]
fn constants_need_no_row_to_set_them() {
    let mut rows = Rows::new(&TABLE).unwrap();
    rows.constant_text(rows.leaf("a.b.c").unwrap(), "same");
    rows.constant_list(rows.list("names").unwrap(), &["x", "y"]);
    let mut expected = Rows::new(&TABLE).unwrap();
    for _ in 0..3 {
        rows.end_row();
        expected.text(expected.leaf("a.b.c").unwrap(), "same");
        for name in ["x", "y"] {
            expected.element(expected.list("names").unwrap());
            expected.text(expected.leaf("names[]").unwrap(), name);
        }
        expected.end_row();
    }
    assert_eq!(everything(&mut rows), everything(&mut expected));
}

#[test]
fn structs_are_null_where_all_members_are() {
    let batch = batch(&[0, 1, 5]);
    let a = batch.column_by_name("a").unwrap();
    assert_eq!((a.is_valid(0), a.is_valid(1)), (true, false));
    let names = batch.column_by_name("names").unwrap();
    assert_eq!((names.is_null(0), names.is_valid(2)), (true, true));
    let things = batch.column_by_name("things").unwrap();
    assert_eq!((things.is_null(0), things.is_valid(1)), (true, true));
}

#[test]
fn leaves_are_found_by_path_and_type() {
    let rows = Rows::new(&TABLE).unwrap();
    assert!(rows.leaf::<str>("a.b.c").is_ok());
    assert_eq!(rows.leaf::<i32>("a.b.c").unwrap_err().to_string(), "the table has no int leaf `a.b.c`");
    assert!(rows.list("nothing").is_err());
}

#[test]
fn lists_inside_lists() {
    use arrow_array::cast::AsArray as _;
    let batch = batch(&[2, 1, 4]);
    let nested = batch.column_by_name("nested").unwrap().as_list::<i32>();
    assert_eq!(nested.iter().map(|list| list.map_or(0, |list| list.len())).collect::<Vec<_>>(), [2, 1, 1]);
    let first = nested.value(0);
    let labels = first.as_struct().column_by_name("labels").unwrap().as_list::<i32>();
    assert_eq!((labels.value(0).len(), labels.value(1).len(), labels.is_null(1)), (2, 0, false));
    let deep = first.as_struct().column_by_name("deep").unwrap().as_list::<i32>();
    assert!(deep.is_null(1));
    let deep = deep.value(0);
    let numbers = deep.as_struct().column_by_name("n").unwrap().as_list::<i32>().values();
    let numbers = numbers.as_primitive::<arrow_array::types::Decimal128Type>();
    assert_eq!((numbers.value(0), numbers.value(1)), (73, 83));
}

#[test]
fn a_decimal_out_of_range_is_not_set() {
    let mut rows = Rows::new(&TABLE).unwrap();
    let leaf = rows.leaf("nested[].deep[].n[]").unwrap();
    for list in ["nested", "nested[].deep", "nested[].deep[].n"] {
        rows.element(rows.list(list).unwrap());
    }
    assert!(!rows.decimal(leaf, 100.0) && !rows.decimal(leaf, f64::NAN) && rows.decimal(leaf, -99.9));
}
