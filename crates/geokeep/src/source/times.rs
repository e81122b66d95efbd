//! What the times of a file can prove.
//!
//! A write sets them to the file system's clock, which goes in steps: of a tick of the kernel on ext4,
//! XFS or btrfs, of a second on ext3, HFS+ and many network drives, of two seconds on FAT. A second
//! write within the same step leaves them as they are. So an equal time proves that nobody wrote only
//! if the last write before was at least a step ago.

use std::time::Duration;

use super::{FileStamp, FileSystem};

/// The coarsest step (FAT), with room for a kernel whose clock goes in ticks.
pub(crate) const COARSE: Duration = Duration::from_millis(2_100);
/// Where fractions of a second are kept the step is a tick of the kernel, 1 to 10 ms.
const FINE: Duration = Duration::from_millis(100);
/// FAT has an unused field for a time in such units, which some kernels show as that of the change.
const FRACTION_NS: i64 = 10_000_000;
const DAY_NS: i64 = 86_400_000_000_000;

/// Within this time two writes may leave the same times. The time of the last change is the
/// kernel's own: a fraction of a second in it shows that such are kept. A server may keep its files
/// on anything.
pub(crate) fn step(file_system: &FileSystem, stamp: &FileStamp) -> Duration {
    if file_system.is_local() && stamp.changed_ns % FRACTION_NS != 0 {
        FINE
    } else {
        COARSE
    }
}

/// Whether each write between two moments of our own clock would have left other times than these.
pub(crate) fn would_show(stamp: &FileStamp, step: Duration, from_ns: i64, to_ns: i64) -> bool {
    let step = i64::try_from(step.as_nanos()).unwrap_or(i64::MAX);
    let newest = stamp.modified_ns.max(stamp.changed_ns);
    newest <= from_ns.saturating_sub(step) || newest > to_ns
}

/// Whether it is so old that no difference between two clocks or time zones matters.
pub(crate) fn is_old_by_any_clock(stamp: &FileStamp, now_ns: i64) -> bool {
    stamp.modified_ns.max(stamp.changed_ns) < now_ns.saturating_sub(2 * DAY_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn changed(at_ns: i64) -> FileStamp {
        FileStamp {
            device: 1,
            inode: 2,
            size: 3,
            modified_ns: 0,
            changed_ns: at_ns,
        }
    }

    #[test]
    fn whole_seconds_and_hundredths_are_coarse() {
        let fine = changed(100 * SECOND + 123_456_789);
        assert_eq!(step(&FileSystem::Local, &fine), FINE);
        for file_system in [FileSystem::Nfs, FileSystem::Uncertain("SMB".to_owned())] {
            assert_eq!(step(&file_system, &fine), COARSE);
        }
        for coarse in [changed(100 * SECOND), changed(100 * SECOND + 370_000_000)] {
            assert_eq!(step(&FileSystem::Local, &coarse), COARSE);
        }
        // A program may have set the other time to a whole second.
        let set = FileStamp {
            modified_ns: 90 * SECOND,
            ..fine
        };
        assert_eq!(step(&FileSystem::Local, &set), FINE);
    }

    /// Every write on file systems of one and of two seconds, at every 50 ms around the reading.
    #[test]
    fn what_would_show_does() {
        for round in [SECOND, 2 * SECOND] {
            let kept = |at: i64| at / round * round;
            for before in (0..6 * SECOND).step_by(50_000_000) {
                let stamp = changed(kept(before));
                for from in (before..8 * SECOND).step_by(50_000_000) {
                    let to = from + 3 * SECOND / 2;
                    if would_show(&stamp, COARSE, from, to) {
                        for write in (from..to).step_by(50_000_000) {
                            // By a clock that is a tick behind.
                            assert_ne!(kept(write - 10_000_000), stamp.changed_ns);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_time_to_come_may_be_reached_meanwhile() {
        let ahead = changed(10 * SECOND + 1);
        assert!(would_show(&ahead, FINE, 8 * SECOND, 9 * SECOND));
        assert!(!would_show(&ahead, FINE, 8 * SECOND, 11 * SECOND));
    }
}
