//! One black-box suite: the program as its users meet it.

mod architecture;
mod backup;
mod browser;
mod delivery;
mod documents;
mod failpoints;
mod graphql;
mod hostile;
mod management;
mod process;
mod processes;
mod recognition;
mod register;
mod replay;
mod simulation;
mod standards;
mod stores;
mod support;
mod text;
mod tidy;
mod torture;
