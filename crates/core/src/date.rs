//! Days of the Gregorian calendar, in UTC.

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// Year, month (1–12) and day (1–31), `days` after 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date
/// algorithms", `civil_from_days`).
pub fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // Months are counted from March, so that the leap day comes last.
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

/// The date `days` after 1970-01-01, as `2026-11-24`.
pub fn of_days(days: u64) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The date of a time in milliseconds since the Unix epoch, as `2026-11-24`.
pub fn of_ms(ms: u64) -> String {
    of_days(ms / DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        for (day, text) in [
            (0, "1970-01-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_781, "2026-11-24"),
        ] {
            assert_eq!(of_days(day), text);
        }
        assert_eq!(of_ms(0), "1970-01-01");
        assert_eq!(of_ms(951_782_400_000), "2000-02-29");
        assert_eq!(of_ms(1_795_478_400_000), "2026-11-24");
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let mut last = civil(0);
        for days in 1..200_000 {
            let (year, month, day) = civil(days);
            let next = match last {
                (y, m, d) if (year, month) == (y, m) => day == d + 1,
                (y, 12, 31) => (year, month, day) == (y + 1, 1, 1),
                (y, m, d) => (year, month, day) == (y, m + 1, 1) && d >= 28,
            };
            assert!(next, "{last:?} then {:?}", (year, month, day));
            last = (year, month, day);
        }
    }
}
