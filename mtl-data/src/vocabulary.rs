//! A learned vocabulary: one row of a table for each id that occurs often enough.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::hash::BuildFast;
use crate::ids::{Id, Ids};

/// The known ids in order: integers by value, then texts by their bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vocabulary {
    integers: Vec<i64>,
    texts: Vec<String>,
}

/// Occurrences of ids in the training rows.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    integers: HashMap<i64, usize, BuildFast>,
    texts: HashMap<String, usize, BuildFast>,
}

/// Finds the position of ids; borrows the vocabulary.
pub(crate) struct Lookup<'a> {
    integers: HashMap<i64, u32, BuildFast>,
    texts: HashMap<&'a str, u32, BuildFast>,
}

impl Counts {
    /// Counts the ids of a column; missing ones are not counted.
    pub(crate) fn add(&mut self, ids: &Ids) {
        match ids {
            Ids::Integers(integers) => integers.iter().flatten().for_each(|value| self.count(Id::Integer(value), 1)),
            Ids::Text(text) => {
                let mut counts = vec![0; text.dictionary().len()];
                (0..text.len()).filter_map(|row| text.code(row)).for_each(|code| counts[code] += 1);
                for (entry, count) in text.dictionary().iter().zip(counts).filter(|(_, count)| *count > 0) {
                    self.count(Id::parse(entry), count);
                }
            }
        }
    }

    fn count(&mut self, id: Id<'_>, times: usize) {
        match id {
            Id::Integer(value) => *self.integers.entry(value).or_default() += times,
            Id::Text(text) => match self.texts.get_mut(text) {
                Some(count) => *count += times,
                None => {
                    self.texts.insert(text.to_owned(), times);
                }
            },
        }
    }

    /// The ids that occur at least `min_count` times.
    pub(crate) fn vocabulary(self, min_count: usize) -> Vocabulary {
        let mut integers: Vec<i64> =
            self.integers.into_iter().filter(|(_, count)| *count >= min_count).map(|(value, _)| value).collect();
        let mut texts: Vec<String> =
            self.texts.into_iter().filter(|(_, count)| *count >= min_count).map(|(text, _)| text).collect();
        integers.sort_unstable();
        texts.sort_unstable();
        Vocabulary { integers, texts }
    }
}

impl Vocabulary {
    /// The number of known ids.
    pub fn len(&self) -> usize {
        self.integers.len() + self.texts.len()
    }

    /// True if no id is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The known ids by position.
    pub fn iter(&self) -> impl Iterator<Item = Id<'_>> {
        self.integers.iter().map(|&value| Id::Integer(value)).chain(self.texts.iter().map(|text| Id::Text(text)))
    }

    /// An index of the ids.
    pub(crate) fn lookup(&self) -> Lookup<'_> {
        let texts = self.texts.iter().enumerate();
        Lookup {
            integers: self.integers.iter().enumerate().map(|(i, &value)| (value, i as u32)).collect(),
            texts: texts.map(|(i, text)| (text.as_str(), (self.integers.len() + i) as u32)).collect(),
        }
    }
}

impl Lookup<'_> {
    /// The position of an id.
    pub(crate) fn position(&self, id: Id<'_>) -> Option<u32> {
        match id {
            Id::Integer(value) => self.integers.get(&value).copied(),
            Id::Text(text) => self.texts.get(text).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_and_cut_at_min_count() {
        let mut counts = Counts::default();
        counts.add(&Ids::from(vec![Some(9i64), Some(-1), None, Some(9)]));
        counts.add(&Ids::from(vec!["b", "a", "b", "-1"]));
        let vocabulary = counts.vocabulary(2);
        assert_eq!(vocabulary.iter().collect::<Vec<_>>(), [Id::Integer(-1), Id::Integer(9), Id::Text("b")]);
        let lookup = vocabulary.lookup();
        assert_eq!(lookup.position(Id::Text("b")), Some(2));
        assert_eq!(lookup.position(Id::Text("a")), None);
    }

    #[test]
    fn unused_dictionary_entries_do_not_count() {
        let mut counts = Counts::default();
        counts.add(&Ids::from(vec!["gone", "kept"]).gather(std::iter::once(Some(1))));
        assert_eq!(counts.vocabulary(0).iter().collect::<Vec<_>>(), [Id::Text("kept")]);
    }
}
