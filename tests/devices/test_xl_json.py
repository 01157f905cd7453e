"""`xl list -l`, read from what real hosts printed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.units import Size
from bot.devices.session import Output
from bot.devices.toolstacks.xl_json import read_configs
from bot.devices.xen import Disk, Nic
from bot.errors import DeviceError
from tests.devices.recordings import recording
from tests.devices.scripted import complaint


def document(change: dict[str, Any] | None = None) -> Output:
    """The recorded list of alpha alone, changed as the test wants it."""
    content = json.loads(recording("12-list-l-alpha").output.stdout)
    content[0]["config"].update(change or {})
    return Output(json.dumps(content))


def test_the_recorded_configurations_are_read_without_domain_0() -> None:
    alpha, beta, gamma = read_configs(recording("11-list-l").output)

    assert (alpha.name, beta.name, gamma.name) == ("alpha", "beta", "gamma")
    assert alpha.uuid == "b8e622eb-0de2-4e29-b9a3-943d735eedc0"
    assert (alpha.domid, alpha.type, alpha.vcpus) == (1, "pv", 1)
    assert (alpha.memory, gamma.memory) == (Size.mib(128), Size.mib(256))
    assert alpha.disks == (Disk("/dev/alpha", "xvda", writable=True),)
    assert alpha.nics == (Nic("00:16:3e:77:00:21", "xenbr0"),)


@pytest.mark.parametrize("kind", ["pv", "pvh", "hvm"])
def test_each_type_of_guest_is_known(kind: str) -> None:
    identity = {"type": kind, "name": "vm", "uuid": "b8e622eb-0de2-4e29-b9a3-943d735eedc0"}

    assert read_configs(document({"c_info": identity}))[0].type == kind


def test_an_empty_drive_is_no_disk_and_a_missing_flag_means_read_only() -> None:
    disks = [{"vdev": "hdc", "is_cdrom": True}, {"vdev": "xvdb", "pdev_path": "/dev/vm-root"}]

    (config,) = read_configs(document({"disks": disks}))

    assert config.disks == (Disk("/dev/vm-root", "xvdb", writable=False),)


@pytest.mark.parametrize(
    "change",
    [
        {"c_info": {"type": "pv", "name": "vm"}},
        {
            "c_info": {
                "type": "unikernel",
                "name": "vm",
                "uuid": "b8e622eb-0de2-4e29-b9a3-943d735eedc0",
            }
        },
        {"c_info": {"type": "pv", "name": "a\nb", "uuid": "b8e622eb-0de2-4e29-b9a3-943d735eedc0"}},
        {
            "c_info": {
                "type": "pv",
                "name": "a" * 200,
                "uuid": "b8e622eb-0de2-4e29-b9a3-943d735eedc0",
            }
        },
        {"b_info": {}},
        {"b_info": {"max_memkb": "much"}},
        {"disks": [{"vdev": "xvda"}]},
        {"disks": "none"},
    ],
)
def test_a_configuration_that_is_not_understood_is_an_error(change: dict[str, Any]) -> None:
    with pytest.raises(DeviceError, match="cannot be read"):
        read_configs(document(change))


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    with pytest.raises(DeviceError):
        read_configs(Output("?" + text))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["domid", "config"]), inner)
        ),
    )
)
def test_no_json_breaks_the_parser(content: object) -> None:
    complaint(read_configs, Output(json.dumps(content)))


def test_a_cut_document_is_an_error() -> None:
    whole = recording("11-list-l").output.stdout

    with pytest.raises(DeviceError):
        read_configs(Output(whole[:3000]))
