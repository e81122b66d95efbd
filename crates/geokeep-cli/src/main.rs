//! The geokeep command: parse, call, render.

mod args;
mod commands;
mod config;
mod failure;
mod machine;
mod nightly;
mod render;
mod settings;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    let context = settings::Context::new(&arguments);
    match commands::run(arguments.command, &context) {
        Ok(code) => code.into(),
        Err(failure) => {
            if context.json {
                render::json_line(&render::ErrorLine::of(&failure));
            }
            render::failure(&context, &failure);
            failure.exit.into()
        }
    }
}
