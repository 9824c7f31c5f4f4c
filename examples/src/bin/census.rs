//! Census-Income (KDD) with a shared bottom, MMoE or PLE: `census mmoe train --data FOLDER`.

use std::path::PathBuf;
use std::process::ExitCode;

use mtl_examples::{census, run_model};
use mtl_runtime::{Error, Model, Splits, app, mtl_file};

mtl_file!("../specs/census_shared_bottom.mtl");
mtl_file!("../specs/census_mmoe.mtl");
mtl_file!("../specs/census_ple.mtl");

/// Where the data set is.
#[derive(clap::Args)]
struct Folder {
    /// The folder of census-income.data.gz and census-income.test.gz
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
}

fn main() -> ExitCode {
    run_model(
        "census",
        &[("shared_bottom", run::<CensusSharedBottom>), ("mmoe", run::<CensusMmoe>), ("ple", run::<CensusPle>)],
    )
}

fn run<M: Model>(arguments: Vec<String>) -> ExitCode {
    app::<M>()
        .data(|folder: &Folder| {
            let schema = M::schema(&M::default_config());
            let [train, validation, test] = census::tables(&folder.data, &schema)?;
            Ok::<_, Error>(Splits { train, validation, test: Some(test) })
        })
        .name(arguments[0].clone())
        .main_from(arguments)
}
