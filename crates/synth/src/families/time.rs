//! Clock times, durations, weekdays and dates.

use crate::facts;
use crate::families::{Simple, people, say};
use crate::item::{Check, Item, ReadFacts, Steps};
use crate::rational::int;
use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "clock",
        about: "adding and subtracting times of day",
        generate: clock,
        resolve: clock_again,
    },
    Simple {
        name: "duration",
        about: "minutes between two times",
        generate: duration,
        resolve: duration_again,
    },
    Simple {
        name: "weekday",
        about: "days of the week after or before some days",
        generate: weekday,
        resolve: weekday_again,
    },
    Simple {
        name: "calendar",
        about: "dates after some days and days between dates",
        generate: calendar,
        resolve: calendar_again,
    },
];

const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn hhmm(minutes: i64) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn clock(rng: &mut Rng, difficulty: u8) -> Item {
    let unit = [30, 15, 5, 1, 1][difficulty.clamp(1, 5) as usize - 1];
    let start = unit * rng.range(8 * 60 / unit, 16 * 60 / unit);
    let length = unit * rng.range(1, (120 + 60 * i64::from(difficulty)) / unit);
    let back = rng.chance(30);
    let end = if back { start - length } else { start + length };

    let (h, m) = (length / 60, length % 60);
    let span = match (h, m) {
        (0, m) => format!("{m} minutes"),
        (h, 0) => format!("{h} hour{}", if h == 1 { "" } else { "s" }),
        (h, m) => format!("{h} hour{} and {m} minutes", if h == 1 { "" } else { "s" }),
    };
    let mut steps = Steps::new();
    let total = steps.calc("Start in minutes", format!("{}*60+{}", start / 60, start % 60));
    let op = if back { '-' } else { '+' };
    steps.calc("Result in minutes", format!("{}{op}{length}", total.to_integer()));
    steps.note(format!(
        "{end} minutes are {} hours and {} minutes.",
        end / 60,
        end % 60
    ));
    let name = &people(rng, 1)[0];
    let fills = [("s", hhmm(start)), ("d", span), ("a", name.clone())];
    let question = if back {
        say(
            rng,
            &[
                "What time was it {d} before {s}? Answer as HH:MM.",
                "{a} arrived at {s} after a trip of {d}. At what time did {a} leave? Answer as HH:MM.",
                "A film ended at {s} and lasted {d}. When did it start (HH:MM)?",
            ],
            &fills,
        )
    } else {
        say(
            rng,
            &[
                "What time is it {d} after {s}? Answer as HH:MM.",
                "A meeting starts at {s} and lasts {d}. When does it end (HH:MM)?",
                "{a} starts to read at {s} and reads for {d}. At what time does {a} stop? Answer as HH:MM.",
                "A train leaves at {s} and takes {d}. At what time does it arrive? Answer as HH:MM.",
            ],
            &fills,
        )
    };
    Item::new(
        "clock",
        question,
        steps,
        hhmm(end),
        Check::Text,
        facts! { "hour" => start / 60, "minute" => start % 60, "by" => if back { -length } else { length } },
    )
    .needing([hhmm(start)])
}

fn clock_again(item: &Item) -> Option<String> {
    // Minute by minute.
    let (mut h, mut m, by) = (
        item.facts.int("hour")?,
        item.facts.int("minute")?,
        item.facts.int("by")?,
    );
    for _ in 0..by.abs() {
        if by > 0 {
            m += 1;
            if m == 60 {
                (h, m) = (h + 1, 0);
            }
        } else if m == 0 {
            (h, m) = (h - 1, 59);
        } else {
            m -= 1;
        }
    }
    Some(format!("{h:02}:{m:02}"))
}

fn duration(rng: &mut Rng, difficulty: u8) -> Item {
    let unit = [30, 15, 5, 1, 1][difficulty.clamp(1, 5) as usize - 1];
    let start = unit * rng.range(6 * 60 / unit, 14 * 60 / unit);
    let end = start + unit * rng.range(1, (150 + 60 * i64::from(difficulty)) / unit);
    let mut steps = Steps::new();
    let a = steps.calc("End in minutes", format!("{}*60+{}", end / 60, end % 60));
    let b = steps.calc("Start in minutes", format!("{}*60+{}", start / 60, start % 60));
    let value = steps.calc("Difference", format!("{}-{}", a.to_integer(), b.to_integer()));
    let fills = [("s", hhmm(start)), ("e", hhmm(end))];
    let question = say(
        rng,
        &[
            "How many minutes are there between {s} and {e}?",
            "A lesson begins at {s} and ends at {e}. How many minutes does it last?",
            "What is the time difference between {s} and {e}, in minutes?",
            "A bus leaves at {s} and arrives at {e}. How long is the ride in minutes?",
            "A shop closes from {s} to {e}. For how many minutes is it closed?",
        ],
        &fills,
    );
    Item::number(
        "duration",
        question,
        steps,
        value,
        facts! { "start" => hhmm(start), "end" => hhmm(end) },
    )
    .needing([hhmm(start), hhmm(end)])
}

fn duration_again(item: &Item) -> Option<String> {
    // Count from the start to the end, one minute at a time.
    let (start, end) = (item.facts.text("start")?, item.facts.text("end")?);
    let read = |t: &str| {
        t.split_once(':')
            .and_then(|(h, m)| Some((h.parse::<i64>().ok()?, m.parse::<i64>().ok()?)))
    };
    let (mut now, end) = (read(start)?, read(end)?);
    let mut count = 0;
    while now != end && count < 24 * 60 {
        now = if now.1 == 59 {
            (now.0 + 1, 0)
        } else {
            (now.0, now.1 + 1)
        };
        count += 1;
    }
    Some(count.to_string())
}

fn weekday(rng: &mut Rng, difficulty: u8) -> Item {
    let top = [6, 14, 40, 100, 365][difficulty.clamp(1, 5) as usize - 1];
    let (today, n, back) = (rng.below(7), rng.range(1, top), rng.chance(30));
    let rest = n % 7;
    let by = if back { (7 - rest) % 7 } else { rest };
    let answer = DAYS[(today + by as usize) % 7];
    let mut steps = Steps::new();
    if n >= 7 {
        let weeks = steps.calc("Days in whole weeks", format!("7*{}", n / 7));
        steps.calc("Days over", format!("{n}-{}", weeks.to_integer()));
    }
    steps.note(format!(
        "{rest} day{} {} {} is {answer}.",
        if rest == 1 { "" } else { "s" },
        if back { "before" } else { "after" },
        DAYS[today]
    ));
    let fills = [
        ("d", DAYS[today].to_owned()),
        ("n", n.to_string()),
        ("s", if n == 1 { String::new() } else { "s".to_owned() }),
    ];
    let question = if back {
        say(
            rng,
            &[
                "Today is {d}. What day of the week was it {n} day{s} ago?",
                "If today is {d}, which weekday was {n} day{s} before?",
            ],
            &fills,
        )
    } else {
        say(
            rng,
            &[
                "Today is {d}. What day of the week will it be in {n} day{s}?",
                "If today is {d}, what day comes {n} day{s} later?",
                "A package sent on a {d} arrives {n} day{s} later. On which day of the week does it arrive?",
            ],
            &fills,
        )
    };
    Item::new(
        "weekday",
        question,
        steps,
        answer.to_owned(),
        Check::Text,
        facts! { "day" => today, "by" => if back { -n } else { n } },
    )
    .needing([DAYS[today].to_owned(), n.to_string()])
}

fn weekday_again(item: &Item) -> Option<String> {
    // Day by day.
    let (mut day, by) = (item.facts.int("day")?, item.facts.int("by")?);
    for _ in 0..by.abs() {
        day += by.signum();
        day = if day == 7 {
            0
        } else if day < 0 {
            6
        } else {
            day
        };
    }
    DAYS.get(usize::try_from(day).ok()?).map(|d| (*d).to_owned())
}

fn month_length(month: usize) -> i64 {
    [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month]
}

fn calendar(rng: &mut Rng, difficulty: u8) -> Item {
    let top = [10, 20, 30, 100, 180][difficulty.clamp(1, 5) as usize - 1];
    let month = rng.below(if difficulty <= 2 { 11 } else { 6 });
    let (day, n) = (rng.range(1, month_length(month)), rng.range(2, top));
    let mut steps = Steps::new();
    let (mut m, mut d, mut left) = (month, day, n);
    while d + left > month_length(m) {
        let rest = month_length(m) - d;
        steps.calc(
            &format!("Days left after the end of {}", MONTHS[m]),
            format!("{left}-{rest}"),
        );
        left -= rest;
        m += 1;
        d = 0;
    }
    let (start, end) = (
        format!("{} {day}", MONTHS[month]),
        format!("{} {}", MONTHS[m], d + left),
    );
    if rng.chance(60) {
        steps.note(format!("The date is {end}."));
        let question = say(
            rng,
            &[
                "What date is {n} days after {s}, in a year that is not a leap year?",
                "It is {s} of a non-leap year. What will the date be in {n} days?",
                "A library book is borrowed on {s} (not in a leap year) for {n} days. On what date is it due?",
            ],
            &[("n", n.to_string()), ("s", start.clone())],
        );
        return Item::new(
            "calendar",
            question,
            steps,
            end,
            Check::Text,
            facts! { "month" => month, "day" => day, "days" => n, "kind" => 0 },
        )
        .needing([start, n.to_string()]);
    }
    let mut steps = Steps::new();
    let terms: Vec<i64> = (month..=m)
        .map(|k| {
            if k == month && k == m {
                d + left - day
            } else if k == month {
                month_length(k) - day
            } else if k == m {
                d + left
            } else {
                month_length(k)
            }
        })
        .collect();
    let value = steps.calc("Days", crate::families::join(&terms, "+"));
    debug_assert_eq!(value, int(n));
    let question = say(
        rng,
        &[
            "How many days are there from {s} to {e} in a year that is not a leap year?",
            "In a non-leap year, how many days after {s} is {e}?",
            "A course runs from {s} to {e} of the same year (no leap year). How many days lie between the two dates, counting the last day but not the first?",
        ],
        &[("s", start.clone()), ("e", end.clone())],
    );
    Item::number(
        "calendar",
        question,
        steps,
        value,
        facts! { "month" => month, "day" => day, "to_month" => m, "to_day" => d + left, "kind" => 1 },
    )
    .needing([start, end])
}

fn calendar_again(item: &Item) -> Option<String> {
    // Through the number of each day in the year.
    let f = &item.facts;
    let number = |month: i64, day: i64| (0..month).map(|m| month_length(m as usize)).sum::<i64>() + day;
    let start = number(f.int("month")?, f.int("day")?);
    if f.int("kind")? == 1 {
        return Some((number(f.int("to_month")?, f.int("to_day")?) - start).to_string());
    }
    let target = start + f.int("days")?;
    let month = (0..12).rev().find(|m| number(*m, 0) < target)?;
    Some(format!(
        "{} {}",
        MONTHS[month as usize],
        target - number(month, 0)
    ))
}
