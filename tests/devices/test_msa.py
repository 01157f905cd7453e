"""The MSA dialect: values from the field reference, part A (not recorded)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.units import Size
from bot.devices.arrays.msa import (
    MsaArray,
    show_controllers,
    show_system,
    show_volumes,
    wwn_of,
)
from bot.devices.session import Output
from bot.devices.storage import ArrayInfo, Volume
from bot.errors import DeviceError
from tests.devices.scripted import ScriptedSession, complaint
from tests.devices.telnet_array import xml

SERIAL = "00c0ff53a30500000323416101000000"
WWN = "600c0ff00053a3050323416101000000"


def row(basetype: str, **properties: str) -> str:
    """An object as the array prints it; underscores stand for the hyphens of property names."""
    inside = "".join(
        f'<PROPERTY name="{name.replace("_", "-")}" type="string" size="20">{value}</PROPERTY>'
        for name, value in properties.items()
    )
    return (
        f'<OBJECT basetype="{basetype}" name="{basetype}" oid="1" format="rows">{inside}</OBJECT>'
    )


def volumes(*rows: str, **verdict: object) -> Output:
    code, response = int(str(verdict.get("code", 0))), str(verdict.get("response", "done"))
    return Output(xml("show volumes", *rows, code=code, response=response).decode())


ZAMOK = row(
    "volumes",
    virtual_disk_name="vd1",
    volume_name="zamok-root",
    size="20.0GB",
    size_numeric="39062500",
    serial_number=SERIAL,
    wwn=WWN.upper(),
)


def test_a_volume_is_read_by_property_names() -> None:
    assert show_volumes().parse(volumes(ZAMOK)) == (
        Volume("zamok-root", Size(39062500 * 512), WWN, "vd1"),
    )


def test_a_wwn_that_is_missing_is_made_from_the_serial_number() -> None:
    old = row("volumes", volume_name="a", size_numeric="8", serial_number=SERIAL)

    assert show_volumes().parse(volumes(old))[0].wwn == WWN


@pytest.mark.parametrize(
    ("serial", "wwn"),
    [
        (SERIAL, WWN),
        ("00c0ffd81e2c0000ca8cbd4c01000000", "600c0ff000d81e2cca8cbd4c01000000"),
        ("00C0FFD81E2C0000CA8CBD4C01000000", "600c0ff000d81e2cca8cbd4c01000000"),
        ("", ""),
        ("12", ""),
    ],
)
def test_the_serial_rule_gives_the_known_pairs(serial: str, wwn: str) -> None:
    """Both pairs are real arrays' (A.8)."""
    assert wwn_of(serial) == wwn


async def test_the_array_says_what_it_is() -> None:
    both = row("controllers", durable_id="controller_a", sc_fw="T252R07") + row(
        "controllers", durable_id="controller_b", sc_fw="T252R07"
    )
    session = ScriptedSession(
        {
            "show system": Output(
                xml("show system", row("system", product_id="P2000 G3")).decode()
            ),
            "show controllers": Output(xml("show controllers", both).decode()),
        }
    )

    assert await MsaArray("nols", session).info() == ArrayInfo("P2000 G3", "T252R07")


def test_the_last_status_is_the_verdict() -> None:
    """An Info before an Error, or the other way round (trap 2)."""
    info = row("status", response_type="Info", response="Rescan is under way.", return_code="0")
    error = row("status", response_type="Error", response="busy", return_code="-1")

    assert len(show_volumes().parse(volumes(ZAMOK, error))) == 1
    with pytest.raises(DeviceError, match="says no: Unable to do so"):
        show_volumes().parse(volumes(ZAMOK, info, code=-10027, response="Unable to do so."))


def test_the_text_of_a_refusal_is_made_harmless() -> None:
    with pytest.raises(DeviceError) as caught:
        show_volumes().parse(volumes(code=1, response="a&#10;b" + "x" * 900))

    assert str(caught.value).startswith("The array says no: a bxx")
    assert len(str(caught.value)) < 300


def test_objects_inside_objects_are_rows_of_their_own() -> None:
    nested = ZAMOK.replace("</OBJECT>", row("volume-view", volume_name="inner") + "</OBJECT>")

    (volume,) = show_volumes().parse(volumes(nested))

    assert volume.name == "zamok-root"


def test_an_answer_to_something_else_is_no_answer() -> None:
    with pytest.raises(DeviceError, match="something else"):
        show_volumes().parse(Output(xml("set cli-parameters", ZAMOK).decode()))


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    '<RESPONSE REQUEST="show volumes"><OBJECT basetype="status">'
    '<PROPERTY name="return-code">0</PROPERTY></OBJECT></RESPONSE>'
)
FETCH = BOMB.replace('<!ENTITY a "aaaaaaaaaa">', '<!ENTITY a SYSTEM "file:///etc/passwd">')


@pytest.mark.parametrize("text", [BOMB, FETCH, BOMB.replace("[", "SYSTEM 'x.dtd' [")])
def test_a_document_type_is_refused(text: str) -> None:
    """Without one there are no entities to expand or to fetch."""
    with pytest.raises(DeviceError, match="cannot be read"):
        show_volumes().parse(Output(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "% Unrecognized command",
        "<RESPONSE></RESPONSE>",
        "<RESPONSE><OBJECT></RESPONSE>",
        xml("show volumes").decode().removesuffix("</RESPONSE>"),
        xml("show volumes").decode() * 2,
        xml("show volumes").decode().replace("return-code", "return"),
        xml("show volumes", row("volumes", volume_name="a", size_numeric="8")).decode(),
        xml("show volumes", row("volumes", volume_name="a", serial_number=SERIAL)).decode(),
        xml("show volumes", row("volumes", size_numeric="8", serial_number=SERIAL)).decode(),
        xml("show volumes", ZAMOK.replace("39062500", "20.0GB")).decode(),
    ],
)
def test_an_answer_that_is_not_understood_is_an_error(text: str) -> None:
    assert complaint(show_volumes().parse, Output(text))


@given(st.text(), st.integers(0, 400))
def test_no_text_breaks_a_parser(text: str, place: int) -> None:
    whole = volumes(ZAMOK).stdout
    for call in (show_volumes(), show_system(), show_controllers()):
        complaint(call.parse, Output(text))
        complaint(call.parse, Output(f"<RESPONSE>{text}</RESPONSE>"))
        complaint(call.parse, Output(whole[:place] + text + whole[place:]))
