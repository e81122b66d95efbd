"""What people read: translated texts, times, sizes, and names that must never be taken for markup."""

import html
from datetime import date, datetime, timedelta, timezone

from qgis.PyQt.QtCore import QCoreApplication, QLocale


def tr(text):
    return QCoreApplication.translate("geokeep", text)


def plural(n, one, many):
    """`one` and `many` are translated already; `many` has `{n}` in it."""
    return one if n == 1 else many.format(n=number(n))


def number(n):
    return QLocale().toString(int(n))


def size(count):
    """Bytes as people say them, by thousands as the program does."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            return "%.0f %s" % (value, unit) if unit == "B" or value >= 100 else "%.1f %s" % (value, unit)
        value /= 1000


def moment(instant):
    """An instant of the program's (`2026-11-20T14:05:03.123Z`) in local time, or None. Python 3.9 knows no `Z`."""
    try:
        return datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone()
    except (AttributeError, ValueError):
        return None


def when(instant):
    """`today 14:05`, `yesterday 02:30`, else the date."""
    then = moment(instant)
    if then is None:
        return ""
    clock = then.strftime("%H:%M:%S")
    if then.date() == date.today():
        return tr("today {time}").format(time=clock)
    if then.date() == date.today() - timedelta(days=1):
        return tr("yesterday {time}").format(time=clock)
    return then.strftime("%Y-%m-%d ") + clock


def age(instant):
    then = moment(instant)
    if then is None:
        return ""
    seconds = (datetime.now(timezone.utc) - then).total_seconds()
    if seconds >= 86400:
        return plural(int(seconds // 86400), tr("1 day ago"), tr("{n} days ago"))
    if seconds >= 3600:
        return plural(int(seconds // 3600), tr("1 hour ago"), tr("{n} hours ago"))
    if seconds >= 60:
        return plural(int(seconds // 60), tr("1 minute ago"), tr("{n} minutes ago"))
    return tr("just now")


def label(text):
    """The notes that the plugin itself gives to backups are stored in English and shown translated."""
    known = {
        "first backup": tr("first backup"),
        "opened": tr("opened in QGIS"),
        "restored": tr("after a restore"),
        "before editing": tr("before editing"),
        "after save": tr("after save"),
        "by hand": tr("by hand"),
        "found changed": tr("found changed"),
        "project saved": tr("project saved"),
        "QGIS closed": tr("QGIS closed"),
    }
    return known.get(text, text or "")


def plain(text):
    """For widgets that would show markup (message bar, tooltips): names of files and layers are foreign text."""
    return html.escape(str(text)).replace("\n", "<br>")


def menu(text):
    """For actions and buttons, where an ampersand would underline a letter."""
    return str(text).replace("&", "&&")


def sentence(text):
    """The program's texts begin small and end without a full stop, for they follow `error:`. Its own name stays small."""
    text = text.strip()
    if text and not text.startswith("geokeep"):
        text = text[0].upper() + text[1:]
    return text if not text or text[-1] in ".!?" else text + "."


def sentence_of(trouble):
    """The first two of its four lines: what is wrong, and why."""
    return " ".join(sentence(t) for t in (trouble.message, trouble.cause) if t)


def no_folder(folder):
    return tr("The folder of backups is not there: {folder}. Nothing is backed up until it is back.").format(folder=folder)


def all_of(trouble):
    """All four: also what is true now, and what helps."""
    return "\n".join(sentence(t) for t in (trouble.message, trouble.cause, trouble.state, trouble.hint) if t)
