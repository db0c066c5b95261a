//! Tests of verdicts over time, of policies and of replay, with an authority in memory.

mod levels;
mod replay;
mod setting;
mod verdicts;
