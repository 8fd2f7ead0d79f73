//! `dlcs completions SHELL`.

use clap::CommandFactory;
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct CompletionsArgs {
    shell: clap_complete::Shell,
}

pub(crate) fn run(args: &CompletionsArgs) -> ExitCode {
    let mut command = crate::Cli::command();
    clap_complete::generate(args.shell, &mut command, "dlcs", &mut std::io::stdout());
    ExitCode::SUCCESS
}
