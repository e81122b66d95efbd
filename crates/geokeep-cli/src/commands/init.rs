//! `geokeep init`.

use std::io::Write;
use std::path::Path;

use geokeep::durable::Temporary;
use geokeep::jobs::config::EXAMPLE;
use geokeep::wire::InitObject;

use crate::args::Init;
use crate::failure::{Exit, Failure, shown};
use crate::render;
use crate::settings::Context;

pub(crate) fn run(arguments: &Init, context: &Context) -> Result<Exit, Failure> {
    let path = &arguments.config;
    write(path, context).map_err(|e| {
        let hint = if e.kind() == std::io::ErrorKind::AlreadyExists {
            "edit the one that is there, or name another with --config"
        } else {
            "name another place with --config"
        };
        Failure::usage(
            format!("{} was not written", shown(path)),
            &geokeep::words::why(&e),
            hint,
        )
    })?;
    if context.json {
        render::json_line(&InitObject::new(path));
    }
    render::say(
        context,
        &format!(
            "{} is written: name your files in it, then try it with geokeep run",
            shown(path)
        ),
    );
    Ok(Exit::Done)
}

fn write(path: &Path, context: &Context) -> std::io::Result<()> {
    let path = std::path::absolute(path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = Temporary::create(&context.disk, folder, "init")?;
    // It stays closed to others: it may come to hold the address of a switch.
    file.write_all(EXAMPLE.as_bytes())?;
    Ok(file.keep_as_new(&path)?)
}
