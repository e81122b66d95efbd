//! `geokeep version`.

use geokeep::wire::VersionObject;

use crate::failure::Exit;
use crate::render;
use crate::settings::Context;

pub(crate) fn run(context: &Context) -> Exit {
    let version = VersionObject::of(env!("CARGO_PKG_VERSION"));
    if context.json {
        render::json_line(&version);
    } else {
        let line = format!("{} {}", version.program, version.version);
        render::say(context, &line);
        render::say(context, &format!("JSON version {}", version.json));
        render::say(context, &format!("can: {}", version.features.join(", ")));
    }
    Exit::Done
}
