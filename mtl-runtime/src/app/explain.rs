//! `explain-score`: the candidates of a request by their score, each in parts.

use clap::{ArgMatches, Args};
use mtl_data::Table;

use super::arguments::ExplainArgs;
use super::{App, load, outputs};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::say;

impl<M: Model, A: Args> App<M, A> {
    pub(super) fn explain(&self, args: &ExplainArgs, matches: &ArgMatches) -> Result<()> {
        let predictor = load::<M>(args.of.model.clone(), &args.of.set)?;
        outputs::check(&args.of.files(), &[("--json", args.json.as_deref())])?;
        let Some(last) = M::ranks().last() else {
            return Err(Error::config("the model has no ranks: there is no score to explain"));
        };
        let grouped = predictor.schema().group_by.as_deref();
        let column = match (&args.request, grouped) {
            (Some(_), None) => {
                return Err(Error::config("`--request` needs train.group_by; name rows by `--candidates 0..20`"));
            }
            (Some(_), column) => column,
            (None, _) => None,
        };
        let table = self.rows(&predictor, &args.of, matches, column)?;
        let rows = match (&args.request, column, &args.candidates) {
            (Some(request), Some(column), _) => of_request(&table, column, request)?,
            (_, _, Some(rows)) => range(rows, table.rows())?,
            _ => return Err(Error::config("name the candidates: `--request GROUP` or `--candidates 0..20`")),
        };
        let explanation = predictor.explain(&table, args.rank.as_deref().unwrap_or(last.name), &rows)?;
        if let Some(path) = &args.json {
            let json = serde_json::to_string_pretty(&explanation).expect("an explanation prints as JSON");
            std::fs::write(path, json + "\n").map_err(|error| Error::io(path, error))?;
        }
        say!("{} = {}\n\n{}", explanation.rank, explanation.formula.trim(), explanation.table());
        Ok(())
    }
}

/// The rows of a request.
fn of_request(table: &Table, column: &str, request: &str) -> Result<Vec<usize>> {
    let ids = table.ids(column)?;
    let is = |row: &usize| ids.get(*row).is_some_and(|id| id.to_string() == request);
    let rows: Vec<usize> = (0..table.rows()).filter(is).collect();
    match rows.is_empty() {
        true => Err(Error::data(format!("no row has `{request}` in the column `{column}`"))),
        false => Ok(rows),
    }
}

/// `10..20`.
fn range(text: &str, rows: usize) -> Result<Vec<usize>> {
    let ends = text.split_once("..").and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    match ends {
        Some((from, to)) if from < to && to <= rows => Ok((from..to).collect()),
        Some(_) => Err(Error::config(format!("`--candidates {text}` are no rows of 0..{rows}"))),
        None => Err(Error::config(format!("`--candidates {text}` is no range: write `--candidates 0..20`"))),
    }
}
