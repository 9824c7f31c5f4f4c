//! Grouped affine maps with a fused activation.

use burn::backend::flex::FlexTensor;
use burn::tensor::{Int, Tensor, TensorData};

use super::activation::{Activation, activate, portable as portable_activation};
use super::block::{Block, from_vec, into_vec};
use super::kernel::{Kernel, binary, on_cpu, ternary};
use super::product::{Matrix, filled, product};
use super::vector::vectorized;

/// `activation(x[:, reads[g]] weight[g] + bias[g])` for each member `g` of a group: `x [B, S, in]`, `weight [G, in, out]` and
/// `bias [G, out]` to `[B, G, out]`.
pub fn linear(
    x: Tensor<3>,
    weight: Tensor<3>,
    bias: Option<Tensor<2>>,
    reads: &[usize],
    activation: Activation,
) -> Tensor<3> {
    let ([_, slots, d_in], [members, rows, _]) = (x.dims(), weight.dims());
    assert_eq!(d_in, rows, "an input of width {d_in} for a weight of {rows} rows");
    assert!(
        reads.len() == members && reads.iter().all(|&slot| slot < slots),
        "{members} members read {reads:?} of {slots} slots"
    );
    if !on_cpu(&x) {
        return portable(x, weight, bias, reads, activation);
    }
    let fused = if activation.by_output() { activation } else { Activation::None };
    let kernel = Linear { reads: reads.to_vec(), activation: fused };
    let y = match bias {
        Some(bias) => ternary(x, weight, bias, kernel),
        None => binary(x, weight, kernel),
    };
    if fused == activation { y } else { activate(y, activation) }
}

pub(super) fn portable(
    x: Tensor<3>,
    weight: Tensor<3>,
    bias: Option<Tensor<2>>,
    reads: &[usize],
    activation: Activation,
) -> Tensor<3> {
    let one_slot = x.dims()[1] == 1;
    let read = if one_slot {
        x
    } else {
        let reads: Vec<i32> = reads.iter().map(|&slot| slot as i32).collect();
        let reads = Tensor::<1, Int>::from_data(TensorData::new(reads, [weight.dims()[0]]), &x.device());
        x.select(1, reads)
    };
    let y = read.swap_dims(0, 1).matmul(weight).swap_dims(0, 1);
    let y = match bias {
        Some(bias) => y + bias.unsqueeze::<3>(),
        None => y,
    };
    portable_activation(y, activation)
}

#[derive(Debug)]
struct Linear {
    reads: Vec<usize>,
    activation: Activation,
}

/// The input, the weight and the result.
type Saved = (Block, Block, FlexTensor);

impl Linear {
    fn forward(&self, x: FlexTensor, weight: FlexTensor, bias: Option<FlexTensor>) -> (FlexTensor, Saved) {
        let (x, weight) = (Block::new(x), Block::new(weight));
        let (members, d_out) = (weight.rows, weight.width);
        let row = members * d_out;
        // SAFETY: the members write the columns of the result between them.
        let mut y = unsafe {
            filled(x.rows * row, |y| {
                for (g, &slot) in self.reads.iter().enumerate() {
                    product(x.slot(slot), weight.row(g), y.wrapping_add(g * d_out), row, false);
                }
            })
        };
        let bias = bias.map(into_vec);
        if bias.is_some() || self.activation != Activation::None {
            for y in y.chunks_exact_mut(row.max(1)) {
                bias.iter().for_each(|bias| add(y, bias));
                self.activation.apply(y);
            }
        }
        let y = from_vec(y, &[x.rows, members, d_out]);
        (y.clone(), (x, weight, y))
    }

    /// The gradients of input, weight and bias.
    fn backward(&self, (x, weight, y): Saved, grad: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let (members, d_in, d_out) = (weight.rows, weight.slots, weight.width);
        let row = members * d_out;
        let mut grad = into_vec(grad);
        let mut d_bias = vec![0.0; if wanted[2] { row } else { 0 }];
        if wanted[2] || self.activation != Activation::None {
            for (y, grad) in y.storage::<f32>().chunks_exact(row.max(1)).zip(grad.chunks_exact_mut(row.max(1))) {
                self.activation.differentiate(y, grad);
                add(&mut d_bias, grad);
            }
        }
        let d_bias = wanted[2].then(|| from_vec(d_bias, &[members, d_out]));
        let d_y = |g: usize| Matrix {
            data: grad.get(g * d_out..).unwrap_or_default(),
            rows: x.rows,
            columns: d_out,
            row_stride: row,
            column_stride: 1,
        };
        let d_weight = wanted[1].then(|| {
            // SAFETY: each member writes its own matrix, one after the other.
            let d_weight = unsafe {
                filled(members * d_in * d_out, |d_weight| {
                    for (g, &slot) in self.reads.iter().enumerate() {
                        let matrix = d_weight.wrapping_add(g * d_in * d_out);
                        product(x.slot(slot).transposed(), d_y(g), matrix, d_out, false);
                    }
                })
            };
            from_vec(d_weight, &[members, d_in, d_out])
        });
        let d_x = wanted[0].then(|| {
            let mut d_x = vec![0.0; x.rows * x.slots * d_in];
            for (g, &slot) in self.reads.iter().enumerate() {
                let columns = d_x.as_mut_ptr().wrapping_add(slot * d_in);
                // SAFETY: these are the columns of one slot.
                unsafe { product(d_y(g), weight.row(g).transposed(), columns, x.slots * d_in, true) };
            }
            from_vec(d_x, &[x.rows, x.slots, d_in])
        });
        [d_x, d_weight, d_bias]
    }
}

impl Kernel<2> for Linear {
    type Saved = Saved;

    fn forward(&self, [x, weight]: [FlexTensor; 2]) -> (FlexTensor, Saved) {
        self.forward(x, weight, None)
    }

    fn backward(&self, saved: Saved, grad: FlexTensor, [x, weight]: [bool; 2]) -> [Option<FlexTensor>; 2] {
        let [d_x, d_weight, _] = self.backward(saved, grad, [x, weight, false]);
        [d_x, d_weight]
    }
}

impl Kernel<3> for Linear {
    type Saved = Saved;

    fn forward(&self, [x, weight, bias]: [FlexTensor; 3]) -> (FlexTensor, Saved) {
        self.forward(x, weight, Some(bias))
    }

    fn backward(&self, saved: Saved, grad: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        self.backward(saved, grad, wanted)
    }
}

vectorized! {
    fn add(total: &mut [f32], values: &[f32]) {
        total.iter_mut().zip(values).for_each(|(total, value)| *total += value);
    }
}
