//! KuaiRand-Pure with a shared bottom, MMoE or PLE: `kuairand mmoe train --data FOLDER`.

use std::path::PathBuf;
use std::process::ExitCode;

use mtl_examples::{kuairand, run_model};
use mtl_runtime::{Error, Model, Splits, app, mtl_file};

mtl_file!("../specs/kuairand_shared_bottom.mtl");
mtl_file!("../specs/kuairand_mmoe.mtl");
mtl_file!("../specs/kuairand_ple.mtl");

/// Where the data set is.
#[derive(clap::Args)]
struct Folder {
    /// The folder of the logs, of the users and of the videos
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
}

fn main() -> ExitCode {
    run_model(
        "kuairand",
        &[("shared_bottom", run::<KuairandSharedBottom>), ("mmoe", run::<KuairandMmoe>), ("ple", run::<KuairandPle>)],
    )
}

fn run<M: Model>(arguments: Vec<String>) -> ExitCode {
    app::<M>()
        .data(|folder: &Folder| {
            let [train, validation, test] = kuairand::tables(&folder.data)?;
            Ok::<_, Error>(Splits { train, validation, test: Some(test) })
        })
        .name(arguments[0].clone())
        .main_from(arguments)
}
