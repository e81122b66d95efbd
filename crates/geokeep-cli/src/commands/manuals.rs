//! `geokeep completions` and `geokeep man`: made from the definitions that `--help` is made from.

use std::io;
use std::path::Path;

use clap::CommandFactory;
use geokeep::durable::write_file;
use geokeep::wire::ManualObject;

use crate::args::Arguments;
use crate::args::manuals::{Completions, Man};
use crate::failure::{Exit, Failure};
use crate::render;
use crate::settings::Context;

pub(crate) fn completions(arguments: &Completions, context: &Context) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    let mut command = Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "geokeep", &mut script);
    let text = String::from_utf8_lossy(&script);
    render::as_it_is(context, text.trim_end());
    if context.json {
        render::json_line(&ManualObject::completions(&text));
    }
    Ok(Exit::Done)
}

pub(crate) fn man(arguments: &Man, context: &Context) -> Result<Exit, Failure> {
    let mut command = Arguments::command();
    // Each verb learns its full name.
    command.build();
    write_pages(&command, &arguments.to, context)
        .map_err(|e| Failure::of_manuals(&e, &arguments.to))?;
    Ok(Exit::Done)
}

/// One page for a command, and one for each below it.
fn write_pages(command: &clap::Command, folder: &Path, context: &Context) -> io::Result<()> {
    let page = clap_mangen::Man::new(command.clone())
        // An empty one would be left out, and the next field taken for it.
        .date(" ")
        .source(concat!("geokeep ", env!("CARGO_PKG_VERSION")));
    let path = folder.join(page.get_filename());
    let mut text = Vec::new();
    page.render(&mut text)?;
    write_file(&context.disk, &path, &text)?;
    render::say(context, &path.to_string_lossy());
    if context.json {
        render::json_line(&ManualObject::page(&path));
    }
    let verbs = command.get_subcommands();
    for verb in verbs.filter(|verb| verb.get_name() != "help") {
        write_pages(verb, folder, context)?;
    }
    Ok(())
}
