//! Views of the input matrix: which of its columns a network reads as which slots.
//!
//! ```text
//! an id or a pooled bag     shared embedding | own of each task | a weight of each task
//! a sequence                place 0 as above | place 1 | ... | 1 where a place holds an id
//! a number                  number | 1 where it is missing
//! ```

use std::ops::Range;

use crate::schema::{Feature, FeatureKind, Pool, Schema};

/// Slots made of columns: each is a list of ranges, side by side; all slots are equally wide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots(Vec<Vec<Range<usize>>>);

impl Slots {
    /// The slots.
    pub fn slots(&self) -> &[Vec<Range<usize>>] {
        &self.0
    }

    /// The width of a slot.
    pub fn width(&self) -> usize {
        self.0.first().map_or(0, |slot| slot.iter().map(ExactSizeIterator::len).sum())
    }

    /// Slots that are equally wide; neighbouring ranges become one.
    ///
    /// # Panics
    /// If they are not: the compiler checks the spec, and training the settings.
    pub fn new(slots: Vec<Vec<Range<usize>>>) -> Self {
        let slots: Vec<_> = slots.into_iter().map(joined).collect();
        let width = |slot: &Vec<Range<usize>>| slot.iter().map(ExactSizeIterator::len).sum::<usize>();
        assert!(slots.windows(2).all(|pair| width(&pair[0]) == width(&pair[1])), "slots of one width: {slots:?}");
        Self(slots)
    }
}

fn joined(ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in ranges.into_iter().filter(|range| !range.is_empty()) {
        match joined.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => joined.push(range),
        }
    }
    joined
}

/// A feature and its first column.
struct Placed<'s> {
    feature: &'s Feature,
    start: usize,
}

impl Placed<'_> {
    fn dim(&self) -> usize {
        match &self.feature.kind {
            FeatureKind::Id { dim, .. } | FeatureKind::Ids { dim, .. } => *dim,
            FeatureKind::Number { .. } => self.feature.width(),
        }
    }

    /// The columns `from..from + width` of a place of a sequence, or of the feature itself.
    fn columns(&self, place: usize, from: usize, width: usize) -> Range<usize> {
        let start = self.start + place * self.feature.row_width() + from;
        start..start + width
    }

    fn shared(&self) -> Range<usize> {
        self.columns(0, 0, self.dim())
    }
}

impl Schema {
    /// One slot of the embeddings and numbers of the named features (an entity's name stands for its features), in the order of
    /// the names.
    pub fn flat(&self, names: &[&str]) -> Slots {
        Slots::new(vec![self.placed(names).iter().map(Placed::shared).collect()])
    }

    /// A slot for each feature.
    pub fn fields(&self, names: &[&str]) -> Slots {
        Slots::new(self.placed(names).iter().map(|placed| vec![placed.shared()]).collect())
    }

    /// A slot for each task: its own slices of the embeddings. A number stands in every slot.
    pub fn own(&self, names: &[&str]) -> Slots {
        let placed = self.placed(names);
        let slot = |task: usize| {
            let columns = placed.iter().map(|placed| match placed.feature.kind {
                FeatureKind::Number { .. } => placed.shared(),
                _ => placed.columns(0, placed.dim() * (1 + task), placed.dim()),
            });
            columns.collect()
        };
        Slots::new((0..self.tasks.len()).map(slot).collect())
    }

    /// A slot for each task: its weight of each feature's value.
    pub fn wide(&self, names: &[&str]) -> Slots {
        let placed = self.placed(names);
        let column = |placed: &Placed<'_>, task: usize| {
            placed.columns(0, placed.dim() * (1 + placed.feature.own.len()) + task, 1)
        };
        let slot = |task: usize| placed.iter().map(|placed| column(placed, task)).collect();
        Slots::new((0..self.tasks.len()).map(slot).collect())
    }

    /// A slot for each place of a sequence.
    pub fn sequence(&self, names: &[&str]) -> Slots {
        let placed = self.placed(names);
        let places = |placed: &Placed<'_>| {
            let place = |place| vec![placed.columns(place, 0, placed.dim())];
            (0..places(placed.feature)).map(place).collect::<Vec<_>>()
        };
        Slots::new(placed.iter().flat_map(places).collect())
    }

    /// One slot with a column for each place of a sequence, 1 where it holds an id.
    pub fn mask(&self, names: &[&str]) -> Slots {
        let placed = self.placed(names);
        let columns = placed.iter().map(|placed| {
            let places = places(placed.feature);
            placed.columns(places, 0, places)
        });
        Slots::new(vec![columns.collect()])
    }

    fn placed(&self, names: &[&str]) -> Vec<Placed<'_>> {
        let mut all = Vec::new();
        for name in names {
            let mut start = 0;
            for feature in &self.features {
                // An entity stands for its vectors: sequences are read by their own names.
                let sequence = matches!(feature.kind, FeatureKind::Ids { pool: Pool::None, .. });
                if feature.name == *name || feature.entity == *name && !sequence {
                    all.push(Placed { feature, start });
                }
                start += feature.width();
            }
        }
        all
    }
}

fn places(feature: &Feature) -> usize {
    if let FeatureKind::Ids { max_len, .. } = feature.kind { max_len } else { 0 }
}
