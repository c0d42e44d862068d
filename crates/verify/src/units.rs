//! Units of measure, money and counted things.
//!
//! Factors are exact rationals in SI base units (NIST SP 811, appendix B; the US customary units are the
//! international ones). A unit this table doesn't know is a *noun*: `8 apples`.

use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

/// A unit: its dimension, its size, and what it was called.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Exponents of the base dimensions, sorted by name; empty for counted things.
    pub dims: Vec<(&'static str, i32)>,
    /// How many base units one of this unit is.
    pub factor: RBig,
    /// What is counted, in the singular (`8 red apples`: `apple`), when the unit is not in the table.
    pub noun: Option<String>,
}

impl Unit {
    /// The unit of a counted thing; generic words such as "units" count nothing in particular.
    pub fn noun(words: &[String]) -> Unit {
        let head = words.iter().rposition(|w| OF.contains(&w.as_str()));
        let head = words[..head.unwrap_or(words.len())].last().or(words.last());
        let noun = head
            .map(|w| singular(&w.to_lowercase()))
            .filter(|w| !GENERIC.contains(&w.as_str()));
        Unit {
            dims: Vec::new(),
            factor: RBig::ONE,
            noun,
        }
    }

    /// Whether the unit says nothing (`square units`, `ways`).
    pub fn is_generic(&self) -> bool {
        self.dims.is_empty() && self.noun.is_none()
    }

    /// `self · other^power`.
    pub fn times(&self, other: &Unit, power: i32) -> Unit {
        let mut dims = self.dims.clone();
        for &(name, e) in &other.dims {
            match dims.iter_mut().find(|d| d.0 == name) {
                Some(d) => d.1 += e * power,
                None => dims.push((name, e * power)),
            }
        }
        dims.retain(|d| d.1 != 0);
        dims.sort_unstable();
        let size = (0..power.unsigned_abs()).fold(RBig::ONE, |p, _| p * &other.factor);
        let factor = if power < 0 {
            &self.factor / size
        } else {
            &self.factor * size
        };
        Unit {
            dims,
            factor,
            noun: self.noun.clone().or_else(|| other.noun.clone()),
        }
    }
}

/// Words after which a noun phrase only qualifies what was counted.
const OF: &[&str] = &[
    "of",
    "in",
    "for",
    "from",
    "per",
    "that",
    "to",
    "on",
    "at",
    "left",
    "remaining",
    "total",
    "each",
    "with",
];

/// Nouns that count nothing in particular.
const GENERIC: &[&str] = &[
    "unit",
    "way",
    "time",
    "number",
    "solution",
    "value",
    "integer",
    "total",
    "result",
    "element",
    "item",
    "different",
    "possible",
    "possibility",
    "arrangement",
    "combination",
    "outcome",
    "of",
    "case",
    "个",
    "种",
    "单位",
];

/// The singular of an English noun, by the common rules.
pub fn singular(word: &str) -> String {
    let n = word.len();
    match word {
        "feet" => "foot".into(),
        "children" => "child".into(),
        "people" | "persons" => "person".into(),
        "men" => "man".into(),
        "women" => "woman".into(),
        "vertices" => "vertex".into(),
        "dice" => "die".into(),
        "pennies" => "penny".into(),
        _ if !word.is_ascii() || n < 4 => word.into(),
        _ if word.ends_with("ies") => format!("{}y", &word[..n - 3]),
        _ if ["sses", "shes", "ches", "xes"].iter().any(|s| word.ends_with(s)) => word[..n - 2].into(),
        _ if word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") => word[..n - 1].into(),
        _ => word.into(),
    }
}

type Row = (&'static str, &'static [(&'static str, i32)], u64, u64);

const L: &[(&str, i32)] = &[("length", 1)];
const AREA: &[(&str, i32)] = &[("length", 2)];
const VOL: &[(&str, i32)] = &[("length", 3)];
const M: &[(&str, i32)] = &[("mass", 1)];
const T: &[(&str, i32)] = &[("time", 1)];
const SPEED: &[(&str, i32)] = &[("length", 1), ("time", -1)];
const FORCE: &[(&str, i32)] = &[("length", 1), ("mass", 1), ("time", -2)];
const ENERGY: &[(&str, i32)] = &[("length", 2), ("mass", 1), ("time", -2)];
const POWER: &[(&str, i32)] = &[("length", 2), ("mass", 1), ("time", -3)];
const PRESSURE: &[(&str, i32)] = &[("length", -1), ("mass", 1), ("time", -2)];
const VOLTAGE: &[(&str, i32)] = &[("current", -1), ("length", 2), ("mass", 1), ("time", -3)];
const OHM: &[(&str, i32)] = &[("current", -2), ("length", 2), ("mass", 1), ("time", -3)];
const USD: &[(&str, i32)] = &[("dollar", 1)];
const CNY: &[(&str, i32)] = &[("yuan", 1)];
const EUR: &[(&str, i32)] = &[("euro", 1)];
const GBP: &[(&str, i32)] = &[("sterling", 1)];
const BITS: &[(&str, i32)] = &[("information", 1)];
const MONTHS: &[(&str, i32)] = &[("month", 1)];

/// Names (separated by spaces, singular), dimension, numerator and denominator of the factor.
const TABLE: &[Row] = &[
    ("m meter metre 米", L, 1, 1),
    ("km kilometer kilometre 千米 公里", L, 1000, 1),
    ("dm decimeter decimetre 分米", L, 1, 10),
    ("cm centimeter centimetre 厘米", L, 1, 100),
    ("mm millimeter millimetre 毫米", L, 1, 1000),
    ("um micrometer micron μm µm 微米", L, 1, 1_000_000),
    ("nm nanometer nanometre 纳米", L, 1, 1_000_000_000),
    ("in inch 英寸", L, 254, 10_000),
    ("ft foot 英尺", L, 3048, 10_000),
    ("yd yard", L, 9144, 10_000),
    ("mi mile 英里", L, 1_609_344, 1000),
    ("acre", AREA, 40_468_564_224, 10_000_000),
    ("ha hectare 公顷", AREA, 10_000, 1),
    ("亩", AREA, 2000, 3),
    ("L l liter litre 升", VOL, 1, 1000),
    ("mL ml milliliter millilitre cc 毫升", VOL, 1, 1_000_000),
    ("gal gallon", VOL, 3_785_411_784, 1_000_000_000_000),
    ("qt quart", VOL, 946_352_946, 1_000_000_000_000),
    ("pint", VOL, 473_176_473, 1_000_000_000_000),
    ("tablespoon tbsp", VOL, 147_867_647_813, 10_000_000_000_000_000),
    ("teaspoon tsp", VOL, 492_892_159_375, 100_000_000_000_000_000),
    ("kg kilogram kilo 千克 公斤", M, 1, 1),
    ("g gm gram 克", M, 1, 1000),
    ("mg milligram 毫克", M, 1, 1_000_000),
    ("lb pound 磅", M, 45_359_237, 100_000_000),
    ("oz ounce", M, 45_359_237, 1_600_000_000),
    ("ton", M, 90_718_474, 100_000),
    ("tonne 吨", M, 1000, 1),
    ("斤", M, 1, 2),
    ("s sec second 秒 秒钟", T, 1, 1),
    ("ms millisecond 毫秒", T, 1, 1000),
    ("min minute 分钟", T, 60, 1),
    ("h hr hour 小时 时", T, 3600, 1),
    ("day 天", T, 86_400, 1),
    ("week wk 周 星期", T, 604_800, 1),
    ("month 月 个月", MONTHS, 1, 1),
    ("yr year 年", MONTHS, 12, 1),
    ("decade", MONTHS, 120, 1),
    ("century", MONTHS, 1200, 1),
    ("mph", SPEED, 1_609_344, 3_600_000),
    ("kph kmh kmph", SPEED, 1000, 3600),
    ("knot", SPEED, 1852, 3600),
    ("N newton 牛 牛顿", FORCE, 1, 1),
    ("J joule 焦 焦耳", ENERGY, 1, 1),
    ("kJ kilojoule", ENERGY, 1000, 1),
    ("cal calorie", ENERGY, 4184, 1000),
    ("kcal kilocalorie", ENERGY, 4184, 1),
    ("kWh kilowatt-hour", ENERGY, 3_600_000, 1),
    ("W watt 瓦", POWER, 1, 1),
    ("kW kilowatt 千瓦", POWER, 1000, 1),
    ("Pa pascal 帕", PRESSURE, 1, 1),
    ("kPa kilopascal", PRESSURE, 1000, 1),
    ("atm atmosphere", PRESSURE, 101_325, 1),
    ("V volt 伏", VOLTAGE, 1, 1),
    ("Ω ohm 欧姆", OHM, 1, 1),
    ("A amp ampere 安培", &[("current", 1)], 1, 1),
    ("mA milliamp", &[("current", 1)], 1, 1000),
    ("Hz hertz 赫兹", &[("time", -1)], 1, 1),
    ("kHz kilohertz", &[("time", -1)], 1000, 1),
    ("MHz megahertz", &[("time", -1)], 1_000_000, 1),
    ("rpm", &[("time", -1)], 1, 60),
    ("K kelvin", &[("temperature", 1)], 1, 1),
    ("°C Celsius celsius 摄氏度", &[("celsius", 1)], 1, 1),
    ("°F Fahrenheit fahrenheit 华氏度", &[("fahrenheit", 1)], 1, 1),
    ("mol mole", &[("amount", 1)], 1, 1),
    ("bit", BITS, 1, 1),
    ("byte B", BITS, 8, 1),
    ("KB kB kilobyte", BITS, 8000, 1),
    ("MB megabyte", BITS, 8_000_000, 1),
    ("GB gigabyte", BITS, 8_000_000_000, 1),
    ("$ dollar USD buck 美元", USD, 1, 1),
    ("¢ cent penny 美分", USD, 1, 100),
    ("€ euro EUR 欧元", EUR, 1, 1),
    ("£ GBP quid 英镑", GBP, 1, 1),
    ("pence", GBP, 1, 100),
    ("￥ ¥ yuan RMB CNY 元 块 人民币", CNY, 1, 1),
    ("角", CNY, 1, 10),
    ("yen JPY 日元", &[("yen", 1)], 1, 1),
    ("₹ rupee INR", &[("rupee", 1)], 1, 1),
    ("平方米", AREA, 1, 1),
    ("平方厘米", AREA, 1, 10_000),
    ("平方千米", AREA, 1_000_000, 1),
    ("立方米", VOL, 1, 1),
    ("立方厘米", VOL, 1, 1_000_000),
];

/// The unit called `word`, singular or plural; abbreviations keep their letter case.
pub fn lookup(word: &str) -> Option<Unit> {
    let find = |w: &str| TABLE.iter().find(|row| row.0.split(' ').any(|name| name == w));
    let lower = word.to_lowercase();
    let row = find(word).or_else(|| {
        // Two-letter plurals of abbreviations, then full names in any letter case.
        let stem = match lower.as_str() {
            "hrs" => "hr",
            "mins" => "min",
            "secs" => "sec",
            "lbs" => "lb",
            "yds" => "yd",
            "yrs" => "yr",
            "kms" => "km",
            "cms" => "cm",
            "gms" => "gm",
            _ => "",
        };
        if !stem.is_empty() {
            return find(stem);
        }
        let one = match lower.as_str() {
            "inches" => "inch".to_owned(),
            "centuries" => "century".to_owned(),
            _ => singular(&lower),
        };
        (one.len() > 2).then(|| find(&one)).flatten()
    })?;
    let (num, den) = (IBig::from(row.2), UBig::from(row.3));
    Some(Unit {
        dims: row.1.to_vec(),
        factor: RBig::from_parts(num, den),
        noun: None,
    })
}

/// Whether `word` is an abbreviation of two or more letters that plain text writes after a number.
pub fn is_abbreviation(word: &str) -> bool {
    const SHORT: &[&str] = &[
        "cm", "mm", "km", "dm", "nm", "kg", "mg", "gm", "ft", "in", "yd", "mi", "hr", "hrs", "min", "mins",
        "sec", "secs", "ms", "mph", "kph", "kmh", "lb", "lbs", "oz", "mL", "ml", "gal", "cc", "kW", "kWh",
        "kJ", "Pa", "kPa", "Hz", "kHz", "MHz", "KB", "MB", "GB", "yr", "yrs", "wk", "rpm", "mol", "cal",
        "kcal", "USD", "EUR", "CNY", "RMB", "sq", "cu", "tsp", "tbsp",
    ];
    SHORT.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_plurals_and_keeps_letter_case_of_abbreviations() {
        assert_eq!(lookup("feet"), lookup("ft"));
        assert_eq!(lookup("Inches"), lookup("in"));
        assert_eq!(lookup("hours"), lookup("h"));
        assert_ne!(lookup("mg"), lookup("Mg"));
        assert_eq!(lookup("apples"), None);
    }

    #[test]
    fn multiplies_dimensions() {
        let speed = lookup("km").unwrap().times(&lookup("h").unwrap(), -1);
        assert_eq!(speed, lookup("kmh").unwrap());
        let area = lookup("cm").unwrap().times(&lookup("cm").unwrap(), 1);
        assert_eq!(area, lookup("平方厘米").unwrap());
    }

    #[test]
    fn the_head_of_a_noun_phrase_counts() {
        let words = |s: &str| s.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            Unit::noun(&words("red apples of hers")).noun.as_deref(),
            Some("apple")
        );
        assert!(Unit::noun(&words("different ways")).is_generic());
    }
}
