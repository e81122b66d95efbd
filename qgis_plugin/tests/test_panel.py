"""What the panel says and shows: never what is no longer true, and never half of it."""

import os

from conftest import WAIT


def test_without_a_layer_there_are_no_versions(qtbot, town, plugin, settled, add):
    """Also where the answer about the layer of before is still on its way."""
    houses = add(town[0])
    settled()
    plugin.panel.set_layer(houses)
    plugin.panel.set_layer(None)
    qtbot.wait(500)
    assert plugin.panel.list.topLevelItemCount() == 0 and not plugin.panel.now.isEnabled()
    plugin.panel.set_layer(houses)
    qtbot.waitUntil(lambda: plugin.panel.list.topLevelItemCount() == 1, timeout=WAIT)


def test_a_loss_is_told_with_the_layer_that_it_is_about(qtbot, town, plugin, settled, add):
    path = os.path.realpath(town[0])
    houses = add(path)
    settled()
    assert houses.startEditing() and houses.deleteFeatures([1, 2, 3, 4, 5, 6]) and houses.commitChanges(), houses.commitErrors()
    settled()
    plugin.panel.set_layer(houses)
    assert "houses: " in plugin.panel.state.text(), plugin.panel.state.text()


def test_a_folder_that_is_away_is_said_in_words_for_people(qtbot, town, plugin, settled, add):
    path, to = town
    houses = add(path)
    settled()
    os.rename(to, to + ".away")
    plugin.panel.set_layer(houses)
    wanted = "The folder of backups is not there: %s. Nothing is backed up until it is back." % to
    qtbot.waitUntil(lambda: plugin.panel.state.text() == wanted, timeout=WAIT)
    plugin.keeper.back_up(os.path.realpath(path), "by hand")
    settled()
    assert plugin.panel.standing.of(os.path.realpath(path)) == ("bad", wanted)


def test_notes_that_have_no_room_end_in_an_ellipsis(qtbot, town, plugin, settled, add):
    """No scroll bar below the list: the tooltip has all of it."""
    houses = add(town[0])
    settled()
    plugin.panel.set_layer(houses)
    plugin.panel.resize(300, 400)
    qtbot.waitUntil(lambda: plugin.panel.list.topLevelItemCount() == 1, timeout=WAIT)
    version = plugin.panel.list.all()[0]
    plugin.panel.list.fill([version._replace(pinned="a reason that is far longer than any panel is wide")])
    qtbot.wait(50)
    assert plugin.panel.list.horizontalScrollBar().maximum() == 0
    assert "far longer" in plugin.panel.list.topLevelItem(0).toolTip(3)


def test_it_makes_the_window_of_qgis_neither_wide_nor_high(qtbot, plugin):
    """On a laptop of 1280 pixels the map needs the room. Pages with much text scroll."""
    from geokeep.command import missing

    plugin.panel.missing.show_trouble(missing())
    assert plugin.panel.minimumSizeHint().width() <= 330 and plugin.panel.minimumSizeHint().height() <= 300, plugin.panel.minimumSizeHint()
