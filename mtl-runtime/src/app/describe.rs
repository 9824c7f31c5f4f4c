//! `describe`: what a model is made of, and which settings it has.

use mtl_data::schema::{FeatureKind, Rows};

use super::arguments::DescribeArgs;
use super::load;
use crate::config::{apply_setting, settings};
use crate::error::Result;
use crate::init::Init;
use crate::model::Model;
use crate::parameters::parameters;
use crate::report::TextTable;
use crate::say;
use crate::train::check;

pub(super) fn run<M: Model>(args: &DescribeArgs) -> Result<()> {
    let predictor = args.model.clone().map(|path| load::<M>(Some(path), &[])).transpose()?;
    let mut config = predictor.as_ref().map_or_else(M::default_config, |predictor| predictor.config().clone());
    args.set.iter().try_for_each(|setting| apply_setting(&mut config, setting))?;
    check::<M>(&config)?;
    let schema = M::schema(&config);

    say!(
        "{}: input of width {}, {} features, {} tasks\n",
        M::NAME,
        schema.width(),
        schema.features.len(),
        schema.tasks.len()
    );
    let mut table = TextTable::new(["feature", "entity", "columns", "rows"]);
    let (mut start, mut values, mut learned) = (0, 0, false);
    for (index, feature) in schema.features.iter().enumerate() {
        let columns = format!("{start}..{}", start + feature.width());
        start += feature.width();
        let encoder = predictor.as_ref().map(|predictor| predictor.encoder());
        let rows = match (&feature.kind, encoder) {
            (FeatureKind::Number { .. }, _) => String::new(),
            (FeatureKind::Ids { share: Some(owner), .. }, _) => format!("those of {owner}"),
            (FeatureKind::Id { dim, .. } | FeatureKind::Ids { dim, .. }, Some(encoder)) => {
                values += encoder.table_rows(index) * dim;
                encoder.table_rows(index).to_string()
            }
            (
                FeatureKind::Id { rows: Rows::Buckets(buckets), dim, .. }
                | FeatureKind::Ids { rows: Rows::Buckets(buckets), dim, .. },
                None,
            ) => {
                values += (buckets + 1) * dim;
                (buckets + 1).to_string()
            }
            _ => {
                learned = true;
                "learned".into()
            }
        };
        table.row([feature.name.clone(), feature.entity.clone(), columns, rows]);
    }
    say!("{table}");

    let network =
        parameters(&M::new(&config, &Init::new(<M as Model>::train(&config).seed, &burn::tensor::Device::default())));
    let mut table = TextTable::new(["parameter", "shape", "values"]);
    for parameter in network.iter().filter(|parameter| parameter.is_trained()) {
        let shape: Vec<String> = parameter.shape.iter().map(usize::to_string).collect();
        table.row([parameter.path.clone(), format!("[{}]", shape.join(", ")), parameter.values.len().to_string()]);
    }
    say!("{table}");
    let dense: usize =
        network.iter().filter(|parameter| parameter.is_trained()).map(|parameter| parameter.values.len()).sum();
    let more = if learned { ", and the tables of learned vocabularies" } else { "" };
    say!("{} values: {dense} in the network, {values} in tables{more}\n", dense + values);

    if let Some(subnets) = predictor.as_ref().and_then(|predictor| predictor.subnets()) {
        say!("subnetworks\n{}\n{}", subnets.table(), subnets.overlap_table());
    }
    for rank in M::ranks() {
        say!("rank {} = {}", rank.name, rank.formula.trim());
        if let Some(learned) = M::learned().iter().find(|learned| learned.rank == rank.name) {
            say!("  {}", (learned.fusion)(&config));
        }
    }
    if !M::ranks().is_empty() {
        say!();
    }
    let mut table = TextTable::new(["setting", "value"]);
    // What is fitted is no setting.
    let fitted = |path: &str| M::learned().iter().any(|learned| path == format!("ranks.{}.fusion", learned.rank));
    for (path, value) in settings(&config).into_iter().filter(|(path, _)| !fitted(path)) {
        let value = if value.is_null() { "none".into() } else { value.to_string() };
        table.row([path, value]);
    }
    say!("{table}");
    Ok(())
}
