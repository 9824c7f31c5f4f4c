//! Gathering and pooling: rows of a table become columns of the input matrix, and that matrix's gradient sums of rows.

use mtl_data::schema::Pool;

use super::table::Table;

/// The columns `start..start + dim` of a row-major matrix with `width` columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns {
    pub start: usize,
    pub width: usize,
}

impl Columns {
    #[inline(always)]
    fn of<'a>(&self, row: &'a [f32], dim: usize) -> &'a [f32] {
        &row[self.start..self.start + dim]
    }

    #[inline(always)]
    fn of_mut<'a>(&self, row: &'a mut [f32], dim: usize) -> &'a mut [f32] {
        &mut row[self.start..self.start + dim]
    }
}

/// Calls a block with the width of a row, as a constant for the usual widths: its loops are then unrolled.
macro_rules! with_width {
    ($dim:expr, |$d:ident| $body:expr) => {
        match $dim {
            4 => {
                let $d = 4;
                $body
            }
            8 => {
                let $d = 8;
                $body
            }
            16 => {
                let $d = 16;
                $body
            }
            32 => {
                let $d = 32;
                $body
            }
            other => {
                let $d = other;
                $body
            }
        }
    };
}

/// One id a row: `x[b] = table[rows[b]]`.
pub(crate) fn gather(table: &Table, rows: &[u32], x: &mut [f32], columns: Columns) {
    with_width!(table.dim, |dim| {
        for (&row, x) in rows.iter().zip(x.chunks_exact_mut(columns.width)) {
            columns.of_mut(x, dim).copy_from_slice(table.row(row, dim));
        }
    });
}

/// The gradient of [`gather`], added to the table's sums.
pub(crate) fn scatter(table: &mut Table, rows: &[u32], gradient: &[f32], columns: Columns) {
    with_width!(table.dim, |dim| {
        for (&row, gradient) in rows.iter().zip(gradient.chunks_exact(columns.width)) {
            add(table.sum(row, dim), columns.of(gradient, dim), 1.0);
        }
    });
}

/// A bag of ids a row, `rows[offsets[b]..offsets[b + 1]]`: its embeddings pooled; zeros for an empty bag. `x` is zero.
pub(crate) fn pool(table: &Table, offsets: &[u32], rows: &[u32], kind: Pool, x: &mut [f32], columns: Columns) {
    with_width!(table.dim, |dim| {
        for (ends, x) in offsets.windows(2).zip(x.chunks_exact_mut(columns.width)) {
            let (bag, x) = (&rows[ends[0] as usize..ends[1] as usize], columns.of_mut(x, dim));
            match kind {
                Pool::Sum => bag.iter().for_each(|&row| add(x, table.row(row, dim), 1.0)),
                Pool::Mean => bag.iter().for_each(|&row| add(x, table.row(row, dim), 1.0 / bag.len() as f32)),
                Pool::Max => {
                    for (i, &row) in bag.iter().enumerate() {
                        for (x, &w) in x.iter_mut().zip(table.row(row, dim)) {
                            *x = if i == 0 || w > *x { w } else { *x };
                        }
                    }
                }
                Pool::None => unreachable!("a sequence is spread"),
            }
        }
    });
}

/// The gradient of [`pool`], added to the table's sums. A maximum's gradient goes to the first of its bag that attains it.
pub(crate) fn unpool(table: &mut Table, offsets: &[u32], rows: &[u32], kind: Pool, gradient: &[f32], columns: Columns) {
    with_width!(table.dim, |dim| {
        for (ends, gradient) in offsets.windows(2).zip(gradient.chunks_exact(columns.width)) {
            let (bag, gradient) = (&rows[ends[0] as usize..ends[1] as usize], columns.of(gradient, dim));
            match kind {
                Pool::Sum => bag.iter().for_each(|&row| add(table.sum(row, dim), gradient, 1.0)),
                Pool::Mean => bag.iter().for_each(|&row| add(table.sum(row, dim), gradient, 1.0 / bag.len() as f32)),
                Pool::Max if bag.is_empty() => {}
                Pool::Max => {
                    for (i, g) in gradient.iter().enumerate() {
                        let value = |row: u32| table.row(row, dim)[i];
                        let first = bag.iter().copied().reduce(|a, b| if value(b) > value(a) { b } else { a });
                        table.sum(first.expect("the bag is not empty"), dim)[i] += g;
                    }
                }
                Pool::None => unreachable!("a sequence is spread"),
            }
        }
    });
}

/// A sequence of ids a row, one place after the other from the first, and behind all places a column for each that is 1 where
/// it holds an id. `x` is zero; no bag has more ids than places.
pub(crate) fn spread(table: &Table, offsets: &[u32], rows: &[u32], places: usize, x: &mut [f32], columns: Columns) {
    let dim = table.dim;
    for (ends, x) in offsets.windows(2).zip(x.chunks_exact_mut(columns.width)) {
        let bag = &rows[ends[0] as usize..ends[1] as usize];
        for (place, &row) in bag.iter().enumerate() {
            let start = columns.start + place * dim;
            x[start..start + dim].copy_from_slice(table.row(row, dim));
            x[columns.start + places * dim + place] = 1.0;
        }
    }
}

/// The gradient of [`spread`], added to the table's sums.
pub(crate) fn unspread(table: &mut Table, offsets: &[u32], rows: &[u32], gradient: &[f32], columns: Columns) {
    let dim = table.dim;
    for (ends, gradient) in offsets.windows(2).zip(gradient.chunks_exact(columns.width)) {
        for (place, &row) in rows[ends[0] as usize..ends[1] as usize].iter().enumerate() {
            let start = columns.start + place * dim;
            add(table.sum(row, dim), &gradient[start..start + dim], 1.0);
        }
    }
}

/// A number a row: one column.
pub(crate) fn copy(values: &[f32], x: &mut [f32], columns: Columns) {
    values.iter().zip(x.chunks_exact_mut(columns.width)).for_each(|(&value, x)| x[columns.start] = value);
}

#[inline(always)]
fn add(to: &mut [f32], from: &[f32], factor: f32) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
}
