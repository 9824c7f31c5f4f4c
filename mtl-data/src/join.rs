//! Operations of a table that match rows: joins and duplicates.

use std::collections::HashMap;

use crate::column::{Column, Numbers};
use crate::error::DataError;
use crate::hash::{BuildFast, GOLDEN, mix};
use crate::ids::Id;
use crate::table::Table;

/// Ends a chain of rows.
const NONE: u32 = u32::MAX;

impl Table {
    /// The table with the columns of `other` beside it: each row gets the row of `other` with the same id in column `on`, and
    /// missing values where there is none. An id that stands twice in `other` is an error.
    pub fn left_join(self, other: &Self, on: &str) -> Result<Self, DataError> {
        let keys = other.ids(on)?;
        let mut row_of: HashMap<Id<'_>, usize, BuildFast> = HashMap::default();
        for row in 0..keys.len() {
            let Some(key) = keys.get(row) else { continue };
            if row_of.insert(key, row).is_some() {
                let error = DataError::new("stands twice in the table to join").in_column(on).with_value(key);
                return Err(other.place(error, row).remedy("drop duplicate rows first"));
            }
        }
        let rows: Vec<Option<usize>> = self.ids(on)?.map(None, |id| row_of.get(&id).copied());
        let mut joined = self;
        for (name, column) in other.columns().filter(|(name, _)| *name != on) {
            joined = joined.with_column(name, column.gather(rows.iter().copied()))?;
        }
        Ok(joined)
    }

    /// The table without rows that are equal to an earlier one in every column.
    pub fn drop_duplicates(&self) -> Self {
        let hashes = self.row_hashes();
        // Rows of one hash are chained, so that equal hashes of different rows do no harm.
        let mut last: HashMap<u64, u32, BuildFast> = HashMap::default();
        let mut previous = vec![NONE; self.rows()];
        let mut kept = Vec::new();
        for (row, hash) in hashes.into_iter().enumerate() {
            let mut candidate = last.get(&hash).copied();
            while let Some(other) = candidate {
                if self.columns().all(|(_, column)| column.same(row, other as usize)) {
                    break;
                }
                candidate = Some(previous[other as usize]).filter(|&row| row != NONE);
            }
            if candidate.is_none() {
                previous[row] = last.insert(hash, row as u32).unwrap_or(NONE);
                kept.push(row as u32);
            }
        }
        self.take(&kept)
    }

    fn row_hashes(&self) -> Vec<u64> {
        let mut hashes = vec![0u64; self.rows()];
        let mut add = |row: usize, value: u64| hashes[row] = mix(hashes[row].wrapping_mul(GOLDEN) ^ value);
        for (_, column) in self.columns() {
            match column {
                Column::Ids(ids) => {
                    ids.map(1, |id| id.hash64()).into_iter().enumerate().for_each(|(row, hash)| add(row, hash));
                }
                Column::Bags(bags) => {
                    let ids = bags.ids().map(1, |id| id.hash64());
                    for row in 0..bags.len() {
                        add(row, 2);
                        bags.range(row).for_each(|i| add(row, ids[i]));
                    }
                }
                // Adding 0 makes one value of 0 and -0, which are equal.
                Column::Numbers(Numbers(values)) => values.iter().enumerate().for_each(|(row, value)| {
                    add(row, if value.is_nan() { 3 } else { (value + 0.0).to_bits() });
                }),
            }
        }
        hashes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Bags;
    use crate::ids::Ids;

    fn videos() -> Table {
        Table::from_columns([
            ("video_id", Column::from(Ids::from(vec![7i64, 5]))),
            ("tag", Ids::from(vec![Some("a".to_owned()), None]).into()),
            ("length", Numbers(vec![1.5, 2.5]).into()),
            ("cast", Bags::from(vec![vec![1u64, 2], vec![]]).into()),
        ])
        .unwrap()
    }

    #[test]
    fn a_join_keeps_rows_and_fills_with_missing() {
        let log =
            Table::from_columns([("video_id", Ids::from(vec![Some(5i64), Some(7), Some(9), None, Some(7)]))]).unwrap();
        let joined = log.left_join(&videos(), "video_id").unwrap();
        assert_eq!(joined.rows(), 5);
        let tags: Vec<_> = (0..5).map(|row| joined.ids("tag").unwrap().text(row).map(String::from)).collect();
        assert_eq!(tags, [None, Some("a".to_owned()), None, None, Some("a".to_owned())]);
        let lengths = joined.numbers("length").unwrap();
        assert_eq!((lengths[0], lengths[1], lengths[4]), (2.5, 1.5, 1.5));
        assert!(lengths[2].is_nan() && lengths[3].is_nan());
        let cast = joined.bags("cast").unwrap();
        assert_eq!((0..5).map(|row| cast.range(row).len()).collect::<Vec<_>>(), [0, 2, 0, 0, 2]);
    }

    #[test]
    fn a_join_refuses_ambiguous_ids_and_names() {
        let twice = Table::concat(&[videos(), videos()]).unwrap();
        let error = videos().select(&["video_id"]).unwrap().left_join(&twice, "video_id").unwrap_err();
        assert_eq!((error.value(), error.row()), (Some("7"), Some(0)));
        let error = videos().left_join(&videos(), "video_id").unwrap_err();
        assert_eq!(error.column(), Some("tag"));
    }

    #[test]
    fn duplicates_go_and_the_first_stays() {
        let table = Table::concat(&[videos(), videos().take(&[1, 0, 1])]).unwrap();
        let table = table.with_column("n", Numbers(vec![1.0, f64::NAN, f64::NAN, 2.0, f64::NAN])).unwrap();
        let kept = table.drop_duplicates();
        assert_eq!(kept.numbers("video_id").unwrap()[..], [7.0, 5.0, 7.0]);
        assert_eq!(kept.numbers("n").unwrap()[0], 1.0);
    }
}
