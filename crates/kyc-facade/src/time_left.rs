//! A call's options with the time that is left.

use std::time::Duration;

use provider_core::CallOptions;

/// The options for a further call for the same caller, or `None` if no time is left.
pub(crate) fn options_left(options: &CallOptions, passed: Duration) -> Option<CallOptions> {
    let left = |limit: Option<Duration>| match limit {
        Some(limit) => match limit.checked_sub(passed) {
            None | Some(Duration::ZERO) => None,
            left => Some(left),
        },
        None => Some(None),
    };
    let mut options = options.clone();
    options.timeout = left(options.timeout)?;
    options.time_limit = left(options.time_limit)?;
    Some(options)
}

/// The same options with one of `parts` equal shares of the time.
pub(crate) fn share(options: CallOptions, parts: usize) -> CallOptions {
    let limits = [options.timeout, options.time_limit];
    let parts = u32::try_from(parts).unwrap_or(u32::MAX);
    match limits.into_iter().flatten().min() {
        Some(limit) => {
            let part = limit.checked_div(parts).unwrap_or(limit);
            options.with_time_limit(part)
        }
        None => options,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn both_limits_shrink_and_nothing_is_left_once_one_is_used_up() {
        let options = CallOptions::new()
            .with_timeout(3 * SECOND)
            .with_time_limit(5 * SECOND);
        let left = options_left(&options, SECOND).unwrap();
        assert_eq!(
            (left.timeout, left.time_limit),
            (Some(2 * SECOND), Some(4 * SECOND))
        );
        assert_eq!(options_left(&options, 3 * SECOND), None);
        assert_eq!(options_left(&options, 9 * SECOND), None);
        let unlimited = CallOptions::new();
        assert_eq!(options_left(&unlimited, Duration::MAX), Some(unlimited));
    }

    #[test]
    fn a_share_is_an_equal_part_of_the_shorter_limit() {
        let options = CallOptions::new()
            .with_timeout(4 * SECOND)
            .with_time_limit(6 * SECOND);
        assert_eq!(share(options.clone(), 2).time_limit, Some(2 * SECOND));
        assert_eq!(share(options.clone(), 0).time_limit, Some(4 * SECOND));
        assert_eq!(share(CallOptions::new(), 2), CallOptions::new());
    }
}
