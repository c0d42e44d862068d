//! Rectangles in the complex plane.

use dashu_int::IBig;

use super::eval::NoValue;
use super::interval::{Fixed, Interval};

/// A rectangle; without an imaginary part the number is real.
#[derive(Clone, Debug, PartialEq)]
pub struct Complex {
    /// Real part.
    pub re: Interval,
    /// Imaginary part.
    pub im: Option<Interval>,
}

impl Complex {
    /// A real number.
    pub fn real(re: Interval) -> Complex {
        Complex { re, im: None }
    }

    /// The imaginary part, zero for real numbers.
    pub fn imaginary(&self) -> Interval {
        self.im.clone().unwrap_or(Interval {
            lo: IBig::ZERO,
            hi: IBig::ZERO,
        })
    }

    /// Whether the two share no point.
    pub fn is_disjoint(&self, o: &Complex) -> bool {
        self.re.is_disjoint(&o.re) || self.imaginary().is_disjoint(&o.imaginary())
    }

    /// Whether zero is inside.
    pub fn has_zero(&self) -> bool {
        self.re.has_zero() && self.im.as_ref().is_none_or(Interval::has_zero)
    }

    /// `-self`.
    pub fn neg(&self) -> Complex {
        Complex {
            re: self.re.neg(),
            im: self.im.as_ref().map(Interval::neg),
        }
    }

    /// Sum.
    pub fn add(&self, o: &Complex) -> Complex {
        let im = match (&self.im, &o.im) {
            (None, None) => None,
            _ => Some(self.imaginary().add(&o.imaginary())),
        };
        Complex {
            re: self.re.add(&o.re),
            im,
        }
    }

    /// Product.
    pub fn mul(&self, o: &Complex, f: &Fixed) -> Result<Complex, NoValue> {
        if self.im.is_none() && o.im.is_none() {
            return f.mul(&self.re, &o.re).map(Complex::real);
        }
        let (a, b, c, d) = (&self.re, &self.imaginary(), &o.re, &o.imaginary());
        let re = f.mul(a, c)?.sub(&f.mul(b, d)?);
        let im = f.mul(a, d)?.add(&f.mul(b, c)?);
        Ok(Complex { re, im: Some(im) })
    }

    /// `|self|²`.
    pub fn norm(&self, f: &Fixed) -> Result<Interval, NoValue> {
        let re = f.pow(&self.re, 2)?;
        match &self.im {
            None => Ok(re),
            Some(im) => Ok(re.add(&f.pow(im, 2)?)),
        }
    }

    /// Quotient.
    pub fn div(&self, o: &Complex, f: &Fixed) -> Result<Complex, NoValue> {
        let Some(im) = &o.im else {
            let re = f.div(&self.re, &o.re)?;
            let im = self.im.as_ref().map(|i| f.div(i, &o.re)).transpose()?;
            return Ok(Complex { re, im });
        };
        let conjugate = Complex {
            re: o.re.clone(),
            im: Some(im.neg()),
        };
        let top = self.mul(&conjugate, f)?;
        let norm = o.norm(f)?;
        Ok(Complex {
            re: f.div(&top.re, &norm)?,
            im: Some(f.div(&top.imaginary(), &norm)?),
        })
    }

    /// `self^n` for a natural `n`.
    pub fn pow(&self, n: u64, f: &Fixed) -> Result<Complex, NoValue> {
        if self.im.is_none() {
            return f.pow(&self.re, n).map(Complex::real);
        }
        if n > 4096 {
            return Err(NoValue::Fuel);
        }
        let (mut result, mut base, mut n) = (Complex::real(f.int(1)), self.clone(), n);
        while n > 0 {
            if n & 1 == 1 {
                result = result.mul(&base, f)?;
            }
            n >>= 1;
            if n > 0 {
                base = base.mul(&base, f)?;
            }
        }
        Ok(result)
    }

    /// The angle in (−π, π].
    pub fn arg(&self, f: &Fixed) -> Result<Interval, NoValue> {
        let im = self.imaginary();
        if self.im.is_none() {
            return match (self.re.is_positive(), self.re.is_negative()) {
                (true, _) => Ok(f.int(0)),
                (_, true) => Ok(f.pi()),
                _ => Err(NoValue::Unsure),
            };
        }
        if self.re.is_positive() {
            return f.atan(&f.div(&im, &self.re)?);
        }
        if im.is_positive() || im.is_negative() {
            // atan2(y, x) = ±π/2 − atan(x/y).
            let pi = f.pi();
            let half = Interval {
                lo: &pi.lo >> 1,
                hi: (&pi.hi >> 1) + IBig::ONE,
            };
            let half = if im.is_negative() { half.neg() } else { half };
            return Ok(half.sub(&f.atan(&f.div(&self.re, &im)?)?));
        }
        Err(NoValue::Unsure)
    }

    /// The principal logarithm.
    pub fn ln(&self, f: &Fixed) -> Result<Complex, NoValue> {
        if self.im.is_none() && self.re.is_positive() {
            return f.ln(&self.re).map(Complex::real);
        }
        let norm = f.ln(&self.norm(f)?)?;
        let re = Interval {
            lo: &norm.lo >> 1,
            hi: (&norm.hi >> 1) + IBig::ONE,
        };
        Ok(Complex {
            re,
            im: Some(self.arg(f)?),
        })
    }

    /// The exponential.
    pub fn exp(&self, f: &Fixed) -> Result<Complex, NoValue> {
        let size = f.exp(&self.re)?;
        match &self.im {
            None => Ok(Complex::real(size)),
            Some(im) => {
                let (s, c) = f.sin_cos(im)?;
                Ok(Complex {
                    re: f.mul(&size, &c)?,
                    im: Some(f.mul(&size, &s)?),
                })
            }
        }
    }

    /// The principal square root.
    pub fn sqrt(&self, f: &Fixed) -> Result<Complex, NoValue> {
        let Some(im) = &self.im else {
            if self.re.is_negative() {
                let r = f.root(&self.re.neg(), 2)?;
                return Ok(Complex {
                    re: f.int(0),
                    im: Some(r),
                });
            }
            return f.root(&self.re, 2).map(Complex::real);
        };
        // √z = (u, im / 2u) with u = √((|z| + re) / 2), away from the negative half-line.
        let size = f.root(&self.norm(f)?, 2)?;
        let half = |i: Interval| Interval {
            lo: &i.lo >> 1,
            hi: (&i.hi >> 1) + IBig::ONE,
        };
        if self.re.is_negative() {
            // There, v = √((|z| − re) / 2) is the safe one.
            let v = f.root(&half(size.sub(&self.re)), 2)?;
            let v = if im.is_negative() {
                v.neg()
            } else if im.is_positive() {
                v
            } else {
                return Err(NoValue::Unsure);
            };
            let u = half(f.div(im, &v)?);
            return Ok(Complex { re: u, im: Some(v) });
        }
        let u = f.root(&half(size.add(&self.re)), 2)?;
        let v = half(f.div(im, &u)?);
        Ok(Complex { re: u, im: Some(v) })
    }
}
