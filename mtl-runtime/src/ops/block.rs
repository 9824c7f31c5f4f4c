//! Tensors of the CPU backend as slices.

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{Bytes, DType, Shape};

use super::product::Matrix;

/// A tensor `[rows, slots, width]` whose `width` floats of one row and slot are consecutive; rows and slots may be strided.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    tensor: FlexTensor,
    pub rows: usize,
    pub slots: usize,
    pub width: usize,
    /// Floats from one row to the next.
    pub row_stride: usize,
    /// Floats from one slot to the next.
    pub slot_stride: usize,
}

impl Block {
    /// Reads a tensor of rank 3, or of rank 2 `[slots, width]` as one row; copies where the last axis is strided.
    pub fn new(tensor: FlexTensor) -> Self {
        let layout = tensor.layout();
        let (shape, strides) = (layout.shape(), layout.strides());
        let rank = shape.num_dims();
        let dense = (shape[rank - 1] <= 1 || strides[rank - 1] == 1) && strides.iter().all(|&stride| stride >= 0);
        if !dense {
            return Self::new(tensor.to_contiguous());
        }
        let (rows, row_stride) = if rank == 3 { (shape[0], strides[0]) } else { (1, 0) };
        let (slots, slot_stride, width) = (shape[rank - 2], strides[rank - 2], shape[rank - 1]);
        Self { rows, slots, width, row_stride: row_stride as usize, slot_stride: slot_stride as usize, tensor }
    }

    /// The floats from the first element on.
    pub fn data(&self) -> &[f32] {
        &self.tensor.storage::<f32>()[self.tensor.layout().start_offset()..]
    }

    /// The rows of one slot.
    pub fn slot(&self, slot: usize) -> Matrix<'_> {
        let data = self.data().get(slot * self.slot_stride..).unwrap_or_default();
        Matrix { data, rows: self.rows, columns: self.width, row_stride: self.row_stride, column_stride: 1 }
    }

    /// The slots of one row.
    pub fn row(&self, row: usize) -> Matrix<'_> {
        let data = self.data().get(row * self.row_stride..).unwrap_or_default();
        Matrix { data, rows: self.slots, columns: self.width, row_stride: self.slot_stride, column_stride: 1 }
    }

    /// Access to single rows and slots.
    pub fn cells(&self) -> Cells<'_> {
        Cells { data: self.data(), row_stride: self.row_stride, slot_stride: self.slot_stride, width: self.width }
    }
}

/// The slices of a [`Block`].
#[derive(Clone, Copy)]
pub(crate) struct Cells<'a> {
    data: &'a [f32],
    row_stride: usize,
    slot_stride: usize,
    width: usize,
}

impl<'a> Cells<'a> {
    /// The floats of one row and slot.
    #[inline(always)]
    pub fn at(&self, row: usize, slot: usize) -> &'a [f32] {
        let start = row * self.row_stride + slot * self.slot_stride;
        &self.data[start..start + self.width]
    }
}

/// A tensor over these floats, in row-major order.
pub(crate) fn from_vec(data: Vec<f32>, shape: &[usize]) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(data), Layout::contiguous(Shape::from(shape.to_vec())), DType::F32)
}

/// The floats of a tensor in row-major order, in its own memory where nothing else refers to it.
pub(crate) fn into_vec(tensor: FlexTensor) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("a tensor of f32")
}

/// The floats of a tensor in row-major order.
pub(crate) fn to_vec(tensor: &FlexTensor) -> Vec<f32> {
    into_vec(tensor.clone())
}
