//! How much memory this process has, had at most, and uses.

use fs_err as fs;

/// What `/proc` says of this process, in bytes; 0 where nobody says.
fn status(name: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kilobytes: f64 = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default();
    kilobytes * 1024.0
}

/// The most memory that it ever had in the machine's, pages of mapped files included.
pub(super) fn peak() -> f64 {
    status("VmHWM")
}

/// Memory that is its own now, without pages of mapped files.
pub(super) fn resident() -> f64 {
    status("RssAnon")
}

/// Bytes that are allocated now, SQLite's among them; 0 where the allocator does not say.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn live() -> f64 {
    // SAFETY: the call takes nothing and answers a plain struct.
    let info = unsafe { libc::mallinfo2() };
    (info.uordblks + info.hblkhd) as f64
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn live() -> f64 {
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_counts_and_counts_no_more_when_it_is_gone() {
        let before = live();
        let held = vec![1_u8; 64 << 20];
        let with = live();
        drop(std::hint::black_box(held));
        if cfg!(all(target_os = "linux", target_env = "gnu")) {
            assert!(with - before > 32e6 && with - live() > 32e6, "{before} {with} {}", live());
            assert!(peak() >= resident() && resident() > 0.0);
        }
    }
}
