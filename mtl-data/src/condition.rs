//! Evaluation of conditions on the rows of a table.

use std::cmp::Ordering;

use crate::column::Column;
use crate::error::DataError;
use crate::ids::Ids;
use crate::schema::{Compare, Condition, Constant};
use crate::table::{Table, number};

/// Whether the condition holds in each row. A comparison with a missing value is missing, and the connectives follow Kleene:
/// `false and missing` is false, `true or missing` is true, everything else with a missing side is missing.
pub fn evaluate(condition: &Condition, table: &Table) -> Result<Vec<Option<bool>>, DataError> {
    match condition {
        Condition::Compare { column, op, value } => match value {
            Constant::Number(value) => compare_number(table, column, *op, *value),
            Constant::Text(value) => compare_text(table, column, *op, value),
        },
        Condition::And(a, b) => both(a, b, table, |a, b| match (a, b) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        }),
        Condition::Or(a, b) => both(a, b, table, |a, b| match (a, b) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        }),
        Condition::Not(a) => Ok(evaluate(a, table)?.into_iter().map(|a| a.map(|a| !a)).collect()),
    }
}

/// Adds the names of the columns that the condition reads.
pub fn columns<'a>(condition: &'a Condition, names: &mut Vec<&'a str>) {
    match condition {
        Condition::Compare { column, .. } => names.push(column),
        Condition::And(a, b) | Condition::Or(a, b) => {
            columns(a, names);
            columns(b, names);
        }
        Condition::Not(a) => columns(a, names),
    }
}

fn both(
    a: &Condition,
    b: &Condition,
    table: &Table,
    f: impl Fn(Option<bool>, Option<bool>) -> Option<bool>,
) -> Result<Vec<Option<bool>>, DataError> {
    let (a, b) = (evaluate(a, table)?, evaluate(b, table)?);
    Ok(a.into_iter().zip(b).map(|(a, b)| f(a, b)).collect())
}

fn compare_number(table: &Table, column: &str, op: Compare, value: f64) -> Result<Vec<Option<bool>>, DataError> {
    match table.column(column)? {
        Column::Numbers(numbers) => Ok(numbers.0.iter().map(|x| x.partial_cmp(&value).map(|o| holds(op, o))).collect()),
        Column::Ids(Ids::Integers(integers)) => {
            Ok(integers.iter().map(|x| x.and_then(|x| order(x, value)).map(|o| holds(op, o))).collect())
        }
        Column::Ids(Ids::Text(text)) => {
            let order_of = |entry: &String| number(entry).and_then(|x| x.partial_cmp(&value));
            let orders: Vec<Option<Ordering>> = text.dictionary().iter().map(order_of).collect();
            let result = |row: usize| match text.code(row) {
                None => Ok(None),
                Some(code) => orders[code].map(|o| Some(holds(op, o))).ok_or_else(|| {
                    let error = DataError::new(format!("a text is compared with the number {value}"));
                    let error = error.in_column(column).with_value(&text.dictionary()[code]);
                    table.place(error, row).remedy("compare with a text in quotes")
                }),
            };
            (0..text.len()).map(result).collect()
        }
        Column::Bags(_) => Err(not_comparable(column)),
    }
}

fn compare_text(table: &Table, column: &str, op: Compare, value: &str) -> Result<Vec<Option<bool>>, DataError> {
    match table.column(column)? {
        Column::Ids(Ids::Text(text)) => {
            let hold: Vec<bool> = text.dictionary().iter().map(|entry| holds(op, entry.as_str().cmp(value))).collect();
            Ok((0..text.len()).map(|row| text.code(row).map(|code| hold[code])).collect())
        }
        Column::Ids(ids @ Ids::Integers(_)) if matches!(op, Compare::Equal | Compare::NotEqual) => {
            let equal = |id: crate::ids::Id<'_>| Some((id == crate::ids::Id::parse(value)) == (op == Compare::Equal));
            Ok(ids.map(None, equal))
        }
        Column::Ids(_) | Column::Numbers(_) => {
            Err(DataError::new(format!("numbers are compared with the text \"{value}\""))
                .in_column(column)
                .remedy("compare with a number, without quotes"))
        }
        Column::Bags(_) => Err(not_comparable(column)),
    }
}

fn not_comparable(column: &str) -> DataError {
    DataError::new("holds lists of ids, which cannot be compared").in_column(column)
}

fn holds(op: Compare, order: Ordering) -> bool {
    match op {
        Compare::Equal => order.is_eq(),
        Compare::NotEqual => order.is_ne(),
        Compare::Less => order.is_lt(),
        Compare::LessOrEqual => order.is_le(),
        Compare::Greater => order.is_gt(),
        Compare::GreaterOrEqual => order.is_ge(),
    }
}

/// Exact order of an integer and a float: no rounding of large integers.
fn order(x: i64, value: f64) -> Option<Ordering> {
    if value.is_nan() {
        return None;
    }
    // The whole part is exact in i128; values beyond it saturate on the right side.
    let whole = value.floor();
    Some(i128::from(x).cmp(&(whole as i128)).then(0.0.partial_cmp(&(value - whole).max(0.0))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::{Bags, Numbers};

    fn table() -> Table {
        Table::from_columns([
            ("age", Column::from(Ids::from(vec![Some(20i64), Some(30), None]))),
            ("class", Ids::from(vec![Some("a".to_owned()), None, Some("b".to_owned())]).into()),
            ("price", Numbers::from(vec![Some(0.5), Some(1.5), None]).into()),
            ("code", Ids::from(vec!["1", "2.5", "x"]).into()),
            ("bag", Bags::from(vec![vec![1i64], vec![], vec![]]).into()),
        ])
        .unwrap()
    }

    fn compare(column: &str, op: Compare, value: Constant) -> Condition {
        Condition::Compare { column: column.to_owned(), op, value }
    }

    fn number(column: &str, op: Compare, value: f64) -> Condition {
        compare(column, op, Constant::Number(value))
    }

    fn text(column: &str, op: Compare, value: &str) -> Condition {
        compare(column, op, Constant::Text(value.to_owned()))
    }

    #[test]
    fn comparisons() {
        let t = table();
        let is = |condition: Condition| evaluate(&condition, &t).unwrap();
        assert_eq!(is(number("age", Compare::Greater, 25.5)), [Some(false), Some(true), None]);
        assert_eq!(is(number("age", Compare::LessOrEqual, 20.0)), [Some(true), Some(false), None]);
        assert_eq!(is(number("price", Compare::Less, 1.0)), [Some(true), Some(false), None]);
        assert_eq!(is(text("class", Compare::Equal, "a")), [Some(true), None, Some(false)]);
        assert_eq!(is(text("class", Compare::GreaterOrEqual, "b")), [Some(false), None, Some(true)]);
        assert_eq!(is(text("age", Compare::NotEqual, "20")), [Some(false), Some(true), None]);
    }

    #[test]
    fn connectives_follow_kleene() {
        let t = table();
        let old = || Box::new(number("age", Compare::Greater, 25.0)); // false, true, missing
        let b = || Box::new(text("class", Compare::Equal, "b")); // false, missing, true
        assert_eq!(evaluate(&Condition::And(old(), b()), &t).unwrap(), [Some(false), None, None]);
        assert_eq!(evaluate(&Condition::Or(old(), b()), &t).unwrap(), [Some(false), Some(true), Some(true)]);
        assert_eq!(evaluate(&Condition::Not(b()), &t).unwrap(), [Some(true), None, Some(false)]);
    }

    #[test]
    fn wrong_types_are_errors_with_a_place() {
        let t = table();
        let error = evaluate(&number("code", Compare::Less, 3.0), &t).unwrap_err();
        assert_eq!((error.column(), error.value(), error.row()), (Some("code"), Some("x"), Some(2)));
        assert!(evaluate(&text("price", Compare::Equal, "a"), &t).is_err());
        assert!(evaluate(&text("age", Compare::Less, "a"), &t).is_err());
        assert!(evaluate(&number("bag", Compare::Less, 3.0), &t).is_err());
        let error = evaluate(&number("height", Compare::Less, 3.0), &t).unwrap_err();
        assert_eq!(error.help(), Some("the columns are: age, class, price, code, bag"));
    }

    #[test]
    fn large_integers_are_compared_exactly() {
        let big = (1i64 << 53) + 1;
        assert_eq!(order(big, (1i64 << 53) as f64), Some(Ordering::Greater));
        assert_eq!(order(i64::MAX, f64::INFINITY), Some(Ordering::Less));
        assert_eq!(order(i64::MIN, f64::NEG_INFINITY), Some(Ordering::Greater));
        assert_eq!(order(-3, -2.5), Some(Ordering::Less));
        assert_eq!(order(-2, -2.5), Some(Ordering::Greater));
        assert_eq!(order(5, 5.0), Some(Ordering::Equal));
    }
}
