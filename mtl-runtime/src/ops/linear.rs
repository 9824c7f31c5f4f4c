//! Grouped affine maps with a fused activation.

use burn::backend::flex::FlexTensor;
use burn::tensor::{Int, Tensor, TensorData};

use super::activation::{Activation, activate, portable as portable_activation};
use super::block::{Block, from_vec, into_vec};
use super::kernel::{Kernel, binary, on_cpu, ternary};
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
    let ([_, slots, d_in], [members, rows, d_out]) = (x.dims(), weight.dims());
    assert_eq!(d_in, rows, "an input of width {d_in} for a weight of {rows} rows");
    assert!(
        reads.len() == members && reads.iter().all(|&slot| slot < slots),
        "{members} members read {reads:?} of {slots} slots"
    );
    if !on_cpu(&x) {
        return portable(x, weight, bias, reads, activation);
    }
    let fused = if activation.by_output() { activation } else { Activation::None };
    let kernel = Linear { reads: reads.to_vec(), activation: fused, d_out };
    let y = match bias {
        Some(bias) => ternary(x, weight, bias, kernel),
        None => binary(x, weight, kernel),
    };
    if fused == activation { y } else { activate(y, activation) }
}

fn portable(
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
    d_out: usize,
}

/// The input, the weight and the result.
type Saved = (Block, Block, FlexTensor);

impl Linear {
    fn forward(&self, x: FlexTensor, weight: FlexTensor, bias: Option<FlexTensor>) -> (FlexTensor, Saved) {
        let (x, weight) = (Block::new(x), Block::new(weight));
        let (batch, members, d_out) = (x.rows, self.reads.len(), self.d_out);
        let mut y = vec![0.0; batch * members * d_out];
        for (g, &slot) in self.reads.iter().enumerate() {
            product(
                [batch, x.width, d_out],
                (&x.data()[slot * x.slot_stride..], x.row_stride, 1),
                (&weight.data()[g * weight.row_stride..], weight.slot_stride, 1),
                (&mut y[g * d_out..], members * d_out),
                false,
            );
        }
        if let Some(bias) = bias {
            let bias = bias.to_contiguous();
            add_rows(&mut y, bias.as_slice().expect("contiguous"));
        }
        self.activation.apply(&mut y);
        let y = from_vec(y, &[batch, members, d_out]);
        (y.clone(), (x, weight, y))
    }

    /// The gradients of input, weight and bias.
    fn backward(
        &self,
        (x, weight, y): Saved,
        grad: FlexTensor,
        wanted: [bool; 3],
    ) -> (Option<FlexTensor>, Option<FlexTensor>, Option<FlexTensor>) {
        let (batch, members, d_in, d_out) = (x.rows, self.reads.len(), x.width, self.d_out);
        let mut grad = into_vec(grad);
        self.activation.differentiate(y.storage(), &mut grad);
        let d_bias = wanted[2].then(|| {
            let mut d_bias = vec![0.0; members * d_out];
            sum_rows(&grad, &mut d_bias);
            from_vec(d_bias, &[members, d_out])
        });
        let d_weight = wanted[1].then(|| {
            let mut d_weight = vec![0.0; members * d_in * d_out];
            for (g, &slot) in self.reads.iter().enumerate() {
                product(
                    [d_in, batch, d_out],
                    (&x.data()[slot * x.slot_stride..], 1, x.row_stride),
                    (&grad[g * d_out..], members * d_out, 1),
                    (&mut d_weight[g * d_in * d_out..], d_out),
                    false,
                );
            }
            from_vec(d_weight, &[members, d_in, d_out])
        });
        let d_x = wanted[0].then(|| {
            let mut d_x = vec![0.0; batch * x.slots * d_in];
            for (g, &slot) in self.reads.iter().enumerate() {
                product(
                    [batch, d_out, d_in],
                    (&grad[g * d_out..], members * d_out, 1),
                    (&weight.data()[g * weight.row_stride..], 1, weight.slot_stride),
                    (&mut d_x[slot * d_in..], x.slots * d_in),
                    true,
                );
            }
            from_vec(d_x, &[batch, x.slots, d_in])
        });
        (d_x, d_weight, d_bias)
    }
}

impl Kernel<2> for Linear {
    type Saved = Saved;

    fn forward(&self, [x, weight]: [FlexTensor; 2]) -> (FlexTensor, Saved) {
        self.forward(x, weight, None)
    }

    fn backward(&self, saved: Saved, grad: FlexTensor, wanted: [bool; 2]) -> [Option<FlexTensor>; 2] {
        let (d_x, d_weight, _) = self.backward(saved, grad, [wanted[0], wanted[1], false]);
        [d_x, d_weight]
    }
}

impl Kernel<3> for Linear {
    type Saved = Saved;

    fn forward(&self, [x, weight, bias]: [FlexTensor; 3]) -> (FlexTensor, Saved) {
        self.forward(x, weight, Some(bias))
    }

    fn backward(&self, saved: Saved, grad: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let (d_x, d_weight, d_bias) = self.backward(saved, grad, wanted);
        [d_x, d_weight, d_bias]
    }
}

vectorized! {
    fn add_rows(values: &mut [f32], row: &[f32]) {
        for values in values.chunks_exact_mut(row.len()) {
            values.iter_mut().zip(row).for_each(|(value, add)| *value += add);
        }
    }

    fn sum_rows(values: &[f32], total: &mut [f32]) {
        for values in values.chunks_exact(total.len()) {
            total.iter_mut().zip(values).for_each(|(total, value)| *total += value);
        }
    }
}

/// `out (+)= a b` for `a [m, k]` and `b [k, n]` given with their row and column strides, `out [m, n]` with its row stride.
fn product(
    [m, k, n]: [usize; 3],
    (a, a_row, a_column): (&[f32], usize, usize),
    (b, b_row, b_column): (&[f32], usize, usize),
    (out, out_row): (&mut [f32], usize),
    accumulate: bool,
) {
    if m == 0 || n == 0 {
        return;
    }
    let reach = |rows: usize, row: usize, columns: usize, column: usize| {
        if rows == 0 || columns == 0 { 0 } else { (rows - 1) * row + (columns - 1) * column + 1 }
    };
    assert!(a.len() >= reach(m, a_row, k, a_column), "the left matrix lies in its slice");
    assert!(b.len() >= reach(k, b_row, n, b_column), "the right matrix lies in its slice");
    assert!(out.len() >= reach(m, out_row, n, 1), "the result lies in its slice");
    let large = m * k * n >= 192 * 192 * 192 && rayon::current_num_threads() > 1;
    let threads = if large { gemm::Parallelism::Rayon(0) } else { gemm::Parallelism::None };
    // SAFETY: all three matrices lie in their slices, as was just asked, and `out` is borrowed for writing.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            out_row as isize,
            accumulate,
            a.as_ptr(),
            a_column as isize,
            a_row as isize,
            b.as_ptr(),
            b_column as isize,
            b_row as isize,
            1.0f32,
            1.0f32,
            false,
            false,
            false,
            threads,
        );
    }
}
