//! Matrix products of strided views, by the `gemm` crate.

/// A matrix in a slice.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    /// The floats from the first element on.
    pub data: &'a [f32],
    pub rows: usize,
    pub columns: usize,
    /// Floats from one row to the next.
    pub row_stride: usize,
    /// Floats from one column to the next.
    pub column_stride: usize,
}

impl Matrix<'_> {
    /// The transpose, without a copy.
    pub fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// A product of fewer multiplications than this is left to one thread.
const WORTH_THREADS: usize = 192 * 192 * 192;

/// Writes `a b`, or adds it where `accumulate`, to the matrix at `out` whose rows are `row_stride` floats apart.
///
/// # Safety
/// All its elements must be valid for writes, and where `accumulate` initialised; nothing else may refer to them.
pub(super) unsafe fn product(a: Matrix, b: Matrix, out: *mut f32, row_stride: usize, accumulate: bool) {
    for matrix in [&a, &b] {
        let last = |count: usize, stride: usize| count.saturating_sub(1) * stride;
        let reach = last(matrix.rows, matrix.row_stride) + last(matrix.columns, matrix.column_stride);
        assert!(matrix.rows * matrix.columns == 0 || reach < matrix.data.len(), "a matrix lies in its slice");
    }
    assert_eq!(a.columns, b.rows, "the inner dimensions of a product agree");
    let (m, n, k) = (a.rows, b.columns, a.columns);
    let threads = if m * n * k >= WORTH_THREADS && rayon::current_num_threads() > 1 {
        gemm::Parallelism::Rayon(0)
    } else {
        gemm::Parallelism::None
    };
    // SAFETY: the operands lie in their slices, as was just asked; the caller answers for the result.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out,
            1,
            row_stride as isize,
            accumulate,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0f32,
            1.0f32,
            false,
            false,
            false,
            threads,
        );
    }
}

/// A vector whose `len` floats are written by `write`, through a pointer, before anything reads them.
///
/// # Safety
/// `write` must initialise all of them.
pub(super) unsafe fn filled(len: usize, write: impl FnOnce(*mut f32)) -> Vec<f32> {
    let mut data = Vec::with_capacity(len);
    write(data.as_mut_ptr());
    // SAFETY: the capacity is there, and the caller answers for the contents.
    unsafe { data.set_len(len) };
    data
}
