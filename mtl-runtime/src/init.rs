//! Initial values, each a function of the seed and of its parameter's path alone.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use mtl_data::Rng;

use crate::nn::{LayerNorm, Linear, MaskedLinear, Value};

/// Where the parameters of a network are made.
#[derive(Debug, Clone)]
pub struct Init {
    /// The seed of all initial values.
    pub seed: u64,
    /// The device they are put on.
    pub device: Device,
}

impl Init {
    /// Makes parameters under this seed on this device.
    pub fn new(seed: u64, device: &Device) -> Self {
        Self { seed, device: device.clone() }
    }

    /// A group of affine maps, one for each path in `members`. Member `g` draws its weight from a generator keyed by
    /// `members[g] + ".weight"` and its bias by `members[g] + ".bias"`, both uniform in `±1/sqrt(d_in)`.
    pub fn linear(&self, members: &[String], d_in: usize, d_out: usize, bias: bool) -> Linear {
        let bound = 1.0 / (d_in.max(1) as f64).sqrt();
        let draw = |suffix: &str, count: usize| -> Vec<f32> {
            members.iter().flat_map(|member| self.uniform(&format!("{member}.{suffix}"), bound, count)).collect()
        };
        let weight = TensorData::new(draw("weight", d_in * d_out), [members.len(), d_in, d_out]);
        let bias = bias.then(|| TensorData::new(draw("bias", d_out), [members.len(), d_out]));
        Linear::new(self.parameter(weight), bias.map(|bias| self.parameter(bias)))
    }

    /// An affine map that starts as [`linear`](Self::linear)'s member of this path, with masks of ones for `tasks` tasks.
    pub fn masked_linear(&self, path: &str, tasks: usize, d_in: usize, d_out: usize) -> MaskedLinear {
        let Linear { weight, bias, .. } = self.linear(&[path.to_owned()], d_in, d_out, true);
        let masks = self.parameter(TensorData::new(vec![1.0f32; tasks * d_in * d_out], [tasks, d_in, d_out]));
        let bias = bias.unwrap_or_else(|| unreachable!("it was asked for"));
        MaskedLinear { weight, bias, masks: masks.set_require_grad(false) }
    }

    /// Layer normalisation of `groups` slots of this width: scales of one, offsets of zero.
    pub fn layer_norm(&self, groups: usize, width: usize) -> LayerNorm {
        LayerNorm {
            scale: self.parameter(TensorData::new(vec![1.0f32; groups * width], [groups, width])),
            offset: self.parameter(TensorData::new(vec![0.0f32; groups * width], [groups, width])),
        }
    }

    /// A value of one slot for each path in `members`, `width` wide. A random start is keyed by its member's path.
    pub fn value(&self, members: &[String], width: usize, start: Start) -> Value {
        let slots = members.len();
        let slot = |(position, path): (usize, &String)| -> Vec<f32> {
            let mut rng = Rng::keyed(self.seed, &format!("{path}.value"));
            let mut column = |column: usize| match start {
                Start::Constant(value) => value,
                Start::Normal(deviation) => deviation * rng.normal(),
                Start::Uniform(bound) => rng.uniform(-bound, bound),
                Start::Diagonal { own, other, units: false } => {
                    if column == position {
                        own
                    } else {
                        other
                    }
                }
                // Slot `s * tasks + t` weighs what `t` gives to `s`.
                Start::Diagonal { own, other, units: true } => {
                    let tasks = slots.isqrt();
                    if position / tasks == position % tasks { own } else { other }
                }
            };
            (0..width).map(&mut column).map(|value| value as f32).collect()
        };
        let values: Vec<f32> = members.iter().enumerate().flat_map(slot).collect();
        Value { value: self.parameter(TensorData::new(values, [slots, width])) }
    }

    /// A parameter with its value.
    pub(crate) fn parameter<const D: usize>(&self, value: TensorData) -> Param<Tensor<D>> {
        Param::from_data(value, &self.device)
    }

    fn uniform(&self, path: &str, bound: f64, count: usize) -> impl Iterator<Item = f32> + use<> {
        let mut rng = Rng::keyed(self.seed, path);
        std::iter::repeat_with(move || rng.uniform(-bound, bound) as f32).take(count)
    }
}

/// Where a [`Value`] starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// This everywhere.
    Constant(f64),
    /// Normal with this deviation.
    Normal(f64),
    /// Uniform between minus this and this.
    Uniform(f64),
    /// A matrix of slots and columns, or of pairs of slots where each column is a unit.
    Diagonal {
        /// On the diagonal.
        own: f64,
        /// Beside it.
        other: f64,
        /// Whether a slot is a pair.
        units: bool,
    },
}

/// The paths of `count` members: `prefix.0`, `prefix.1`, ...
pub fn members(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|member| format!("{prefix}.{member}")).collect()
}

/// The paths of one member for each task: `prefix.click`, ...
pub fn task_members(prefix: &str, tasks: &[&str]) -> Vec<String> {
    tasks.iter().map(|task| format!("{prefix}.{task}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::tests::values;

    fn weights(seed: u64, names: &[&str]) -> Vec<Vec<f32>> {
        let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
        let linear = Init::new(seed, &Device::flex()).linear(&names, 16, 5, true);
        let weight = values(linear.weight.val());
        let bias = values(linear.bias.expect("asked for").val());
        weight.chunks(80).zip(bias.chunks(5)).map(|(weight, bias)| [weight, bias].concat()).collect()
    }

    #[test]
    fn a_member_depends_on_seed_and_path_alone() {
        let all = weights(7, &["h.0", "h.1", "tower.buy"]);
        assert_eq!(weights(7, &["tower.buy", "h.0"]), [all[2].clone(), all[0].clone()]);
        assert!(weights(8, &["h.0"])[0] != all[0]);
    }

    #[test]
    fn no_two_members_coincide_and_all_lie_in_bounds() {
        let all = weights(7, &["h.0", "h.1", "h.2"]);
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
        let flat = all.concat();
        assert!(flat.iter().all(|w| w.abs() <= 0.25));
        let deviation = (flat.iter().map(|w| w * w).sum::<f32>() / flat.len() as f32).sqrt();
        assert!((deviation - 0.25 / 3f32.sqrt()).abs() < 0.015, "{deviation}");
    }

    #[test]
    fn paths_of_members() {
        assert_eq!(members("h.experts", 2), ["h.experts.0", "h.experts.1"]);
        assert_eq!(task_members("tower", &["click", "buy"]), ["tower.click", "tower.buy"]);
    }
}
