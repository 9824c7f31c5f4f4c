//! Files as they are met: separators, quotes, compression, missing values, and everything that is wrong with them.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use mtl_data::{Column, DataError, Header, Id, OnBadRow, Read, ReadOptions, Table};
use proptest::collection::vec;
use proptest::prelude::*;

fn read_bytes(bytes: &[u8], name: &str, options: &ReadOptions) -> Result<Read, DataError> {
    Table::read_from(Cursor::new(bytes), name, options)
}

fn read(text: &str, options: &ReadOptions) -> Result<Read, DataError> {
    read_bytes(text.as_bytes(), "log.csv", options)
}

fn table(text: &str) -> Table {
    read(text, &ReadOptions::default()).unwrap().table
}

fn texts(table: &Table, name: &str) -> Vec<Option<String>> {
    let ids = table.ids(name).unwrap();
    (0..ids.len()).map(|row| ids.text(row).map(String::from)).collect()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn columns_keep_what_the_file_holds() {
    let t = table("id,code,name,price\n9007199254740993,007,\"a, \"\"b\"\"\",1.50\n?,1,,2\n-5,2,c,?\n");
    assert_eq!(t.names(), ["id", "code", "name", "price"]);
    let ids = t.ids("id").unwrap();
    assert_eq!((ids.get(0), ids.get(1)), (Some(Id::Integer(9_007_199_254_740_993)), None));
    assert!(ids.as_integers().is_some());
    // A code with leading zeros is a text, and so are the integers beside it; their ids agree with those of integers.
    assert_eq!(texts(&t, "code"), [Some("007".into()), Some("1".into()), Some("2".into())]);
    assert_eq!(t.ids("code").unwrap().get(1), Some(Id::Integer(1)));
    assert_eq!(texts(&t, "name"), [Some("a, \"b\"".into()), None, Some("c".into())]);
    assert_eq!(texts(&t, "price"), [Some("1.50".into()), Some("2".into()), None]);
    assert_eq!(t.numbers("price").unwrap()[..2], [1.5, 2.0]);
}

#[test]
fn ids_beyond_64_bits_signed_stay_exact() {
    let t = table("id\n18446744073709551615\n18446744073709551614\n");
    assert_eq!(texts(&t, "id"), [Some("18446744073709551615".into()), Some("18446744073709551614".into())]);
}

#[test]
fn gzip_is_known_by_its_bytes_and_members_are_joined() {
    let mut bytes = gzip("a,b\n1,2\n");
    bytes.extend(gzip("3,4\n"));
    let t = read_bytes(&bytes, "no_ending", &ReadOptions::default()).unwrap().table;
    assert_eq!(t.numbers("b").unwrap()[..], [2.0, 4.0]);
}

#[test]
fn the_ending_chooses_the_separator_unless_it_is_given() {
    for name in ["x.tsv", "x.tsv.gz"] {
        let t = read_bytes(b"a\tb,c\n1\t2\n", name, &ReadOptions::default()).unwrap().table;
        assert_eq!(t.names(), ["a", "b,c"]);
    }
    let options = ReadOptions { delimiter: Some(b';'), ..ReadOptions::default() };
    assert_eq!(read("a;b\n1;2\n", &options).unwrap().table.names(), ["a", "b"]);
}

#[test]
fn lines_may_end_in_two_characters_and_the_last_in_none() {
    let t = table("a,b\r\n1,\"x\"\r\n\r\n2,y");
    assert_eq!(t.names(), ["a", "b"]);
    assert_eq!(texts(&t, "b"), [Some("x".into()), Some("y".into())]);
}

#[test]
fn names_given_and_spaces_trimmed() {
    let options = ReadOptions { header: Header::Names(names(&["x", "y"])), trim: true, ..ReadOptions::default() };
    let t = read("1, ?\n2,  a \n", &options).unwrap().table;
    assert_eq!(texts(&t, "y"), [None, Some("a ".into())]);
    let untrimmed = ReadOptions { trim: false, ..options };
    assert_eq!(texts(&read("1, ?\n", &untrimmed).unwrap().table, "y"), [Some(" ?".into())]);
}

#[test]
fn only_the_wanted_columns_are_read() {
    let options = ReadOptions { columns: Some(names(&["c", "a"])), ..ReadOptions::default() };
    assert_eq!(read("a,b,c\n1,2,3\n", &options).unwrap().table.names(), ["c", "a"]);
    let options = ReadOptions { columns: Some(names(&["d"])), ..ReadOptions::default() };
    let error = read("a,b,c\n1,2,3\n", &options).unwrap_err();
    assert_eq!((error.column(), error.help()), (Some("d"), Some("the columns are: a, b, c")));
}

#[test]
fn lists_of_ids() {
    let options = ReadOptions { lists: names(&["seen"]), list_separator: b'|', ..ReadOptions::default() };
    let t = read("u,seen\n1,5|6||7\n2,\n3,8\n", &options).unwrap().table;
    let bags = t.bags("seen").unwrap();
    let row = |row| bags.range(row).map(|i| bags.ids().text(i).unwrap().into_owned()).collect::<Vec<_>>();
    assert_eq!((row(0), row(1), row(2)), (names(&["5", "6", "7"]), vec![], names(&["8"])));
}

#[test]
fn an_ill_formed_row_names_file_line_column_and_value() {
    let options = ReadOptions { numbers: names(&["price"]), ..ReadOptions::default() };
    let error = read("id,price\n1,2.5\n2,cheap\n", &options).unwrap_err();
    assert_eq!(error.to_string().lines().next(), Some("log.csv:3: column `price`: not a number: `cheap`"));
    for infinite in ["inf", "NaN", "1e999"] {
        assert!(read(&format!("id,price\n1,{infinite}\n"), &options).is_err(), "{infinite}");
    }

    // The line is that of the record, also after one of several lines.
    let error = read("id,name\n1,\"two\nlines\"\n2\n", &ReadOptions::default()).unwrap_err();
    assert_eq!((error.line(), error.message()), (Some(4), "the number of fields is 1, not 2"));
    let error = read("id,name\n1,a\n\n\n2\n", &ReadOptions::default()).unwrap_err();
    assert_eq!(error.line(), Some(5));
    let error = read("id,name\n1,a,b\n", &ReadOptions::default()).unwrap_err();
    assert_eq!((error.line(), error.value()), (Some(2), Some("1,a,b")));
    let text = "\r\nid,name\r\n1,a\r\n\r\n2,\"two\r\nlines\"\r\n3\r\n";
    assert_eq!(read(text, &ReadOptions::default()).unwrap_err().line(), Some(7));

    let error = read_bytes(b"id,name\n1,caf\xe9\n", "log.csv", &ReadOptions::default()).unwrap_err();
    assert_eq!((error.line(), error.column(), error.message()), (Some(2), Some("name"), "not UTF-8"));
}

#[test]
fn a_quote_that_is_never_closed_does_not_swallow_rows() {
    for on_bad_row in [OnBadRow::Fail, OnBadRow::Skip] {
        for text in ["id,name\n1,b\n2,\"open\n3,c\n", "id,name\n1,b\n\"open\n3,c", "id,name\n\n\n\""] {
            let error = read(text, &ReadOptions { on_bad_row, ..ReadOptions::default() }).unwrap_err();
            let line = if text.ends_with('"') { 4 } else { 3 };
            assert_eq!((error.message(), error.line()), ("a quote is never closed", Some(line)), "{text:?}");
        }
    }
    let closed = table("id,name\n1,\"two\nlines\n\"");
    assert_eq!(texts(&closed, "name"), [Some("two\nlines\n".into())]);
}

#[test]
fn ill_formed_rows_can_be_skipped_and_are_counted() {
    let options = ReadOptions { numbers: names(&["price"]), on_bad_row: OnBadRow::Skip, ..ReadOptions::default() };
    // The text in the second row's id must leave no trace in the column of integers.
    let read = read("id,price\n1,2\nx,cheap\n3\n4,5\n", &options).unwrap();
    assert_eq!((read.table.rows(), read.skipped), (2, 2));
    assert_eq!(read.first_skipped.unwrap().line(), Some(3));
    assert!(read.table.ids("id").unwrap().as_integers().is_some());
    assert_eq!(read.table.numbers("price").unwrap()[..], [2.0, 5.0]);
}

#[test]
fn headers_that_cannot_be_used() {
    let message = |text: &str| read(text, &ReadOptions::default()).unwrap_err().to_string();
    assert_eq!(message("a,b,a\n1,2,3\n"), "log.csv: column `a`: two columns have this name");
    assert!(message("a,,c\n1,2,3\n").starts_with("log.csv: column 2 has no name"));
    assert_eq!(message(""), "log.csv: is empty: there is no header");
    let options = ReadOptions { header: Header::Names(names(&["a"])), ..ReadOptions::default() };
    assert!(read("", &options).is_err());
    // A header alone is an empty table.
    assert_eq!(table("a,b\n").rows(), 0);
}

#[test]
fn contradictory_options_are_refused() {
    let options = ReadOptions { numbers: names(&["a"]), lists: names(&["a"]), ..ReadOptions::default() };
    assert!(read("a\n1\n", &options).is_err());
    let options = ReadOptions { columns: Some(names(&["a", "a"])), ..ReadOptions::default() };
    assert!(read("a\n1\n", &options).is_err());
    let options = ReadOptions { numbers: names(&["b"]), ..ReadOptions::default() };
    assert!(read("a\n1\n", &options).is_err());
}

#[test]
fn a_damaged_file_is_named() {
    let rows: String = (0..5_000).map(|i| format!("{i},{}\n", i * 7919 % 1000)).collect();
    let whole = gzip(&format!("a,b\n{rows}"));
    let error = read_bytes(&whole[..whole.len() / 2], "log.csv.gz", &ReadOptions::default()).unwrap_err();
    assert!(error.to_string().starts_with("log.csv.gz:") && error.message().contains("damaged or cut off"), "{error}");
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    assert!(read_bytes(&flipped, "log.csv.gz", &ReadOptions::default()).is_err());
    assert!(Table::read("no/such/file.csv", &ReadOptions::default()).unwrap_err().help().is_some());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in vec(prop_oneof![any::<u8>(), proptest::sample::select(&b",\"\n\r1?a \x1f\x8b"[..])], 0..80), skip: bool) {
        let options = ReadOptions {
            header: Header::Names(names(&["a", "b"])),
            numbers: names(&["b"]),
            lists: names(&["a"]),
            trim: skip,
            on_bad_row: if skip { OnBadRow::Skip } else { OnBadRow::Fail },
            ..ReadOptions::default()
        };
        for options in [options, ReadOptions::default()] {
            if let Ok(read) = read_bytes(&bytes, "log.csv", &options) {
                prop_assert!(read.table.columns().all(|(_, column)| column.len() == read.table.rows()));
            }
        }
    }
}

#[test]
fn a_later_error_still_names_the_line() {
    let first = read_bytes(b"x\n1\n2\n", "first.csv", &ReadOptions::default()).unwrap().table;
    let second = read_bytes(b"x\n3\nbad\n", "second.csv", &ReadOptions::default()).unwrap().table;
    let all = Table::concat(&[first, second]).unwrap().filter(&[false, true, false, true]).unwrap();
    let error = all.numbers("x").unwrap_err();
    assert_eq!(error.to_string().lines().next(), Some("second.csv:3: column `x`: not a number: `bad`"));
}

#[test]
fn tables_with_other_columns_do_not_concat() {
    let (a, b) = (table("x,y\n1,2\n"), table("x,z\n1,2\n"));
    assert_eq!(Table::concat(&[a.clone(), b]).unwrap_err().column(), Some("z"));
    assert_eq!(Table::concat(&[a.clone(), table("x\n1\n")]).unwrap_err().column(), Some("y"));
    // The order of the first table holds.
    let both = Table::concat(&[a, table("y,x\n20,10\n")]).unwrap();
    assert_eq!(both.numbers("x").unwrap()[..], [1.0, 10.0]);
    assert!(matches!(both.column("y").unwrap(), Column::Ids(_)));
}
