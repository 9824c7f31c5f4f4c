//! The memory allocator of a training program.

/// Makes the allocator keep the memory that it was given back. A training step frees and allocates the same large blocks again
/// and again; glibc returns such blocks to the system, and every page of them is cleared and mapped anew in the next step.
///
/// For the whole process, so it is the program that decides: [`App`](crate::app::App) calls it, a program of its own may call
/// it first thing in `main`. Without effect where the allocator is not glibc's.
pub fn keep_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::ffi::c_int;

        unsafe extern "C" {
            fn mallopt(parameter: c_int, value: c_int) -> c_int;
        }
        const TRIM_THRESHOLD: c_int = -1;
        const TOP_PAD: c_int = -2;
        const MMAP_THRESHOLD: c_int = -3;
        for (parameter, value) in [(MMAP_THRESHOLD, 1 << 30), (TRIM_THRESHOLD, c_int::MAX), (TOP_PAD, 64 << 20)] {
            // SAFETY: mallopt takes any numbers, and says no to those it does not like.
            unsafe { mallopt(parameter, value) };
        }
    }
}
