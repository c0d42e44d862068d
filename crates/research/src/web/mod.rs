//! The web as a source: search servers that name pages, and a fetcher that reads them politely and reaches nothing
//! private.
//!
//! | file | what to change there |
//! |---|---|
//! | [`guard`] | which addresses may be reached |
//! | [`robots`] | what sites ask of robots |
//! | [`fetch`] | one page |
//! | [`search`] | SearXNG, Brave, Tavily |

pub mod fetch;
pub mod guard;
pub mod robots;
pub mod search;

pub use fetch::{Fetcher, Limits};
pub use search::{Engine, SearchServer};
