//! Which instruction set the kernels run on, chosen once at run time.

use std::fmt;
use std::str::FromStr;

/// An instruction-set level that the kernels are compiled for. Every level gives the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuLevel {
    /// Plain Rust, the reference for the others.
    Portable,
    /// x86-64 with AVX2, FMA and F16C (2013 onwards).
    Avx2,
    /// x86-64 with AVX-512 F/BW/DQ/VL and VNNI (2019 onwards).
    Avx512Vnni,
    /// AArch64 with the dot-product instructions: the portable code, compiled for them.
    Neon,
}

impl CpuLevel {
    /// Every level, slowest first.
    pub const ALL: [CpuLevel; 4] = [
        CpuLevel::Portable,
        CpuLevel::Neon,
        CpuLevel::Avx2,
        CpuLevel::Avx512Vnni,
    ];

    /// The name taken by `STRAWBERRY_CPU`.
    pub const fn name(self) -> &'static str {
        match self {
            CpuLevel::Portable => "portable",
            CpuLevel::Avx2 => "avx2",
            CpuLevel::Avx512Vnni => "avx512vnni",
            CpuLevel::Neon => "neon",
        }
    }

    fn supported(self) -> bool {
        match self {
            CpuLevel::Portable => true,
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            CpuLevel::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("f16c")
            }
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            CpuLevel::Avx512Vnni => {
                CpuLevel::Avx2.supported()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(all(target_arch = "aarch64", not(miri)))]
            CpuLevel::Neon => std::arch::is_aarch64_feature_detected!("dotprod"),
            #[allow(unreachable_patterns, reason = "which arms above exist depends on the target")]
            _ => false,
        }
    }
}

impl fmt::Display for CpuLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CpuLevel {
    type Err = CpuError;

    fn from_str(name: &str) -> Result<Self, CpuError> {
        CpuLevel::ALL
            .into_iter()
            .find(|level| level.name() == name)
            .ok_or_else(|| CpuError::Unknown(name.to_owned()))
    }
}

/// A level was asked for that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CpuError {
    /// No level has this name.
    #[error("there is no CPU level `{0}`; use portable, neon, avx2 or avx512vnni, or unset STRAWBERRY_CPU")]
    Unknown(String),
    /// This machine lacks the instructions.
    #[error("this CPU cannot run the level `{0}`; its best is `{best}`", best = Cpu::best().level())]
    Unsupported(CpuLevel),
}

/// Proof that this CPU can run a level: the kernels take it instead of a bare [`CpuLevel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu(CpuLevel);

impl Cpu {
    /// The fastest level of this machine.
    pub fn best() -> Cpu {
        let best = CpuLevel::ALL.into_iter().rev().find(|level| level.supported());
        Cpu(best.unwrap_or(CpuLevel::Portable))
    }

    /// A given level.
    ///
    /// # Errors
    /// [`CpuError::Unsupported`] where this machine lacks its instructions.
    pub fn new(level: CpuLevel) -> Result<Cpu, CpuError> {
        if level.supported() {
            Ok(Cpu(level))
        } else {
            Err(CpuError::Unsupported(level))
        }
    }

    /// The level named by the environment variable `STRAWBERRY_CPU`, or the best.
    ///
    /// # Errors
    /// [`CpuError`] when the variable names no level or one which this machine cannot run.
    pub fn from_env() -> Result<Cpu, CpuError> {
        match std::env::var("STRAWBERRY_CPU") {
            Ok(name) if !name.is_empty() => Cpu::new(name.parse()?),
            _ => Ok(Cpu::best()),
        }
    }

    /// Every level which this machine can run.
    pub fn all() -> Vec<Cpu> {
        CpuLevel::ALL
            .into_iter()
            .filter(|level| level.supported())
            .map(Cpu)
            .collect()
    }

    /// The level.
    pub const fn level(self) -> CpuLevel {
        self.0
    }
}
