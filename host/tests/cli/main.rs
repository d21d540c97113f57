//! The program as one types it: help, errors and exit codes, all before any server is asked.

mod documentation;
mod errors;
mod help;
mod program;
