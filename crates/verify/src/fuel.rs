//! The meter every computation draws on, and why one stops.

use crate::options::Fuel;

/// Why a computation has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It would exceed the fuel.
    Fuel(&'static str),
    /// The value does not exist (division by zero, logarithm of zero).
    Undefined(&'static str),
    /// The method does not apply to this expression.
    Unsupported,
}

/// Counts the steps of one check.
#[derive(Debug)]
pub struct Meter {
    left: u64,
    /// Bits any one integer may have.
    pub bits: usize,
}

impl Meter {
    /// A full tank.
    pub fn new(fuel: &Fuel) -> Self {
        Meter {
            left: fuel.steps,
            bits: fuel.bits,
        }
    }

    /// Runs `f` with at most half of what is left, so that another method can follow when it does not suffice.
    pub fn with_half<T>(&mut self, f: impl FnOnce(&mut Meter) -> T) -> T {
        let half = self.left / 2;
        let mut part = Meter {
            left: half,
            bits: self.bits,
        };
        let result = f(&mut part);
        self.left -= half - part.left;
        result
    }

    /// Uses `steps`.
    ///
    /// # Errors
    /// [`Stop::Fuel`] when not enough are left.
    pub fn spend(&mut self, steps: u64) -> Result<(), Stop> {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(Stop::Fuel("the steps of one check are used up"))
            }
        }
    }
}
