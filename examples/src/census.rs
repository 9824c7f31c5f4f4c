//! Census-Income (KDD), UCI data set 117: 199,523 training rows, and a test file cut in half into validation and test.

use std::path::Path;

use mtl_data::schema::Schema;
use mtl_data::{DataError, Header, ReadOptions, Table, split};

/// The seed of the cut of the test file.
const SPLIT_SEED: u64 = 2018;

/// The columns of both files, which have no header.
pub const COLUMNS: [&str; 42] = [
    "age",
    "class_of_worker",
    "industry",
    "occupation",
    "education",
    "wage_per_hour",
    "enrolled_in_education",
    "marital_status",
    "major_industry",
    "major_occupation",
    "race",
    "hispanic_origin",
    "sex",
    "union_member",
    "unemployment_reason",
    "employment",
    "capital_gains",
    "capital_losses",
    "dividends",
    "tax_filer",
    "previous_region",
    "previous_state",
    "household",
    "household_summary",
    "instance_weight",
    "migration_msa",
    "migration_region",
    "migration_within_region",
    "same_house_last_year",
    "previous_sunbelt",
    "employer_size",
    "parents_present",
    "birth_country_father",
    "birth_country_mother",
    "birth_country",
    "citizenship",
    "own_business",
    "veterans_questionnaire",
    "veterans_benefits",
    "weeks_worked",
    "year",
    "income",
];

/// Training, validation and test rows from the folder that holds `census-income.data.gz` and `census-income.test.gz`.
pub fn tables(folder: &Path, schema: &Schema) -> Result<[Table; 3], DataError> {
    let options = ReadOptions {
        header: Header::Names(COLUMNS.map(str::to_owned).to_vec()),
        trim: true,
        ..ReadOptions::for_schema(schema)
    };
    let train = Table::read(folder.join("census-income.data.gz"), &options)?.table;
    let rest = Table::read(folder.join("census-income.test.gz"), &options)?.table;
    let validation = split::smallest(rest.rows(), rest.rows() / 2, SPLIT_SEED);
    let test: Vec<bool> = validation.iter().map(|chosen| !chosen).collect();
    Ok([train, rest.filter(&validation)?, rest.filter(&test)?])
}
