"""geokeep in QGIS: backups of GeoPackages while they are edited, old versions as layers, lost features back."""


def classFactory(iface):
    from .plugin import Plugin

    return Plugin(iface)
