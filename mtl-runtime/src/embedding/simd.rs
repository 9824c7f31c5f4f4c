//! Wider vectors where the processor has them: one body of plain loops, compiled twice.

/// Calls `f`, compiled for AVX2 where the processor has it. The results are the same bits: no operations are fused.
#[inline(always)]
pub(crate) fn vectorized<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn wide<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        if is_x86_feature_detected!("avx2") {
            // Safety: the processor has just been found to have AVX2.
            return unsafe { wide(f) };
        }
    }
    f()
}
