//! Auxiliary points: which to try ([`candidates`], [`place`]), in which order ([`score`]), and the schedule
//! ([`run`]). A learned proposer plugs in through [`score::Proposer`].

pub mod candidates;
pub mod place;
pub mod run;
pub mod score;
