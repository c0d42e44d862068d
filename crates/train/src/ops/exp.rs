//! The exponential function in a form that compilers vectorise.

/// `e^x` to about 1e-7 relative; 0 below −87, capped at e^88.
///
/// `x = n · ln 2 + r` with `|r| ≤ ln 2 / 2`, a Taylor polynomial of degree 7 in `r`, and `n` put into the
/// exponent's bits.
#[inline]
pub fn exp(x: f32) -> f32 {
    /// Adding it rounds to a whole number, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let bounded = x.clamp(-87.0, 88.0);
    let shifted = bounded * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts, so that the product with n is exact.
    let r = bounded - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = 1.0 / 5040.0;
    let p = p * r + 1.0 / 720.0;
    let p = p * r + 1.0 / 120.0;
    let p = p * r + 1.0 / 24.0;
    let p = p * r + 1.0 / 6.0;
    let p = p * r + 0.5;
    let p = p * r + 1.0;
    let p = p * r + 1.0;
    let power = shifted.to_bits().wrapping_add(127) << 23;
    let value = p * f32::from_bits(power);
    if x < -87.0 { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_the_exponential() {
        for i in -8700..8800 {
            let x = i as f32 * 0.01;
            let wanted = f64::from(x).exp();
            let error = (f64::from(super::exp(x)) - wanted).abs() / wanted;
            assert!(error < 3e-7, "exp({x}): relative error {error:e}");
        }
        assert_eq!(super::exp(0.0), 1.0);
        assert_eq!(super::exp(f32::NEG_INFINITY), 0.0);
        assert!(super::exp(f32::NAN).is_nan());
    }
}
