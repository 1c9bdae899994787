"""SPEC A.6: labels."""

import pytest

from cloud.client.session import Session


@pytest.mark.parametrize("label", ["foo job", "Käse 🧀"])
def test_a_label_stays_with_the_job(cloud: Session, label: str) -> None:
    """S31: lifted: it may be any text, not ASCII alone."""
    call = cloud.call(abs, 1, _label=label)
    mapped = cloud.map(abs, range(2), _label=label)
    assert [info["label"] for info in cloud.info([call, *mapped], "label").values()] == [label] * 3
    with pytest.raises(TypeError, match="_label"):
        cloud.call(abs, 1, _label=5)
