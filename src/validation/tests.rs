//! Tests of verdicts over time, of policies and of replay, with an authority in memory.

mod replay;
mod setting;
mod verdicts;
