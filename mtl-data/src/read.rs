//! Reading of CSV and TSV files, plain or gzipped, into tables.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::builder::{Builder, Field};
use crate::error::DataError;
use crate::origins::Origins;
use crate::records::{Records, damaged};
use crate::schema::Schema;
use crate::table::{Table, unknown_column};
use crate::targets;

/// How a file is read. The default reads every column of a file with a header as ids (64-bit integers where all values are,
/// texts otherwise), takes `?` and empty fields as missing, and stops at the first ill-formed row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// The separator; none: a tab for `.tsv` (and `.tsv.gz`), a comma otherwise.
    pub delimiter: Option<u8>,
    /// Where the names of the columns come from.
    pub header: Header,
    /// The columns to keep, in this order; none: all.
    pub columns: Option<Vec<String>>,
    /// The columns to read as numbers: a value that is none makes its row ill-formed.
    pub numbers: Vec<String>,
    /// The columns to read as lists of ids.
    pub lists: Vec<String>,
    /// Between the ids of a list.
    pub list_separator: u8,
    /// Values that mean that there is none.
    pub missing: Vec<String>,
    /// Whether spaces after a separator are dropped. Those before one always belong to the value, and a quote counts only directly
    /// after a separator.
    pub trim: bool,
    /// What to do with an ill-formed row.
    pub on_bad_row: OnBadRow,
}

/// Where the names of the columns come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// The first row.
    FirstRow,
    /// Here: the first row is data.
    Names(Vec<String>),
}

/// What to do with an ill-formed row: one with too few or too many fields, a number that is none, or bytes that are not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBadRow {
    /// Stop with an error that names file, line, column and value.
    Fail,
    /// Leave it out, and count it.
    Skip,
}

/// What was read.
#[derive(Debug, Clone)]
pub struct Read {
    /// The rows.
    pub table: Table,
    /// How many ill-formed rows were left out.
    pub skipped: usize,
    /// What was wrong with the first of them.
    pub first_skipped: Option<DataError>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            delimiter: None,
            header: Header::FirstRow,
            columns: None,
            numbers: Vec::new(),
            lists: Vec::new(),
            list_separator: b' ',
            missing: vec![String::new(), "?".to_owned()],
            trim: false,
            on_bad_row: OnBadRow::Fail,
        }
    }
}

impl ReadOptions {
    /// The columns that training and evaluation need, read as the schema needs them.
    pub fn for_schema(schema: &Schema) -> Self {
        Self::for_columns(targets::columns(schema))
    }

    /// The columns that prediction needs: those of [`ReadOptions::for_schema`] without labels, weights and groups.
    pub fn for_features(schema: &Schema) -> Self {
        Self::for_columns(targets::feature_columns(schema))
    }

    /// As [`ReadOptions::for_schema`], with the columns that a teacher of another schema predicts from.
    pub fn for_schema_and_teacher(schema: &Schema, teacher: &Schema) -> Self {
        let mut columns = targets::columns(schema);
        targets::feature_columns(teacher).into_iter().for_each(|(name, used)| targets::add(&mut columns, &name, used));
        Self::for_columns(columns)
    }

    fn for_columns(columns: Vec<(String, targets::Use)>) -> Self {
        let of = |kind| columns.iter().filter(|column| column.1 == kind).map(|column| column.0.clone()).collect();
        Self {
            numbers: of(targets::Use::Number),
            lists: of(targets::Use::List),
            columns: Some(columns.iter().map(|column| column.0.clone()).collect()),
            ..Self::default()
        }
    }
}

impl Table {
    /// Reads a file; one that begins with the two magic bytes of gzip is decompressed, whatever its name.
    pub fn read(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Read, DataError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| {
            DataError::new(format!("cannot be read: {error}")).in_file(&name).remedy("check the path")
        })?;
        Self::read_from(BufReader::with_capacity(1 << 16, file), &name, options)
    }

    /// Reads from memory or any other source; `name` stands for the file in messages, and its ending chooses the delimiter.
    pub fn read_from(mut source: impl BufRead, name: &str, options: &ReadOptions) -> Result<Read, DataError> {
        let gzip = source.fill_buf().map_err(|error| damaged(&error, name))?.starts_with(&[0x1f, 0x8b]);
        if gzip {
            Reader::new(MultiGzDecoder::new(source), name, options)?.read()
        } else {
            Reader::new(source, name, options)?.read()
        }
    }
}

struct Reader<'a, R> {
    records: Records<'a, R>,
    name: &'a str,
    options: &'a ReadOptions,
    /// All columns of the file.
    names: Vec<String>,
    /// The columns that are kept: index of the field, and what is made of it.
    kept: Vec<(usize, Builder)>,
}

impl<'a, R: io::Read> Reader<'a, R> {
    fn new(source: R, name: &'a str, options: &'a ReadOptions) -> Result<Self, DataError> {
        let tabs = name.ends_with(".tsv") || name.ends_with(".tsv.gz");
        let records = Records::new(source, name, options.delimiter.unwrap_or(if tabs { b'\t' } else { b',' }))?;
        let mut reader = Self { records, name, options, names: Vec::new(), kept: Vec::new() };
        reader.names = match &options.header {
            Header::Names(names) => names.clone(),
            Header::FirstRow => reader.header()?,
        };
        reader.kept = reader.kept()?;
        Ok(reader)
    }

    fn header(&mut self) -> Result<Vec<String>, DataError> {
        if !self.records.advance()? {
            return Err(DataError::new("is empty: there is no header").in_file(self.name));
        }
        let name = |index: usize| match std::str::from_utf8(self.records.field(index)) {
            Ok(name) => Ok(name.trim().to_owned()),
            Err(_) => Err(DataError::new("a name in the header is not UTF-8")
                .in_file(self.name)
                .at_line(self.records.line())
                .with_value(self.shown(index))),
        };
        (0..self.records.len()).map(name).collect()
    }

    fn kept(&self) -> Result<Vec<(usize, Builder)>, DataError> {
        let options = self.options;
        let in_file = |error: DataError| error.in_file(self.name);
        for (i, name) in self.names.iter().enumerate() {
            if name.is_empty() {
                let remedy = "give every column a name, or give all names in the read options";
                return Err(in_file(DataError::new(format!("column {} has no name", i + 1))).remedy(remedy));
            }
            if self.names[..i].contains(name) {
                return Err(in_file(DataError::new("two columns have this name").in_column(name)));
            }
        }
        let find = |name: &String| {
            let found = self.names.iter().position(|known| known == name);
            found.ok_or_else(|| in_file(unknown_column(name, &self.names)))
        };
        for name in options.numbers.iter().chain(&options.lists) {
            find(name)?;
        }
        let builder = |name: &String| match (options.numbers.contains(name), options.lists.contains(name)) {
            (true, true) => Err(in_file(DataError::new("is to be read as numbers and as lists").in_column(name))),
            (true, false) => Ok(Builder::numbers()),
            (false, true) => Ok(Builder::lists(options.list_separator)),
            (false, false) => Ok(Builder::ids()),
        };
        let mut kept: Vec<(usize, Builder)> = Vec::new();
        for name in options.columns.as_ref().unwrap_or(&self.names) {
            let field = find(name)?;
            if kept.iter().any(|known| known.0 == field) {
                return Err(in_file(DataError::new("is to be read twice").in_column(name)));
            }
            kept.push((field, builder(name)?));
        }
        Ok(kept)
    }

    fn read(mut self) -> Result<Read, DataError> {
        let mut origins = Origins::of_file(self.name);
        let (mut skipped, mut first_skipped) = (0, None);
        while self.records.advance()? {
            let line = self.records.line();
            match self.row() {
                Ok(()) => origins.push(line),
                Err(error) => {
                    let error = error.in_file(self.name).at_line(line);
                    if self.options.on_bad_row == OnBadRow::Fail {
                        return Err(error);
                    }
                    skipped += 1;
                    first_skipped.get_or_insert(error);
                }
            }
        }
        if origins.len() == 0 && skipped == 0 && matches!(self.options.header, Header::Names(_)) {
            return Err(DataError::new("is empty").in_file(self.name));
        }
        let (names, columns) =
            self.kept.into_iter().map(|(field, builder)| (self.names[field].clone(), builder.finish())).unzip();
        Ok(Read { table: Table::from_parts(names, columns, origins), skipped, first_skipped })
    }

    /// Adds the record to every column, or to none.
    fn row(&mut self) -> Result<(), DataError> {
        if self.records.len() != self.names.len() {
            let record: Vec<String> = (0..self.records.len()).map(|index| self.shown(index)).collect();
            return Err(DataError::new(format!("the number of fields is {}, not {}", record.len(), self.names.len()))
                .with_value(record.join(","))
                .remedy("check the separator, the quotes and the number of columns"));
        }
        let ascii = self.records.is_ascii();
        let bad = self.kept.iter_mut().find_map(|(index, builder)| {
            let field = Field::new(self.records.field(*index), ascii, self.options);
            field.and_then(|field| builder.check(field)).err().map(|error| (*index, error))
        });
        if let Some((index, error)) = bad {
            return Err(error.in_column(&self.names[index]).with_value(self.shown(index)));
        }
        for (index, builder) in &mut self.kept {
            builder.push(Field::new(self.records.field(*index), true, self.options)?);
        }
        Ok(())
    }

    /// A field of the record, for messages.
    fn shown(&self, index: usize) -> String {
        String::from_utf8_lossy(self.records.field(index)).into_owned()
    }
}
