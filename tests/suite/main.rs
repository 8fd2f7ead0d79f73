//! One black-box suite: the program as its users meet it.

mod architecture;
mod backup;
mod bad_input;
mod browser;
mod clocks;
mod delivery;
mod disk;
mod documents;
mod failpoints;
mod graphql;
mod hostile;
mod management;
mod network;
mod process;
mod processes;
mod rebuilds;
mod register;
mod replay;
mod simulation;
mod standards;
mod stopping;
mod stores;
mod support;
mod tidy;
mod torture;
