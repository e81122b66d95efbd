"""What the user chose, in QGIS's own settings."""

from qgis.core import QgsSettings

PREFIX = "plugins/geokeep/"
DEFAULTS = {
    "destination": "",
    "program": "",
    "when_editing_starts": True,
    "after_each_save": True,
    "when_project_is_saved": True,
    "when_qgis_closes": False,
    "keep": True,
    "keep_daily": 7,
    "keep_weekly": 5,
    "keep_monthly": 12,
    "max_loss": 20,
    "night": "02:30",
    "panel_opened": False,
    "first_told": False,
    "night_sources": "[]",
}


def get(name):
    default = DEFAULTS[name]
    return QgsSettings().value(PREFIX + name, default, type=type(default))


def put(name, value):
    if name not in DEFAULTS:
        raise KeyError(name)
    QgsSettings().setValue(PREFIX + name, value)


def destination():
    return get("destination")
