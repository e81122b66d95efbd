//! The geokeep command: parse, call, render.

mod args;
mod commands;
mod config;
mod failure;
mod machine;
mod nightly;
mod render;
mod settings;
mod text;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    arguments.color.choose();
    let context = settings::Context::new(&arguments);
    if context.events {
        render::print_moments(&context.monitor);
    }
    let result = commands::run(arguments.command, &context);
    render::lacks();
    match result {
        Ok(code) => code.code().into(),
        Err(failure) => {
            if context.json {
                render::json_line(&geokeep::wire::ErrorObject::of(&failure));
            }
            render::failure(&context, &failure);
            failure.exit.code().into()
        }
    }
}
