//! What the desktop shows for a moment.

use notify_rust::Notification;

use super::{Notice, in_time};

/// More does not fit into what is shown.
const LINES_MAX: usize = 4;

pub(super) fn show(notice: &Notice) -> Result<(), String> {
    let notification = notification(notice);
    // A desktop is started for it where there is none yet, which may take its time.
    in_time(move || {
        let shown = notification.show();
        shown.map(drop).map_err(|_| {
            "no desktop of this user shows it; from a schedule it can only be one that is logged in"
                .to_owned()
        })
    })
}

fn notification(notice: &Notice) -> Notification {
    let lines = notice.lines.iter().take(LINES_MAX);
    let lines: Vec<_> = lines.map(|line| plain(line)).collect();
    let mut notification = Notification::new();
    notification
        .appname("geokeep")
        .summary(&notice.subject)
        .body(&lines.join("\n"));
    #[cfg(all(unix, not(target_os = "macos")))]
    if !notice.is_good {
        notification.urgency(notify_rust::Urgency::Critical);
    }
    notification
}

/// Some desktops read marks in it, and names of files may look like these.
fn plain(line: &str) -> String {
    line.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
