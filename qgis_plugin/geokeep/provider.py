"""The Processing provider: usable in models, in batch, and headless with `qgis_process run geokeep:backup`."""

from qgis.core import QgsProcessingProvider

from .algorithms import Backup, Compare, RestoreFile, Verify
from .icons import icon


class Provider(QgsProcessingProvider):
    def id(self):
        return "geokeep"

    def name(self):
        return "geokeep"

    def longName(self):
        return "geokeep"

    def icon(self):
        return icon("geokeep")

    def loadAlgorithms(self):
        for algorithm in (Backup(), Verify(), RestoreFile(), Compare()):
            self.addAlgorithm(algorithm)
