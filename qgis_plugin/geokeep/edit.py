"""Old features into the layer that is open: through QGIS's edit session, as one step that can be undone.

A save in QGIS is not atomic: if one feature collides, others may be in the file already. So all that can
be known beforehand is checked before the first change.
"""

from collections import namedtuple

from qgis.core import NULL, QgsFeature, QgsFeatureRequest, QgsFieldConstraints, QgsVectorLayerUtils

from .words import tr

# `lost` and `changed` are those that can come back; `collisions` is a list of (fid, reason).
Plan = namedtuple("Plan", "lost changed collisions")


class CannotRestore(Exception):
    pass


def with_deletions(layer, lost):
    """Features that were deleted in this edit session are lost, too, though the file still has them."""
    buffer = layer.editBuffer()
    return sorted(set(lost) | {fid for fid in (buffer.deletedFeatureIds() if buffer else []) if fid > 0})


def check(layer, old, lost, changed):
    """What can come back, and what cannot, and why."""
    wanted = {f.id(): f for f in old.getFeatures(request(set(lost) | set(changed)))}
    there = {f.id() for f in layer.getFeatures(request(wanted).setFlags(QgsFeatureRequest.Flag.NoGeometry))}
    pairs = field_pairs(layer, old)
    back, again, collisions = [], [], []
    for fid in sorted(wanted):
        if fid in lost and fid in there:
            collisions.append((fid, tr("its number is taken")))
            continue
        if fid not in lost and fid not in there:
            # Deleted in this edit session, or not shown by this layer.
            collisions.append((fid, tr("this layer does not show it")))
            continue
        reason = forbidden(layer, wanted[fid], pairs, set(wanted))
        if reason:
            collisions.append((fid, reason))
        else:
            (again if fid in there else back).append(fid)
    return Plan(back, again, collisions)


def forbidden(layer, was, pairs, being_restored):
    """A rule of the table that the old values would break."""
    keys = set(layer.primaryKeyAttributes())
    for i, j in pairs:
        if i in keys:
            continue
        field = layer.fields().at(i)
        rules = layer.dataProvider().fieldConstraints(i)
        value = was.attribute(j)
        empty = value is None or value == NULL
        if empty and rules & QgsFieldConstraints.Constraint.ConstraintNotNull:
            return tr("“{field}” must have a value").format(field=field.name())
        if not empty and rules & QgsFieldConstraints.Constraint.ConstraintUnique:
            if QgsVectorLayerUtils.valueExists(layer, i, value, list(being_restored)):
                return tr("another feature has the same “{field}”").format(field=field.name())
    return missing_value(layer, {i for i, _j in pairs} | keys)


def missing_value(layer, filled):
    """A column that came later and must not be empty."""
    provider = layer.dataProvider()
    for i in range(provider.fields().count()):
        rules = provider.fieldConstraints(i)
        if i not in filled and rules & QgsFieldConstraints.Constraint.ConstraintNotNull and not provider.defaultValueClause(i):
            return tr("“{field}” must have a value").format(field=layer.fields().at(i).name())
    return None


def field_pairs(layer, old):
    """[(index in the layer, index in the old version)] of the table's own columns, by name; joined and virtual ones come after them."""
    pairs = []
    for i in range(layer.dataProvider().fields().count()):
        j = old.fields().indexOf(layer.fields().at(i).name())
        if j >= 0:
            pairs.append((i, j))
    return pairs


def request(fids):
    return QgsFeatureRequest().setFilterFids(list(fids))


def apply(layer, old, plan, text):
    """One undo step. The user looks at it, and saves or undoes it. Gives the numbers of the features that came back."""
    if not layer.isEditable() and not layer.startEditing():
        raise CannotRestore(tr("QGIS does not let this layer be edited."))
    pairs, keys = field_pairs(layer, old), set(layer.primaryKeyAttributes())
    layer.beginEditCommand(text)
    try:
        add(layer, old, plan.lost, pairs)
        change(layer, old, plan.changed, pairs, keys)
    except CannotRestore:
        layer.destroyEditCommand()
        raise
    layer.endEditCommand()
    layer.triggerRepaint()
    return plan.lost + plan.changed


def add(layer, old, fids, pairs):
    new = []
    for was in old.getFeatures(request(fids)) if fids else []:
        feature = QgsFeature(layer.fields())
        feature.setGeometry(was.geometry())
        for i, j in pairs:
            feature.setAttribute(i, was.attribute(j))  # the number (fid) is one of them, and is kept
        new.append(feature)
    if len(new) != len(fids):
        raise CannotRestore(tr("The old version could not be read to its end."))
    if new and not layer.addFeatures(new):
        raise CannotRestore(tr("QGIS did not take the features."))


def change(layer, old, fids, pairs, keys):
    for was in old.getFeatures(request(fids)) if fids else []:
        now = layer.getFeature(was.id())
        values = {i: was.attribute(j) for i, j in pairs if i not in keys and was.attribute(j) != now.attribute(i)}
        before = {i: now.attribute(i) for i in values}
        if values and not layer.changeAttributeValues(was.id(), values, before):
            raise CannotRestore(tr("QGIS did not take the old values."))
        if layer.isSpatial() and was.geometry().asWkb() != now.geometry().asWkb():
            if not layer.changeGeometry(was.id(), was.geometry()):
                raise CannotRestore(tr("QGIS did not take the old geometry."))
