//! Small trainings: two tasks on three numbers.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use mtl_data::{ReadOptions, Table};
use mtl_runtime::config::apply_setting;
use mtl_runtime::{Model, Splits, Trained, Trainer};

use crate::normal;

/// Rows with the numbers `a`, `b`, `c`, of which each of the tasks `one` and `two` follows from its own, and an id `u`.
pub fn table(name: &str, rows: usize) -> Table {
    let x = normal(name, 3 * rows);
    let mut csv = String::from("a,b,c,u,one,two\n");
    for (u, row) in x.chunks(3).enumerate() {
        let (one, two) = (row[0] + row[1] > 0.0, row[1] * row[2] > 0.0);
        csv += &format!("{},{},{},{},{},{}\n", row[0], row[1], row[2], u % 41, u8::from(one), u8::from(two));
    }
    // Tests of one program run at once, and some train on rows of one name.
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let path = folder(name).join(format!("rows_{}.csv", NEXT.fetch_add(1, Ordering::Relaxed)));
    std::fs::write(&path, csv).expect("the test's folder");
    Table::read(&path, &ReadOptions::default()).expect("well-formed rows").table
}

/// A folder for the files of a test.
pub fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("mtl-tests-{}", std::process::id())).join(name);
    std::fs::create_dir_all(&folder).expect("a folder for temporary files");
    folder
}

/// 420 training, 300 validation and 300 test rows.
pub fn splits(name: &str) -> Splits {
    let of = |part: &str, rows| table(&format!("{name}_{part}"), rows);
    Splits { train: of("train", 420), validation: of("validation", 300), test: Some(of("test", 300)) }
}

/// The spec's configuration with some settings changed.
pub fn config<M: Model>(settings: &[&str]) -> M::Config {
    let mut config = M::default_config();
    settings.iter().for_each(|setting| apply_setting(&mut config, setting).expect("a setting that fits"));
    config
}

/// Trains on [`splits`].
pub fn fit<M: Model>(name: &str, settings: &[&str]) -> Trained<M> {
    Trainer::<M>::new(config::<M>(settings), splits(name)).fit().expect("the training ends")
}
