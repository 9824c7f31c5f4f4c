//! What training measures against: labels, sample spaces, weights and groups, from the columns that the schema names.

use crate::condition;
use crate::error::DataError;
use crate::ids::Id;
use crate::scaling::log1p_error;
use crate::schema::{FeatureKind, Label, Schema, Task, TaskKind, Transform};
use crate::table::Table;

/// How a column is used, hence read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// As ids, or in more than one way.
    Id,
    /// As lists of ids.
    List,
    /// As numbers only.
    Number,
}

/// The columns of the features and of what scores read, each once, in the order of first use.
pub(crate) fn feature_columns(schema: &Schema) -> Vec<(String, Use)> {
    let mut columns = Vec::new();
    for feature in &schema.features {
        let used = match feature.kind {
            FeatureKind::Id { .. } | FeatureKind::Ids { words: true, .. } => Use::Id,
            FeatureKind::Ids { words: false, .. } => Use::List,
            FeatureKind::Number { .. } => Use::Number,
        };
        add(&mut columns, &feature.column, used);
    }
    schema.scores.numbers.iter().for_each(|(_, column)| add(&mut columns, column, Use::Number));
    if let Some(column) = schema.group_by.as_ref().filter(|_| schema.scores.positions) {
        add(&mut columns, column, Use::Id);
    }
    columns
}

/// The columns of features, labels, sample spaces, weights and groups, each once, in the order of first use.
pub(crate) fn columns(schema: &Schema) -> Vec<(String, Use)> {
    let mut columns = feature_columns(schema);
    for task in &schema.tasks {
        let mut conditions = Vec::new();
        match &task.label {
            Label::Column(column) => add(&mut columns, column, Use::Number),
            Label::Where(label) => condition::columns(label, &mut conditions),
        }
        if let Some(space) = &task.sample_space {
            condition::columns(space, &mut conditions);
        }
        conditions.into_iter().for_each(|column| add(&mut columns, column, Use::Id));
        if let Some(column) = &task.weight_column {
            add(&mut columns, column, Use::Number);
        }
    }
    if let Some(column) = &schema.group_by {
        add(&mut columns, column, Use::Id);
    }
    columns
}

/// Adds a use of a column.
pub(crate) fn add(columns: &mut Vec<(String, Use)>, name: &str, used: Use) {
    match columns.iter_mut().find(|column| column.0 == name) {
        None => columns.push((name.to_owned(), used)),
        // Ids keep what the file holds, and are numbers where they look like ones.
        Some(known) if known.1 != used => known.1 = Use::Id,
        Some(_) => {}
    }
}

/// Labels of a task, NaN where missing or outside its sample space.
pub(crate) fn labels(table: &Table, task: &Task) -> Result<Vec<f32>, DataError> {
    let mut labels: Vec<f32> = match &task.label {
        Label::Where(label) => condition::evaluate(label, table)?
            .into_iter()
            .map(|holds| holds.map_or(f32::NAN, |holds| f32::from(u8::from(holds))))
            .collect(),
        Label::Column(column) => {
            let values = table.numbers(column)?;
            check_labels(table, task, column, &values)?;
            values.iter().map(|&value| value as f32).collect()
        }
    };
    if let Some(space) = &task.sample_space {
        for (label, inside) in labels.iter_mut().zip(condition::evaluate(space, table)?) {
            if inside != Some(true) {
                *label = f32::NAN;
            }
        }
    }
    Ok(labels)
}

fn check_labels(table: &Table, task: &Task, column: &str, values: &[f64]) -> Result<(), DataError> {
    // Where pairs are of a positive and a negative row, every label is one of both.
    let pairs = task.losses.iter().any(|of| of.kind == TaskKind::Pairwise);
    let kind = if pairs && matches!(task.kind, TaskKind::Listwise { .. }) { TaskKind::Pairwise } else { task.kind };
    match kind {
        TaskKind::Binary { .. } => {
            let outside = |value: &f64| !value.is_nan() && !(0.0..=1.0).contains(value);
            let Some(row) = values.iter().position(outside) else { return Ok(()) };
            let error = DataError::new(format!("a label of the binary task `{}` is outside 0..1", task.name));
            let remedy = format!("correct the value, or make the label a condition, such as `{column} > 0`");
            Err(table.place(error.in_column(column).with_value(values[row]), row).remedy(remedy))
        }
        TaskKind::Pairwise => {
            let outside = |value: &f64| !value.is_nan() && *value != 0.0 && *value != 1.0;
            let Some(row) = values.iter().position(outside) else { return Ok(()) };
            let error = DataError::new(format!("a label of the pairwise task `{}` is neither 0 nor 1", task.name));
            let remedy = format!("correct the value, or make the label a condition, such as `{column} > 0`");
            Err(table.place(error.in_column(column).with_value(values[row]), row).remedy(remedy))
        }
        TaskKind::Listwise { .. } => {
            let outside = |value: &f64| *value < 0.0 || value.is_infinite();
            let Some(row) = values.iter().position(outside) else { return Ok(()) };
            let error = DataError::new(format!("a grade of the task `{}` is negative or not finite", task.name));
            let remedy = "correct the value: grades are numbers from 0 on";
            Err(table.place(error.in_column(column).with_value(values[row]), row).remedy(remedy))
        }
        TaskKind::Multiclass { classes, .. } => {
            let class = |value: f64| value.fract() == 0.0 && (0.0..classes as f64).contains(&value);
            let Some(row) = values.iter().position(|value| !value.is_nan() && !class(*value)) else { return Ok(()) };
            let last = classes - 1;
            let error =
                DataError::new(format!("a label of the multiclass task `{}` is no class from 0 to {last}", task.name));
            let remedy = "correct the value, or raise `classes`";
            Err(table.place(error.in_column(column).with_value(values[row]), row).remedy(remedy))
        }
        TaskKind::Ordinal { levels } => {
            let level = |value: f64| value.fract() == 0.0 && (1.0..=levels as f64).contains(&value);
            let Some(row) = values.iter().position(|value| !value.is_nan() && !level(*value)) else { return Ok(()) };
            let error =
                DataError::new(format!("a label of the ordinal task `{}` is no level from 1 to {levels}", task.name));
            let remedy = "correct the value, or raise `levels`";
            Err(table.place(error.in_column(column).with_value(values[row]), row).remedy(remedy))
        }
        TaskKind::Regression { transform: Transform::Log1p, .. } => {
            match values.iter().position(|&value| value <= -1.0) {
                Some(row) => Err(log1p_error(table, column, row, values[row])),
                None => Ok(()),
            }
        }
        TaskKind::Regression { loss, .. } if loss.of_amounts() => {
            let Some(row) = values.iter().position(|&value| value < 0.0) else { return Ok(()) };
            let error = DataError::new(format!("a label of `{}` is negative, and its loss is of amounts", task.name));
            let remedy = "correct the value, or choose a loss of any number, such as `huber`";
            Err(table.place(error.in_column(column).with_value(values[row]), row).remedy(remedy))
        }
        TaskKind::Regression { transform: Transform::None, .. } => Ok(()),
    }
}

/// Weights of a task's rows: finite and not negative wherever there is a label.
pub(crate) fn weights(table: &Table, task: &Task, labels: &[f32]) -> Result<Option<Vec<f32>>, DataError> {
    let Some(column) = &task.weight_column else { return Ok(None) };
    let values = table.numbers(column)?;
    let good = |row: usize| labels[row].is_nan() || (values[row] >= 0.0 && values[row].is_finite());
    if let Some(row) = (0..values.len()).find(|&row| !good(row)) {
        let error = DataError::new(format!("a weight of task `{}` is missing, negative or not finite", task.name));
        let error = error.in_column(column).with_value(values[row]);
        return Err(table.place(error, row).remedy("correct the value, or leave `weight_column` out"));
    }
    Ok(Some(values.iter().map(|&value| if value.is_nan() { 0.0 } else { value as f32 }).collect()))
}

/// The group of each row: a hash of its id that keeps integers apart.
pub(crate) fn groups(table: &Table, column: &str) -> Result<Vec<u64>, DataError> {
    let groups = table.ids(column)?.map(None, |id| Some(Id::hash64(id)));
    let group = |(row, group): (usize, Option<u64>)| {
        group.ok_or_else(|| {
            let error = DataError::new("a row has no group").in_column(column);
            table.place(error, row).remedy("drop rows without a group, or group by another column")
        })
    };
    groups.into_iter().enumerate().map(group).collect()
}

/// What is odd about the labels without being wrong: events of a chained task in rows without the event it is given.
pub(crate) fn oddities(schema: &Schema, labels: &[Vec<f32>]) -> Vec<String> {
    let mut oddities = Vec::new();
    for (t, task) in schema.tasks.iter().enumerate() {
        let Some(given) = task.given else { continue };
        let odd = labels[t].iter().zip(&labels[given]).filter(|(this, given)| this > given).count();
        if odd > 0 {
            let (this, given) = (&task.name, &schema.tasks[given].name);
            oddities.push(format!(
                "`{this}` is given `{given}`, but {odd} rows have a larger label of `{this}` than of `{given}`"
            ));
        }
    }
    oddities
}
