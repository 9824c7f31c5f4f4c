//! Loops over `f32` slices, compiled for AVX2 and for the baseline and picked at run time.
//!
//! Both compilations do the same operations in the same order (no fused multiply-add), so they give the same bits.

/// Defines functions that are compiled twice, for AVX2 and for the baseline of the target.
macro_rules! vectorized {
    ($($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block)*) => {$(
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn body($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                #[target_feature(enable = "avx2")]
                #[allow(clippy::too_many_arguments)]
                fn avx2($($arg: $ty),*) $(-> $ret)? {
                    body($($arg),*)
                }
                // SAFETY: the processor has the feature, as was just asked.
                return unsafe { avx2($($arg),*) };
            }
            body($($arg),*)
        }
    )*};
}
pub(crate) use vectorized;

/// `e^x` to about one unit in the last place; 0 below the smallest normal number, the largest finite power above.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // x = n ln 2 + r, |r| <= ln 2 / 2; adding 1.5 * 2^23 rounds to the integer n and leaves it in the low bits.
    const SHIFT: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.33, 88.72);
    let shifted = clamped * std::f32::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (clamped - n * 0.693_359_4) - n * -2.121_944_4e-4;
    let tail = ((((1.987_569_1e-4 * r + 1.398_199_9e-3) * r + 8.333_452e-3) * r + 4.166_579_6e-2) * r + 1.666_666_5e-1)
        * r
        + 0.5;
    let power = tail * r * r + r + 1.0;
    // 2^128 is no float: the last doubling is a product of its own.
    let half = f32::from_bits(shifted.to_bits().wrapping_add(126) << 23);
    if x < -87.33 { 0.0 } else { power * half * 2.0 }
}

/// The logistic function.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let square = x * x;
    let series = ((((-5.704_988_7e-3 * square + 2.063_909e-2) * square - 5.373_971_5e-2) * square + 1.333_144_2e-1)
        * square
        - 3.333_328e-1)
        * square
        * x
        + x;
    let positive = 1.0 - 2.0 / (exp(2.0 * x.abs()) + 1.0);
    if x.abs() < 0.625 { series } else { positive.copysign(x) }
}

/// The error function, to 1.5e-7 (Abramowitz and Stegun, 7.1.26).
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let tail = ((((1.061_405_4 * t - 1.453_152) * t + 1.421_413_7) * t - 0.284_496_74) * t + 0.254_829_6) * t;
    (1.0 - tail * exp(-x * x)).copysign(x)
}

/// The inner product of two slices of equal length, summed in a fixed order.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (a_body, b_body) = (a.chunks_exact(16), b.chunks_exact(16));
    let tail: f32 = a_body.remainder().iter().zip(b_body.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a_body.zip(b_body) {
        for lane in 0..16 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    sum_lanes(lanes) + tail
}

/// The sum of a slice, in a fixed order.
#[inline(always)]
pub(crate) fn sum(a: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let body = a.chunks_exact(16);
    let tail: f32 = body.remainder().iter().sum();
    for x in body {
        for lane in 0..16 {
            lanes[lane] += x[lane];
        }
    }
    sum_lanes(lanes) + tail
}

#[inline(always)]
fn sum_lanes(mut lanes: [f32; 16]) -> f32 {
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
    }
    lanes[0]
}
