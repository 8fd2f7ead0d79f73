//! One black-box suite: the program as its users meet it.

mod architecture;
mod browser;
mod delivery;
mod documents;
mod graphql;
mod hostile;
mod management;
mod process;
mod register;
mod replay;
mod standards;
mod support;
mod tidy;
mod torture;
