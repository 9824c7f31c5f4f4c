//! The default data source: CSV and TSV files.

use std::path::{Path, PathBuf};

use clap::{Args, Command, ValueEnum};
use mtl_data::schema::Schema;
use mtl_data::{Header, OnBadRow, ReadOptions, Table};

use crate::error::{Error, Result};
use crate::train::Splits;

/// One file for each split.
#[derive(Debug, Clone, Args)]
pub struct FileArgs {
    /// Training rows: CSV or TSV, plain or gzipped
    #[arg(long, value_name = "FILE")]
    pub train: Option<PathBuf>,
    /// Validation rows
    #[arg(long, value_name = "FILE")]
    pub validation: Option<PathBuf>,
    /// Test rows
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// How the files are read.
    #[command(flatten)]
    pub format: FormatArgs,
}

/// How files are read.
#[derive(Debug, Clone, Args)]
pub struct FormatArgs {
    /// Between fields [default: a tab in .tsv files, else a comma]
    #[arg(long, value_name = "CHARACTER")]
    pub delimiter: Option<char>,
    /// The columns' names, for files without a header
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub names: Option<Vec<String>>,
    /// What to do with a row that cannot be read
    #[arg(long, value_name = "ACTION", default_value = "fail")]
    pub on_bad_row: BadRow,
}

/// What to do with a row that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BadRow {
    /// Stop with an error
    Fail,
    /// Leave it out, and count it
    Skip,
}

impl FileArgs {
    /// Reads the files that are named; the others are empty.
    pub fn read(&self, schema: &Schema) -> Result<Splits> {
        self.read_with(schema, &More::Nothing)
    }

    /// As [`read`](Self::read), with more columns than the model needs.
    pub(super) fn read_with(&self, schema: &Schema, more: &More<'_>) -> Result<Splits> {
        let mut options = ReadOptions::for_schema(schema);
        let mut training = options.clone();
        match more {
            More::Nothing => {}
            More::Columns(names) => {
                for column in *names {
                    if let Some(columns) = options.columns.as_mut().filter(|columns| !columns.contains(column)) {
                        columns.push(column.clone());
                    }
                }
                training = options.clone();
            }
            More::Teacher(teacher) => training = ReadOptions::for_schema_and_teacher(schema, teacher),
        }
        let one = |path: &Path, options: &ReadOptions| self.format.read(path, options.clone());
        let read = |path: &Option<PathBuf>, options| path.as_deref().map(|path| one(path, options)).transpose();
        let splits = Splits {
            train: read(&self.train, &training)?.unwrap_or_default(),
            validation: read(&self.validation, &options)?.unwrap_or_default(),
            test: read(&self.test, &options)?,
        };
        if [&self.train, &self.validation, &self.test].iter().all(|path| path.is_none()) {
            return Err(Error::config("name the data: `--train FILE`, `--validation FILE`, `--test FILE`"));
        }
        Ok(splits)
    }
}

/// Columns beside those that the model needs.
pub(super) enum More<'a> {
    /// None.
    Nothing,
    /// These, of all rows.
    Columns(&'a [String]),
    /// Those that a teacher of this schema predicts from, of training rows.
    Teacher(&'a Schema),
}

impl FormatArgs {
    /// Reads the columns that training and evaluation need.
    pub fn read_all(&self, path: &Path, schema: &Schema) -> Result<Table> {
        self.read(path, ReadOptions::for_schema(schema))
    }

    /// Reads the columns that prediction needs, and another one if named.
    pub fn read_features(&self, path: &Path, schema: &Schema, also: Option<&str>) -> Result<Table> {
        let mut options = ReadOptions::for_features(schema);
        if let (Some(also), Some(columns)) = (also, &mut options.columns)
            && !columns.iter().any(|column| column == also)
        {
            columns.push(also.to_owned());
        }
        self.read(path, options)
    }

    fn read(&self, path: &Path, mut options: ReadOptions) -> Result<Table> {
        if let Some(delimiter) = self.delimiter {
            let byte = u8::try_from(delimiter).ok().filter(u8::is_ascii);
            options.delimiter = Some(
                byte.ok_or_else(|| Error::config(format!("`--delimiter {delimiter}` is not an ASCII character")))?,
            );
        }
        if let Some(names) = &self.names {
            options.header = Header::Names(names.clone());
        }
        options.on_bad_row = match self.on_bad_row {
            BadRow::Fail => OnBadRow::Fail,
            BadRow::Skip => OnBadRow::Skip,
        };
        let read = Table::read(path, &options)?;
        if let Some(first) = &read.first_skipped {
            eprintln!("warning: {}: {} ill-formed rows were skipped; the first: {first}", path.display(), read.skipped);
        }
        Ok(read.table)
    }

    /// Adds these options to a command that does not have them yet.
    pub(super) fn augment_where_absent(command: Command) -> Command {
        let has = command.get_arguments().any(|argument| Self::has(argument.get_id().as_str()));
        if has { command } else { Self::augment_args(command) }
    }

    /// Whether this is one of these options.
    pub(super) fn has(id: &str) -> bool {
        Self::IDS.contains(&id)
    }

    /// The options.
    pub(super) const IDS: [&str; 3] = ["delimiter", "names", "on_bad_row"];
}
