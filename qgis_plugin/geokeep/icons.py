"""Icons from the plugin's folder. Each has its own shape, so that colour alone tells nothing."""

import os

from qgis.PyQt.QtGui import QIcon

FOLDER = os.path.join(os.path.dirname(__file__), "icons")


def icon(name):
    return QIcon(os.path.join(FOLDER, name + ".svg"))
