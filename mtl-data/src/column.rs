//! A column of a table: ids, bags of ids, or numbers.

use crate::ids::Ids;

/// The values of one column, row by row.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// One id a row.
    Ids(Ids),
    /// A bag or sequence of ids a row.
    Bags(Bags),
    /// One number a row.
    Numbers(Numbers),
}

/// Numbers; NaN is missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Numbers(pub Vec<f64>);

/// Labels; NaN is missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Labels(pub Vec<f64>);

/// A bag or sequence of ids a row; a missing bag is an empty one.
#[derive(Debug, Clone, PartialEq)]
pub struct Bags {
    /// Row `r` holds `ids[offsets[r]..offsets[r + 1]]`.
    offsets: Vec<usize>,
    ids: Ids,
}

impl Bags {
    /// From the ids of all rows one after the other, and where each row ends. The last end is the number of ids.
    pub(crate) fn from_ends(ends: impl IntoIterator<Item = usize>, ids: Ids) -> Self {
        Self { offsets: std::iter::once(0).chain(ends).collect(), ids }
    }

    fn from_rows<T>(rows: Vec<Vec<T>>) -> Self
    where
        Ids: From<Vec<T>>,
    {
        let mut end = 0;
        let ends: Vec<usize> = rows
            .iter()
            .map(|row| {
                end += row.len();
                end
            })
            .collect();
        Self::from_ends(ends, rows.into_iter().flatten().collect::<Vec<T>>().into())
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// True if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where a row's ids stand in [`Bags::ids`].
    pub fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.offsets[row]..self.offsets[row + 1]
    }

    /// The ids of all rows.
    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    fn gather(&self, rows: impl Iterator<Item = Option<usize>> + Clone) -> Self {
        let ids = rows.clone().flatten().flat_map(|row| self.range(row)).map(Some);
        let mut end = 0;
        let ends = rows.map(|row| {
            end += row.map_or(0, |row| self.range(row).len());
            end
        });
        Self::from_ends(ends, self.ids.gather(ids))
    }

    fn concat(parts: &[&Self]) -> Self {
        let mut start = 0;
        let mut ends = Vec::new();
        for part in parts {
            ends.extend(part.offsets[1..].iter().map(|end| start + end));
            start += part.ids.len();
        }
        Self::from_ends(ends, Ids::concat(&parts.iter().map(|part| &part.ids).collect::<Vec<_>>()))
    }
}

impl Column {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Ids(ids) => ids.len(),
            Self::Bags(bags) => bags.len(),
            Self::Numbers(numbers) => numbers.0.len(),
        }
    }

    /// True if there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What it holds, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ids(Ids::Integers(_)) => "integers",
            Self::Ids(Ids::Text(_)) => "texts",
            Self::Bags(_) => "lists of ids",
            Self::Numbers(_) => "numbers",
        }
    }

    /// These rows, in this order.
    pub fn take(&self, rows: &[u32]) -> Self {
        self.gather(rows.iter().map(|&row| Some(row as usize)))
    }

    /// These rows, in this order; missing where there is no row.
    pub(crate) fn gather(&self, rows: impl Iterator<Item = Option<usize>> + Clone) -> Self {
        match self {
            Self::Ids(ids) => Self::Ids(ids.gather(rows)),
            Self::Bags(bags) => Self::Bags(bags.gather(rows)),
            Self::Numbers(Numbers(values)) => {
                Self::Numbers(Numbers(rows.map(|row| row.map_or(f64::NAN, |row| values[row])).collect()))
            }
        }
    }

    /// The rows of all parts, one after the other; none if the parts are of different kinds.
    pub(crate) fn concat(parts: &[&Self]) -> Option<Self> {
        let ids: Option<Vec<&Ids>> =
            parts.iter().map(|part| if let Self::Ids(ids) = part { Some(ids) } else { None }).collect();
        if let Some(ids) = ids {
            return Some(Self::Ids(Ids::concat(&ids)));
        }
        let bags: Option<Vec<&Bags>> =
            parts.iter().map(|part| if let Self::Bags(bags) = part { Some(bags) } else { None }).collect();
        if let Some(bags) = bags {
            return Some(Self::Bags(Bags::concat(&bags)));
        }
        let numbers: Option<Vec<&Numbers>> =
            parts.iter().map(|part| if let Self::Numbers(numbers) = part { Some(numbers) } else { None }).collect();
        numbers.map(|numbers| Self::Numbers(Numbers(numbers.iter().flat_map(|part| &part.0).copied().collect())))
    }

    /// True if two rows hold the same value; two missing ones are the same.
    pub(crate) fn same(&self, a: usize, b: usize) -> bool {
        match self {
            Self::Ids(ids) => ids.get(a) == ids.get(b),
            Self::Bags(bags) => {
                let (a, b) = (bags.range(a), bags.range(b));
                a.len() == b.len() && a.zip(b).all(|(a, b)| bags.ids.get(a) == bags.ids.get(b))
            }
            Self::Numbers(Numbers(values)) => values[a] == values[b] || (values[a].is_nan() && values[b].is_nan()),
        }
    }
}

impl<T> From<Vec<Vec<T>>> for Bags
where
    Ids: From<Vec<T>>,
{
    fn from(rows: Vec<Vec<T>>) -> Self {
        Self::from_rows(rows)
    }
}

macro_rules! from_numbers {
    ($name:ident: $($number:ty),*) => { $(
        impl From<Vec<$number>> for $name {
            fn from(values: Vec<$number>) -> Self {
                Self(values.into_iter().map(f64::from).collect())
            }
        }
        impl From<Vec<Option<$number>>> for $name {
            fn from(values: Vec<Option<$number>>) -> Self {
                Self(values.into_iter().map(|value| value.map_or(f64::NAN, f64::from)).collect())
            }
        }
    )* };
}
from_numbers!(Numbers: f64, f32, i32, u32);
from_numbers!(Labels: f64, f32, bool, u8);

impl From<Ids> for Column {
    fn from(ids: Ids) -> Self {
        Self::Ids(ids)
    }
}

impl From<Bags> for Column {
    fn from(bags: Bags) -> Self {
        Self::Bags(bags)
    }
}

impl From<Numbers> for Column {
    fn from(numbers: Numbers) -> Self {
        Self::Numbers(numbers)
    }
}

impl From<Labels> for Column {
    fn from(labels: Labels) -> Self {
        Self::Numbers(Numbers(labels.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Id;

    #[test]
    fn bags_take_and_concat() {
        let bags = Bags::from(vec![vec![1u64, 2], vec![], vec![3]]);
        let Some(Column::Bags(both)) = Column::concat(&[&bags.clone().into(), &Column::Bags(bags).take(&[2, 0])])
        else {
            panic!("bags");
        };
        let rows: Vec<Vec<Id>> =
            (0..both.len()).map(|r| both.range(r).filter_map(|i| both.ids().get(i)).collect()).collect();
        let ids = |values: &[i64]| values.iter().map(|&v| Id::Integer(v)).collect::<Vec<_>>();
        assert_eq!(rows, [ids(&[1, 2]), ids(&[]), ids(&[3]), ids(&[3]), ids(&[1, 2])]);
    }

    #[test]
    fn missing_numbers_are_the_same_value() {
        let numbers = Column::from(Numbers::from(vec![Some(1.0), None, None]));
        assert!(numbers.same(1, 2) && !numbers.same(0, 1));
    }

    #[test]
    fn different_kinds_do_not_concat() {
        assert_eq!(Column::concat(&[&Numbers(vec![1.0]).into(), &Ids::from(vec![1i64]).into()]), None);
    }
}
