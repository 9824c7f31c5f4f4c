//! A method of weighting as a model's configuration holds it, and the method made of it.

use burn::config::Config;
use serde::{Deserialize, Serialize};

use super::methods::gramian::*;
use super::methods::loss::*;
use super::methods::vectors::*;
use super::methods::{Convention, Failure, Guard, Rule, Rules};
use crate::error::{self, Error};

/// A method of weighting and what stands around it.
#[derive(Config, Debug, PartialEq)]
pub struct WeightingConfig {
    /// The method.
    pub method: MethodConfig,
    /// `sum` or `mean`: the scale to which its weights are brought.
    pub normalize: Option<String>,
    /// First epochs with equal weights.
    #[config(default = 0)]
    pub warm_up: usize,
    /// The least weight of each task; empty for none.
    #[config(default = "Vec::new()")]
    pub floors: Vec<f64>,
    /// The greatest weight of each task; empty for none.
    #[config(default = "Vec::new()")]
    pub caps: Vec<f64>,
}

/// A method with its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum MethodConfig {
    /// See [`Dwa`].
    Dwa { temperature: f64, window: Option<usize> },
    /// See [`RandomLoss`].
    Rlw,
    /// See [`Geometric`].
    Gls,
    /// See [`Logarithm`].
    LogLoss,
    /// See [`Famo`].
    Famo { lr: f64, decay: f64, every: usize },
    /// See [`Tchebycheff`].
    Stch { mu: f64, first: usize, window: Option<usize> },
    /// See [`ImpartialLoss`].
    ImtlL { lr: f64 },
    /// See [`GradNorm`].
    Gradnorm { alpha: f64, lr: f64 },
    /// See [`Mgda`].
    Mgda { by: String },
    /// See [`Pcgrad`].
    Pcgrad,
    /// See [`Gradvac`].
    Gradvac { beta: f64 },
    /// See [`Cagrad`].
    Cagrad { c: f64 },
    /// See [`Imtl`].
    Imtl,
    /// See [`Nash`].
    Nash { max_norm: f64, every: usize },
    /// See [`Aligned`].
    Aligned { scale: String },
    /// See [`Upgrad`].
    Upgrad,
    /// See [`Fairgrad`].
    Fairgrad { alpha: f64 },
    /// See [`Pareto`].
    PeLtr { floors: Vec<f64> },
    /// See [`MetaBalance`].
    Metabalance { target: usize, relax: f64, beta: f64, strategy: String },
    /// See [`DbMtl`].
    DbMtl { beta: f64, sigma: f64 },
    /// See [`Excess`].
    ExcessMtl { eta: f64 },
    /// See [`GradDrop`].
    Graddrop { leak: f64 },
    /// See [`Moco`].
    Moco { beta: f64, gamma: f64 },
}

/// Where the tasks' gradients are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At what towers read.
    Representation,
    /// At the parameters of the network that several tasks train.
    Parameters,
}

/// The method of a model, and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The method.
    pub config: &'a WeightingConfig,
    /// Where gradients are compared, if they are.
    pub place: Place,
    /// Whether weights of gradients also scale what a task has for itself.
    pub scale_towers: bool,
}

/// A method that is asked.
pub(crate) enum Method {
    Losses(Box<dyn LossMethod>),
    Products(Box<dyn Gramian>),
    /// One method for each tensor where gradients are compared at parameters.
    MetaBalance(MetaBalanceOptions),
    GradDrop(GradDrop),
    /// Those whose memory has the size of the shared parameters are made when that is known.
    DbMtl(DbMtlOptions),
    Excess(ExcessOptions),
    Moco(MocoOptions),
}

impl WeightingConfig {
    /// The rules around the method.
    pub(crate) fn guard(&self, tasks: usize) -> error::Result<Guard> {
        let normalize = match self.normalize.as_deref() {
            None => None,
            Some("sum") => Some(Convention::Sum),
            Some("mean") => Some(Convention::Mean),
            Some(other) => {
                return Err(Error::config(format!(
                    "loss.weighting.normalize is `{other}`, but it must be sum or mean"
                )));
            }
        };
        let (floors, caps) = (self.floors.clone(), self.caps.clone());
        Guard::new(tasks, Rules { normalize, floors, caps, warm_up: self.warm_up as u64 }).map_err(refused)
    }

    /// The method for so many tasks.
    pub(crate) fn make(&self, tasks: usize, seed: u64) -> error::Result<Method> {
        let period = |window: &Option<usize>| window.map_or(Period::Epochs, |steps| Period::Steps(steps as u64));
        let losses = |made: Result<Box<dyn LossMethod>, Failure>| made.map(Method::Losses).map_err(refused);
        let products = |made: Result<Box<dyn Gramian>, Failure>| made.map(Method::Products).map_err(refused);
        let order = Order::Random { seed };
        let word = |name: &str, word: &str, known: &[&str]| match known.iter().position(|known| *known == word) {
            Some(at) => Ok(at),
            None => Err(Error::config(format!(
                "loss.weighting.method.{name} is `{word}`, but it must be one of {}",
                known.join(", ")
            ))),
        };
        match &self.method {
            MethodConfig::Dwa { temperature, window } => {
                let options = DwaOptions { temperature: *temperature, period: period(window), ..DwaOptions::default() };
                losses(Dwa::new(tasks, options).map(|of| Box::new(of) as _))
            }
            MethodConfig::Rlw => losses(Ok(Box::new(RandomLoss::new(tasks, seed)))),
            MethodConfig::Gls => losses(Ok(Box::new(Geometric::new(tasks)))),
            MethodConfig::LogLoss => losses(Ok(Box::new(Logarithm::new(tasks)))),
            MethodConfig::Famo { lr, decay, every } => {
                let options = FamoOptions { rate: *lr, decay: *decay, every: *every as u64, ..FamoOptions::default() };
                losses(Famo::new(tasks, options).map(|of| Box::new(of) as _))
            }
            MethodConfig::Stch { mu, first, window } => {
                let options = TchebycheffOptions { mu: *mu, warm_up: *first as u64, period: period(window) };
                losses(Tchebycheff::new(tasks, options).map(|of| Box::new(of) as _))
            }
            MethodConfig::ImtlL { lr } => {
                let rule = Rule::Adam { rate: *lr, decay: 0.0 };
                let options = ImpartialLossOptions { rule, ..ImpartialLossOptions::default() };
                losses(ImpartialLoss::new(tasks, options).map(|of| Box::new(of) as _))
            }
            MethodConfig::Gradnorm { alpha, lr } => {
                let options = GradNormOptions { alpha: *alpha, rate: *lr, ..GradNormOptions::default() };
                products(GradNorm::new(tasks, options).map(|of| Box::new(of) as _))
            }
            MethodConfig::Mgda { by } => {
                let all = [Normalize::None, Normalize::L2, Normalize::Loss, Normalize::LossPlus];
                let normalize = all[word("by", by, &["none", "norm", "loss", "both"])?];
                products(Ok(Box::new(Mgda::new(MgdaOptions { normalize, ..MgdaOptions::default() }))))
            }
            MethodConfig::Pcgrad => products(Ok(Box::new(Pcgrad::new(PcgradOptions { order, mean: false })))),
            MethodConfig::Gradvac { beta } => {
                let options = GradvacOptions { beta: *beta, order, ..GradvacOptions::default() };
                products(Gradvac::new(tasks, options).map(|of| Box::new(of) as _))
            }
            MethodConfig::Cagrad { c } => {
                let options = CagradOptions { c: *c, ..CagradOptions::default() };
                products(Cagrad::new(options).map(|of| Box::new(of) as _))
            }
            MethodConfig::Imtl => products(Ok(Box::new(Imtl))),
            MethodConfig::Nash { max_norm, every } => {
                let options = NashOptions { max_norm: Some(*max_norm), update_every: *every as u64 };
                products(Nash::new(tasks, options).map(|of| Box::new(of) as _))
            }
            MethodConfig::Aligned { scale } => {
                let all = [AlignedScale::Least, AlignedScale::Median, AlignedScale::RootMeanSquare];
                let scale = all[word("scale", scale, &["min", "median", "rmse"])?];
                let options = AlignedOptions { scale, preferences: None };
                products(Aligned::new(tasks, options).map(|of| Box::new(of) as _))
            }
            MethodConfig::Upgrad => {
                products(Upgrad::new(tasks, UpgradOptions { preferences: None }).map(|of| Box::new(of) as _))
            }
            MethodConfig::Fairgrad { alpha } => {
                products(Fairgrad::new(FairgradOptions { alpha: *alpha }).map(|of| Box::new(of) as _))
            }
            MethodConfig::PeLtr { floors } => {
                let options = ParetoOptions { floors: floors.clone() };
                products(Pareto::new(tasks, options).map(|of| Box::new(of) as _))
            }
            MethodConfig::Metabalance { target, relax, beta, strategy } => {
                let all = [BalanceStrategy::Both, BalanceStrategy::Shrink, BalanceStrategy::Enlarge];
                let strategy = all[word("strategy", strategy, &["both", "shrink", "enlarge"])?];
                let options = MetaBalanceOptions { target: *target, relax: *relax, beta: *beta, strategy };
                MetaBalance::new(tasks, 1, options.clone()).map_err(refused)?;
                Ok(Method::MetaBalance(options))
            }
            MethodConfig::DbMtl { beta, sigma } => {
                let options = DbMtlOptions { beta: *beta, sigma: *sigma };
                DbMtl::<f32>::new(tasks, 0, options.clone()).map_err(refused)?;
                Ok(Method::DbMtl(options))
            }
            MethodConfig::ExcessMtl { eta } => {
                let options = ExcessOptions { eta: *eta };
                Excess::<f32>::new(tasks, 0, options.clone()).map_err(refused)?;
                Ok(Method::Excess(options))
            }
            MethodConfig::Graddrop { leak } => {
                let options = GradDropOptions { leak: vec![*leak; tasks], seed };
                GradDrop::new(tasks, options).map(Method::GradDrop).map_err(refused)
            }
            MethodConfig::Moco { beta, gamma } => {
                let options = MocoOptions { beta: *beta, gamma: *gamma, ..MocoOptions::default() };
                Moco::<f32>::new(tasks, 0, options.clone()).map_err(refused)?;
                Ok(Method::Moco(options))
            }
        }
    }
}

fn refused(failure: Failure) -> Error {
    Error::config(format!("loss.weighting: {failure}"))
}
