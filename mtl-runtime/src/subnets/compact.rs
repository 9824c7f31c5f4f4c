//! A subnetwork as a smaller computation of the same numbers.

use crate::ops::{Activation, activate_all as activate};

/// A layer of the network that a subnetwork is part of, without normalisation.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// `[in, out]`, row-major.
    pub weight: &'a [f32],
    /// Which weights are the subnetwork's.
    pub mask: &'a [bool],
    /// `[out]`.
    pub bias: &'a [f32],
    /// What is applied to the sums.
    pub activation: Activation,
}

/// A multiplication of the sparse form is taken to cost as much as this many of the dense one, which reads its operands in order.
const SPARSE_COST: usize = 4;

/// A subnetwork without the units that nothing varies or nothing reads.
///
/// A unit whose kept incoming weights all come from constants is constant itself, and becomes part of the next layer's bias. A
/// unit that no unit reads is dropped. What is left of a layer is a smaller dense matrix, or a list of its weights where those
/// are few.
#[derive(Debug, Clone)]
pub struct Compact {
    layers: Vec<Small>,
    width: usize,
    dense: usize,
}

#[derive(Debug, Clone)]
struct Small {
    /// The positions of its inputs among what the layer before gives (in the first layer: among the network's inputs).
    reads: Vec<usize>,
    bias: Vec<f32>,
    product: Product,
    activation: Activation,
}

#[derive(Debug, Clone)]
enum Product {
    /// `[in, out]` over the units that are left.
    Dense(Vec<f32>),
    /// For each input, the outputs that it has a kept weight for.
    Sparse(Vec<Vec<(usize, f32)>>),
}

impl Compact {
    /// The subnetwork of these layers on an input of this width. The last layer's outputs are all kept.
    pub fn of(width: usize, layers: &[Layer]) -> Self {
        let widths: Vec<usize> = [width].into_iter().chain(layers.iter().map(|layer| layer.bias.len())).collect();
        let read = read_units(&widths, layers);
        // The varying units of the layer before, and the values of its constant ones.
        let mut varying: Vec<bool> = vec![true; width];
        let mut constants = vec![0.0f64; width];
        let mut given: Vec<usize> = (0..width).collect();
        let mut small = Vec::new();
        for (at, layer) in layers.iter().enumerate() {
            let (inputs, outputs) = (widths[at], widths[at + 1]);
            let last = at + 1 == layers.len();
            let kept = |i: usize, o: usize| layer.mask[i * outputs + o];
            let bias_of = |o: usize| -> f64 {
                let fixed = (0..inputs).filter(|i| !varying[*i] && kept(*i, o));
                layer.bias[o] as f64 + fixed.map(|i| layer.weight[i * outputs + o] as f64 * constants[i]).sum::<f64>()
            };
            let biases: Vec<f32> = (0..outputs).map(|o| bias_of(o) as f32).collect();
            let varies: Vec<bool> = (0..outputs).map(|o| (0..inputs).any(|i| varying[i] && kept(i, o))).collect();
            let left: Vec<usize> = (0..outputs).filter(|o| last || varies[*o] && read[at + 1][*o]).collect();
            let used = |i: usize| left.iter().any(|o| kept(i, *o));
            let reads: Vec<usize> = (0..given.len()).filter(|position| used(given[*position])).collect();
            let sources: Vec<usize> = reads.iter().map(|position| given[*position]).collect();
            let weight = |i: usize, o: usize| layer.weight[i * outputs + o];
            let row = |i: &usize| -> Vec<(usize, f32)> {
                let kept = left.iter().enumerate().filter(|(_, o)| kept(*i, **o));
                kept.map(|(position, o)| (position, weight(*i, *o))).collect()
            };
            let rows: Vec<Vec<(usize, f32)>> = sources.iter().map(row).collect();
            let count: usize = rows.iter().map(Vec::len).sum();
            let product = match count * SPARSE_COST < reads.len() * left.len() {
                true => Product::Sparse(rows),
                false => {
                    let mut dense = vec![0.0; reads.len() * left.len()];
                    for (input, row) in rows.iter().enumerate() {
                        row.iter().for_each(|(output, weight)| dense[input * left.len() + output] = *weight);
                    }
                    Product::Dense(dense)
                }
            };
            let bias = left.iter().map(|o| biases[*o]).collect();
            small.push(Small { reads, bias, product, activation: layer.activation });
            let mut images = biases;
            activate(layer.activation, &mut images);
            constants = images.into_iter().map(f64::from).collect();
            varying = varies;
            given = left;
        }
        let dense = widths.windows(2).map(|pair| pair[0] * pair[1]).sum();
        Self { layers: small, width, dense }
    }

    /// The outputs for these rows, `[rows, in]` to `[rows, out]`.
    pub fn forward(&self, x: &[f32], rows: usize) -> Vec<f32> {
        assert_eq!(x.len(), rows * self.width, "the width of the network's input");
        let mut values = x.to_vec();
        let mut width = self.width;
        for layer in &self.layers {
            values = layer.forward(&values, width, rows);
            width = layer.bias.len();
        }
        values
    }

    /// Multiplications for one row.
    pub fn multiplications(&self) -> usize {
        let of = |layer: &Small| match &layer.product {
            Product::Dense(weights) => weights.len(),
            Product::Sparse(rows) => rows.iter().map(Vec::len).sum(),
        };
        self.layers.iter().map(of).sum()
    }

    /// Multiplications for one row of the whole network, masks included as zeros.
    pub fn dense_multiplications(&self) -> usize {
        self.dense
    }
}

impl Small {
    fn forward(&self, values: &[f32], width: usize, rows: usize) -> Vec<f32> {
        let mut sums: Vec<f32> = (0..rows).flat_map(|_| self.bias.iter().copied()).collect();
        let units = self.bias.len();
        if units > 0 {
            for (row, sums) in sums.chunks_exact_mut(units).enumerate() {
                self.add(&values[row * width..][..width], sums);
            }
        }
        activate(self.activation, &mut sums);
        sums
    }

    /// Adds one row's products.
    fn add(&self, row: &[f32], sums: &mut [f32]) {
        match &self.product {
            Product::Dense(weights) => {
                for (input, weights) in self.reads.iter().zip(weights.chunks_exact(sums.len())) {
                    let x = row[*input];
                    sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += x * weight);
                }
            }
            Product::Sparse(lists) => {
                for (input, list) in self.reads.iter().zip(lists) {
                    let x = row[*input];
                    list.iter().for_each(|(at, weight)| sums[*at] += x * weight);
                }
            }
        }
    }
}

/// For the input and each layer, the units that an output depends on.
fn read_units(widths: &[usize], layers: &[Layer]) -> Vec<Vec<bool>> {
    let mut read: Vec<Vec<bool>> = widths.iter().map(|width| vec![true; *width]).collect();
    for (at, layer) in layers.iter().enumerate().rev() {
        let outputs = widths[at + 1];
        let is_read = |i: usize| (0..outputs).any(|o| read[at + 1][o] && layer.mask[i * outputs + o]);
        read[at] = (0..widths[at]).map(is_read).collect();
    }
    read
}
