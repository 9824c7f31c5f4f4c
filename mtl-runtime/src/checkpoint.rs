//! Checkpoints: a whole training run in one file, which is also the model that evaluation and prediction read.
//!
//! ```text
//! network.PATH          the network's parameters        optimizer.PATH#NAME  their optimiser's state
//! table.NAME            an embedding table              state.NAME, settled.NAME  its rows' state
//! best.network.PATH, best.table.NAME                    the best epoch's values, where they are not the last ones
//! weighting             what a method of weighting remembers
//! origin.network.PATH, origin.table.NAME, candidate.N   where rounds of a search for masks start, and the best mask so far
//! encoder               vocabularies and scalings       header               model, configuration, progress, metrics
//! ```
//! The last two are CBOR, which keeps every bit of a number. The spec is the text among the file's metadata.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mtl_data::Encoder;
use serde::{Deserialize, Serialize};
use serde_json::Value as Setting;

use crate::config::settings;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::parameters::{Parameter, parameters};
use crate::scores::{Calibrators, Fusions};
use crate::train::progress::Progress;
use crate::train::run::{Run, Weights};

mod arrays;
mod file;

use arrays::{Arrays, pack};
use file::Array;

/// The version of the format: of the arrays, of the header and of what it holds.
const FORMAT: u32 = 2;

/// What the file holds beside arrays.
#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    model: String,
    config: ciborium::Value,
    rows: usize,
    progress: Progress,
    /// Steps of each table's optimiser.
    table_steps: Vec<u32>,
    /// Whether the best epoch is the last one, so that its values are not held twice.
    best_is_last: bool,
    /// What calibrates the tasks of the best epoch.
    #[serde(default)]
    calibrators: Calibrators,
    /// What was fitted for the learned scores of the best epoch.
    #[serde(default)]
    fusions: Fusions,
}

/// Saves a run. The file at `path` is replaced as a whole, or stays as it was.
pub(crate) fn save<M: Model>(path: &Path, run: &Run<M>) -> Result<()> {
    write(path, run, &run.progress, (&run.calibrators, &run.fusions))
}

/// Saves the last epoch, the best one of a task, as a model with its own calibrators and learned scores.
pub(crate) fn save_of_task<M: Model>(
    path: &Path,
    run: &Run<M>,
    task: &str,
    value: f64,
    fitted: (&Calibrators, &Fusions),
) -> Result<()> {
    let best = Some((run.progress.epoch, value));
    write(path, run, &Progress { best, of_task: Some(task.to_owned()), ..run.progress.clone() }, fitted)
}

/// The file of the best epoch of a task: that of the run with the task's name.
pub(crate) fn file_of_task(path: &Path, task: &str) -> PathBuf {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let ending = [".mtl.safetensors", ".safetensors"].into_iter().find(|ending| name.ends_with(ending));
    let ending = ending.or_else(|| name.rfind('.').filter(|at| *at > 0).map(|at| &name[at..])).unwrap_or_default();
    path.with_file_name(format!("{}.{task}{ending}", &name[..name.len() - ending.len()]))
}

fn write<M: Model>(
    path: &Path,
    run: &Run<M>,
    progress: &Progress,
    (calibrators, fusions): (&Calibrators, &Fusions),
) -> Result<()> {
    let best_is_last = progress.batch == 0 && progress.best.is_some_and(|(epoch, _)| epoch == progress.epoch);
    let header = Header {
        format: FORMAT,
        model: M::NAME.into(),
        config: ciborium::Value::serialized(&run.config).expect("a configuration holds plain values"),
        rows: run.rows,
        progress: progress.clone(),
        table_steps: run.embeddings.steps(),
        best_is_last,
        calibrators: calibrators.clone(),
        fusions: fusions.clone(),
    };
    let mut arrays = BTreeMap::new();
    arrays.insert("header".to_owned(), pack(&header));
    arrays.insert("encoder".to_owned(), pack(&run.encoder));
    for Parameter { path, shape, values } in parameters(run.network()) {
        arrays.insert(format!("network.{path}"), Array::f32(shape, values));
    }
    for (name, values) in run.optimizer.state() {
        arrays.insert(format!("optimizer.{name}"), Array::f32(vec![values.len()], values));
    }
    for table in run.embeddings.tables() {
        arrays.insert(format!("table.{}", table.name), Array::f32(vec![table.rows, table.dim], table.values));
        arrays.insert(
            format!("state.{}", table.name),
            Array::f32(vec![table.rows, table.state.len() / table.rows], table.state),
        );
        arrays.insert(format!("settled.{}", table.name), Array::u32(table.settled));
    }
    if let Some(best) = run.best.as_ref().filter(|_| !best_is_last) {
        for Parameter { path, shape, values } in &best.network {
            arrays.insert(format!("best.network.{path}"), Array::f32(shape.clone(), values));
        }
        for (table, values) in run.embeddings.tables().zip(&best.tables) {
            arrays.insert(format!("best.table.{}", table.name), Array::f32(vec![table.rows, table.dim], values));
        }
    }
    if let Some(origin) = &run.origin {
        for Parameter { path, shape, values } in &origin.network {
            arrays.insert(format!("origin.network.{path}"), Array::f32(shape.clone(), values));
        }
        for (table, values) in run.embeddings.tables().zip(&origin.tables) {
            arrays.insert(format!("origin.table.{}", table.name), Array::f32(vec![table.rows, table.dim], values));
        }
    }
    if let Some(balance) = &run.balance {
        arrays.insert("weighting".to_owned(), pack(&balance.state()));
    }
    for (layer, mask) in run.candidate.iter().flatten().enumerate() {
        let mask: Vec<f32> = mask.iter().map(|kept| f32::from(u8::from(*kept))).collect();
        arrays.insert(format!("candidate.{layer}"), Array::f32(vec![mask.len()], mask));
    }
    file::write(path, M::SPEC, &arrays)
}

/// The header, the configuration and the arrays of a file that holds model `M`.
fn open<M: Model>(path: &Path) -> Result<(Header, M::Config, Arrays<'_>)> {
    let (spec, arrays) = file::read(path)?;
    let mut arrays = Arrays { path, arrays };
    let refused = |what: String| Error::checkpoint(path, what);
    let header = arrays.header()?;
    if header.model != M::NAME {
        return Err(refused(format!("it holds the model `{}`, and this program is `{}`", header.model, M::NAME)));
    }
    if let Some((theirs, ours)) = first_difference(&spec, M::SPEC) {
        let what = format!("its spec differs: it says `{theirs}` where this program's says `{ours}`; train again");
        return Err(refused(what));
    }
    let config = header.config.deserialized();
    let config = config.map_err(|error| refused(format!("its configuration does not fit this program: {error}")))?;
    Ok((header, config, arrays))
}

/// The configuration of a file that holds model `M`.
pub(crate) fn config<M: Model>(path: &Path) -> Result<M::Config> {
    open::<M>(path).map(|(_, config, _)| config)
}

/// Replaces the configuration of a file that holds model `M`, and nothing else of it. The file is replaced as a whole, or stays
/// as it was.
pub(crate) fn configure<M: Model>(path: &Path, config: M::Config) -> Result<()> {
    let (mut header, _, mut arrays) = open::<M>(path)?;
    // What was fitted stands beside the configuration.
    let config = Fusions::default().under::<M>(&config);
    header.config = ciborium::Value::serialized(&config).expect("a configuration holds plain values");
    arrays.arrays.insert("header".to_owned(), pack(&header));
    file::write(path, M::SPEC, &arrays.arrays)
}

/// Loads the run of a file that holds model `M`. `change` may change its configuration before anything is built from it.
pub(crate) fn load<M: Model>(path: &Path, change: impl FnOnce(&mut M::Config) -> Result<()>) -> Result<Run<M>> {
    let (header, mut config, mut arrays) = open::<M>(path)?;
    let refused = |what: String| Error::checkpoint(path, what);
    change(&mut config)?;
    let encoder: Encoder = arrays.unpack("encoder")?;
    if encoder.schema() != &M::schema(&config) {
        return Err(refused(
            "its data were encoded for other features or tasks: their settings cannot change after training".into(),
        ));
    }
    let mut run = Run::new(config, encoder, header.rows)?;
    restore(&mut run, header, arrays)?;
    Ok(run)
}

/// Puts the arrays of a file into a fresh run.
fn restore<M: Model>(run: &mut Run<M>, header: Header, mut arrays: Arrays<'_>) -> Result<()> {
    run.replace_network(|path, shape| arrays.f32(&format!("network.{path}"), shape))?;
    let state = arrays.optimizer()?;
    let network = run.network().clone();
    run.optimizer.load_state(&network, &state)?;
    let mut tables = Vec::new();
    for table in run.embeddings.tables() {
        let values = arrays.f32(&format!("table.{}", table.name), &[table.rows, table.dim])?;
        let state = arrays.f32(&format!("state.{}", table.name), &[table.rows, table.state.len() / table.rows])?;
        tables.push((values, state, arrays.u32(&format!("settled.{}", table.name), table.settled.len())?));
    }
    if header.table_steps.len() != tables.len() {
        return Err(Error::checkpoint(arrays.path, "its tables are not those of this program"));
    }
    run.embeddings.restore(&header.table_steps, tables);
    run.progress = header.progress;
    run.calibrators = header.calibrators;
    run.fusions = header.fusions;
    // Rows of tables make up for missed steps at the pace of their stage.
    run.enter_stage();
    if header.best_is_last {
        run.best = Some(run.weights());
    } else if run.progress.best.is_some() {
        run.best = Some(weights(run, "best", &mut arrays)?);
    }
    if let Some(balance) = &mut run.balance {
        balance.restore(arrays.unpack("weighting")?)?;
    }
    if arrays.has("origin.") {
        run.origin = Some(weights(run, "origin", &mut arrays)?);
    }
    if arrays.has("candidate.") {
        let subnet = M::subnet(&run.config);
        let present = parameters(run.network());
        let of_layer = |(at, layer): (usize, &&str)| {
            let weight = present.iter().find(|parameter| parameter.path == format!("{layer}.weight"));
            let mask = arrays.f32(&format!("candidate.{at}"), &[weight.map_or(0, |weight| weight.values.len())])?;
            Ok(mask.into_iter().map(|kept| kept != 0.0).collect())
        };
        let layers = subnet.map_or(&[][..], |subnet| subnet.layers);
        run.candidate = Some(layers.iter().enumerate().map(of_layer).collect::<Result<_>>()?);
    }
    arrays.finish()
}

impl Arrays<'_> {
    /// The header. One of another format is refused before its other fields, which it may not have, are read.
    fn header(&mut self) -> Result<Header> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let packed = self.take("header")?;
        self.arrays.insert("header".to_owned(), packed.clone());
        let Format { format } = self.unpack("header")?;
        if format != FORMAT {
            let what = format!("its format is {format}, and this version reads {FORMAT}: train the model again");
            return Err(Error::checkpoint(self.path, what));
        }
        self.arrays.insert("header".to_owned(), packed);
        self.unpack("header")
    }
}

/// The values of a network and its tables that are held under a prefix.
fn weights<M: Model>(run: &Run<M>, prefix: &str, arrays: &mut Arrays<'_>) -> Result<Weights> {
    let mut network = parameters(run.network());
    for parameter in &mut network {
        parameter.values = arrays.f32(&format!("{prefix}.network.{}", parameter.path), &parameter.shape)?;
    }
    let tables = run
        .embeddings
        .tables()
        .map(|table| arrays.f32(&format!("{prefix}.table.{}", table.name), &[table.rows, table.dim]));
    Ok(Weights { network, tables: tables.collect::<Result<_>>()? })
}

/// The first settings in which two configurations differ: the path and both values.
pub(crate) fn first_other_setting<M: Model>(
    saved: &M::Config,
    now: &M::Config,
    free: &[&str],
) -> Option<(String, Setting, Setting)> {
    let (saved, now) = (settings(saved), settings(now));
    let free = |path: &str| free.contains(&path);
    let other = saved.iter().zip(&now).find(|((path, a), (_, b))| a != b && !free(path));
    other.map(|((path, a), (_, b))| (path.clone(), a.clone(), b.clone()))
}

/// The first place where two specs differ in more than blanks, comments, and how scores are tuned, which is no part of what was
/// trained.
fn first_difference(theirs: &str, ours: &str) -> Option<(String, String)> {
    let code = |spec: &str| -> Vec<String> {
        let lines = spec.lines().map(|line| line.split("//").next().unwrap_or_default());
        let code: String = lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
        without_tuning(&code).chars().map(String::from).collect()
    };
    let (theirs, ours) = (code(theirs), code(ours));
    let at = theirs
        .iter()
        .zip(&ours)
        .position(|(a, b)| a != b)
        .or((theirs.len() != ours.len()).then_some(theirs.len().min(ours.len())))?;
    let around = |code: &[String]| code[at.saturating_sub(20).min(code.len())..(at + 30).min(code.len())].concat();
    Some((around(&theirs), around(&ours)))
}

/// A spec without its `tune` block.
fn without_tuning(code: &str) -> String {
    const WORD: &str = "tune{";
    let begins = |at: &usize| code[..*at].ends_with(['{', '}', ';']);
    let Some(start) = code.match_indices(WORD).map(|(at, _)| at).find(begins) else { return code.to_owned() };
    let (mut depth, mut quoted) = (0, false);
    let end = code[start..].char_indices().find(|(_, character)| {
        match character {
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => depth -= 1,
            _ => {}
        }
        *character == '}' && depth == 0
    });
    let end = end.map_or(code.len(), |(at, _)| start + at + 1);
    [&code[..start], &code[end..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_of_another_format_is_refused_whatever_else_it_holds() {
        #[derive(Serialize)]
        struct Older {
            format: u32,
            steps: u32,
        }
        let header = pack(&Older { format: FORMAT - 1, steps: 3 });
        let mut arrays = Arrays { path: Path::new("old"), arrays: BTreeMap::from([("header".to_owned(), header)]) };
        let error = arrays.header().err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("old: its format is 1, and this version reads 2: train the model again"));
        let header = pack(&Older { format: FORMAT, steps: 3 });
        let mut arrays = Arrays { path: Path::new("odd"), arrays: BTreeMap::from([("header".to_owned(), header)]) };
        let error = arrays.header().err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("its header does not fit this version")));
    }

    #[test]
    fn specs_that_differ_in_their_tuning_are_one() {
        let before = "model A { task tune: binary; rank tune { param w = 1.0 in 0.0..2.0; w * tune } }";
        let after = "model A { task tune: binary; rank tune { param w = 1.0 in 0.0..2.0; w * tune } // again
            tune { maximize: gauc(tune, by: \"a}\"), method: grid(steps: 3) } }";
        assert_eq!(first_difference(before, after), None);
        assert_eq!(first_difference(after, &after.replace("steps: 3", "steps: 5")), None);
        assert!(first_difference(before, &after.replace("2.0", "3.0")).is_some());
    }
}
