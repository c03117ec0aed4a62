"""The versions and the machine that computed a run, and the differences from the present ones."""

import platform

from meva_core.storage import provenance


def test_here_nothing_is_different():
    assert provenance.changes(provenance.record()) == []


def test_what_an_older_version_did_not_record_is_no_difference():
    assert provenance.changes({}) == []
    assert provenance.changes({"hash": "0123", "versions": 3}) == []


def test_what_is_different_is_listed():
    was = {**provenance.record(), "python": "3.0", "devices": 99}
    was["versions"] = {**was["versions"], "jax": "0.1"}
    found = provenance.changes(was)
    assert f"python {platform.python_version()} (was 3.0)" in found
    assert any(change.startswith("jax ") and change.endswith("(was 0.1)") for change in found)
    assert any(change.endswith("(was 99)") for change in found)
    assert len(found) == 3
