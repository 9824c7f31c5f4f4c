//! The simulated feed: two weeks of impressions in the order of time, cut 8 : 1 : 1.

use mtl_data::simulator::{self, FeedOptions, POSITIONS, Simulation};
use mtl_data::{DataError, Table};
use mtl_runtime::Splits;

/// A simulation, and which of its rows train, validate and test.
pub struct Feed {
    /// All rows, with their true probabilities.
    pub simulation: Simulation,
    /// Row numbers of training, validation and test.
    pub rows: [Vec<u32>; 3],
}

impl Feed {
    /// Simulates, and cuts by time between requests.
    pub fn simulate(options: &FeedOptions) -> Result<Self, DataError> {
        let simulation = simulator::feed(options)?;
        let all = simulation.table.rows();
        let cut = |tenths: usize| (all * tenths / 10 / POSITIONS * POSITIONS) as u32;
        let (validation, test, end) = (cut(8), cut(9), all as u32);
        Ok(Self { simulation, rows: [(0..validation).collect(), (validation..test).collect(), (test..end).collect()] })
    }

    /// The rows of a part as a table.
    pub fn table(&self, part: usize) -> Table {
        self.simulation.table.take(&self.rows[part])
    }

    /// The three parts as tables.
    pub fn splits(&self) -> Splits {
        Splits { train: self.table(0), validation: self.table(1), test: Some(self.table(2)) }
    }
}
