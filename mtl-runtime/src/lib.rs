//! The runtime of generated models: primitives, embedding tables, losses, training, evaluation and prediction over burn.
//!
//! An application is a model and one line, [`app()`]; a program of its own uses [`Trainer`] and [`Predictor`].

pub mod alloc;
pub mod app;
mod checkpoint;
pub mod config;
pub mod embedding;
pub mod entries;
pub mod error;
mod evaluate;
pub mod init;
mod linalg;
pub mod loss;
pub mod model;
pub mod nn;
pub mod ops;
pub mod optim;
pub mod output;
pub mod parameters;
pub mod pass;
mod pictures;
pub mod predict;
pub mod scores;
pub mod subnets;
pub mod train;
pub mod tune;
pub mod weighting;

pub use app::app;
pub use error::{Error, Result};
pub use evaluate::{Baseline, Evaluation, SavedPredictions};
pub use model::Model;
pub use mtl_data as data;
pub use mtl_eval::{calibration, report};
pub use mtl_macros::{mtl, mtl_file};
pub use predict::{Predictions, Predictor};
pub use train::{Splits, Trained, Trainer};

/// What generated code names. Not an interface for people: it follows the generator.
#[doc(hidden)]
pub mod __private {
    pub use burn;
    pub use burn::config::Config;
    pub use burn::module::Module;
    pub use burn::tensor::{Device, Tensor};
    pub use mtl_data;
    pub use mtl_data::schema;
    pub use mtl_data::{Bags, Column, DataError, Ids, Labels, Numbers, Slots, Table};
    pub use mtl_eval::calibration::Method as Calibration;
    pub use mtl_eval::metrics::{GroupWeight as TuneGroups, Metric as TuneMetric};
    pub use mtl_eval::search::Method as TuneMethod;
    pub use serde;

    pub use crate::config::{
        Best, BestMetric, OptimizerConfig, RowOptimizerConfig, StageConfig, StageTasks, TrainConfig,
    };
    pub use crate::entries::Reading;
    pub use crate::entries::{
        self, BinaryConfig, BucketsBagConfig, BucketsConfig, FocalConfig, HuberConfig, QuantileConfig, SharedBagConfig,
        SmoothedConfig, TweedieConfig, VocabularyBagConfig, VocabularyConfig,
    };
    pub use crate::entries::{at_most, divides, one_width};
    pub use crate::init::{Init, Start, members, task_members};
    pub use crate::loss::{Distill, Estimator, Lesson, Term};
    pub use crate::model::{Expectation, Input, Model, ModelConfig, Part, Rank, RankParam, Split};
    pub use crate::nn::{
        Activation, LayerNorm, Linear, MaskedLinear, Value, activate, distance, orthogonality, trace_norm,
    };
    pub use crate::ops::{
        Choice, add, affine, attention, bits, columns, concat, drop_gates, drop_rows, dropout, entropy, gather,
        hard_concrete, head, imbalance, levels, logits, lost, mean, mean_width, mix, multiply, narrow, noisy,
        open_chance, pair_dots, pair_products, reshape, scaled_dots, select, selectors, softmax, stack, stop,
        sum_width, through, top_chance, top_k, transpose,
    };
    pub use crate::pass::Pass;
    pub use crate::predict::Predictions;
    pub use crate::scores::MissingInput;
    pub use crate::subnets::{Compacted, Contrast, Scope as PruningScope, Subnet, Turns, share_of_round, subnets};
    pub use crate::tune::{Tune, TuneGoal, TuneParam};
    pub use crate::weighting::{Asked, MethodConfig, Place, Weighting, WeightingConfig};

    /// The version of the interface between generated code and this crate.
    pub const CODEGEN: u32 = 4;

    /// Fails to compile where code was generated for another version of this crate.
    pub const fn require_codegen(version: u32) {
        assert!(
            version == CODEGEN,
            "this code was generated for another version of mtl-runtime: use one version of all mtl crates"
        );
    }
}
