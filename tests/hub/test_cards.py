"""Cards for other places say what the files say."""

import json

import pytest
import yaml

from leapsr.errors import UsageError
from leapsr.files import sha256
from leapsr.hub import cards, catalog


@pytest.mark.parametrize("name", catalog.names())
def test_the_card_of_a_hub(name):
    _, head, text = cards.hub_card(catalog.find(name)).split("---\n", 2)
    found = yaml.safe_load(head)
    assert (found["license"], found["pipeline_tag"]) == ("apache-2.0", "image-to-image")
    assert f"x{catalog.summary(catalog.find(name)).scale}" in found["tags"]
    assert text.strip() == (catalog.find(name) / "README.md").read_text(encoding="utf-8").strip()


def test_an_entry_of_openmodeldb(tmp_path):
    file = tmp_path / "a.onnx"
    file.write_bytes(b"123")
    entry = json.loads(cards.openmodeldb_entry(catalog.find("leap-small"), "somebody", file, ["https://a/b"]))
    assert {
        "name",
        "author",
        "license",
        "tags",
        "description",
        "date",
        "architecture",
        "size",
    } <= entry.keys()
    assert (entry["scale"], entry["inputChannels"], entry["images"]) == (4, 3, [])
    assert entry["description"].startswith("Makes a photo four times larger")
    (resource,) = entry["resources"]
    assert (resource["platform"], resource["type"], resource["size"]) == ("onnx", "onnx", 3)
    assert resource["sha256"] == sha256(file)
    with pytest.raises(UsageError, match="no exported file"):
        cards.openmodeldb_entry(catalog.find("leap-small"), "somebody", tmp_path / "a.pth", [])
