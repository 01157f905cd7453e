"""`xl list -v`, `info` and the configuration files, read from what real hosts printed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.units import Size
from bot.devices.session import Output
from bot.devices.toolstacks.xl import (
    XlToolstack,
    list_definitions,
    list_domains,
    read_definitions,
    read_domains,
    read_info,
)
from bot.devices.xen import Domain, Kind
from bot.errors import DeviceError, Refused
from tests.devices.recordings import recording, recordings
from tests.devices.scripted import ScriptedSession, complaint

HEADER = recording("13-list-v").output.stdout.splitlines()[0] + "\n"
DOM0 = recording("13-list-v").output.stdout.splitlines()[1] + "\n"


def printed(domain: Domain) -> str:
    """*domain* as `xl list -v` prints it (format strings in xen tools/xl/xl_info.c)."""
    return (
        f"{domain.name:<40} {domain.domid:5d} {domain.memory // 2**20:5d} {domain.vcpus:5d}"
        f"     {domain.state}  {domain.cpu_seconds:8.1f} {domain.uuid} {'-':>8} {'-':>16}\n"
    )


def test_the_recorded_list_is_read_without_domain_0() -> None:
    domains = read_domains(recording("13-list-v").output)

    assert [domain.name for domain in domains] == ["alpha", "beta", "gamma"]
    assert domains[0] == Domain(
        name="alpha",
        domid=1,
        uuid="b8e622eb-0de2-4e29-b9a3-943d735eedc0",
        memory=Size.mib(128),
        vcpus=1,
        state="-b----",
        cpu_seconds=19.7,
    )


def test_our_rendering_is_the_recorded_one() -> None:
    """Else the round trip below would prove nothing."""
    domains = read_domains(recording("13-list-v").output)

    assert recording("13-list-v").output.stdout == HEADER + DOM0 + "".join(map(printed, domains))


def test_every_recorded_stage_of_a_migration_has_its_kind_and_its_guest() -> None:
    """The short lists of 90-during-migration, each line lengthened as -v does it."""
    tail = " b8e622eb-0de2-4e29-b9a3-943d735eedc0        -                -\n"
    lines = re.findall(r"^alpha\S* .*$", recording("90-during-migration").output.stdout, re.M)
    seen = {
        (domain.name, domain.kind, domain.half_moved, domain.plain_name)
        for line in lines
        for domain in read_domains(Output(HEADER + DOM0 + line + tail))
    }

    assert seen == {
        ("alpha", Kind.ALIVE, False, "alpha"),
        ("alpha--incoming", Kind.PAUSED, True, "alpha"),
        ("alpha", Kind.SUSPENDED, False, "alpha"),
    }


names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1).map(
    lambda text: text[:60]
)
domains_strategy = st.lists(
    st.builds(
        Domain,
        name=names,
        domid=st.integers(1, 32752),
        uuid=st.uuids().map(str),
        memory=st.integers(0, 2**24).map(Size.mib),
        vcpus=st.integers(0, 512),
        state=st.from_regex(r"[r-][b-][p-][s-][-rscwS][d-]", fullmatch=True),
        cpu_seconds=st.integers(0, 10**9).map(lambda tenths: tenths / 10),
    ),
    unique_by=lambda domain: domain.domid,
)


@given(domains_strategy)
def test_a_list_printed_as_xl_prints_it_is_read_back_whole(domains: list[Domain]) -> None:
    output = Output(HEADER + DOM0 + "".join(map(printed, domains)))

    assert read_domains(output) == tuple(domains)


@given(domains_strategy, st.data())
def test_a_list_that_was_cut_short_is_never_read_as_a_shorter_list(
    domains: list[Domain], data: st.DataObject
) -> None:
    whole = HEADER + DOM0 + "".join(map(printed, domains))
    cut = data.draw(st.integers(0, len(whole) - 1).filter(lambda end: whole[end - 1] != "\n"))

    with pytest.raises(DeviceError):
        read_domains(Output(whole[:cut]))


@pytest.mark.parametrize(
    "stdout",
    [
        "",
        HEADER,
        DOM0,
        HEADER + DOM0 + "\n",
        HEADER + DOM0 + DOM0,
        HEADER + DOM0 + "garbage\n",
        HEADER.replace("UUID", "Mood") + DOM0,
        HEADER + DOM0 + DOM0.replace("Domain-0", "a" * 130).replace("     0   768", "     9   768"),
        HEADER
        + DOM0
        + DOM0.replace("Domain-0", "a\x1b[2J   ").replace("     0   768", "     9   768"),
    ],
)
def test_a_list_that_is_not_understood_is_an_error(stdout: str) -> None:
    with pytest.raises(DeviceError, match="cannot be read"):
        read_domains(Output(stdout))


@given(st.text(), st.integers(-1, 255))
def test_no_text_breaks_a_parser(text: str, code: int) -> None:
    for parse in (read_domains, read_info, read_definitions):
        for output in (Output(text, "", code), Output(HEADER + text), Output("", text, code)):
            complaint(parse, output)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("40-list-unknown", "nosuch is an invalid domain identifier (rc=-6)"),
        ("56-list-bad-option", "option ` ' not supported."),
        ("57-not-root", "Could not obtain handle on privileged command interface"),
        ("not-xen-xl-list", "Can't find hypervisor information in sysfs!"),
    ],
)
def test_a_recorded_failure_of_xl_list_gives_its_reason(name: str, reason: str) -> None:
    with pytest.raises(DeviceError) as caught:
        read_domains(recording(name).output)

    assert reason in str(caught.value)


def test_every_recorded_xl_info_is_read() -> None:
    found = {
        one.name: read_info(one.output) for one in recordings() if "virt_caps" in one.output.stdout
    }

    assert {"02-info", "02-info-fz", "27-info-n", "stock-info", "shadow-xlinfo"} <= set(found)
    assert found["02-info"].name == "fy"
    assert found["02-info"].xen_version == "4.17.5"
    assert found["02-info"].total_memory == Size.mib(2047)
    assert found["02-info"].free_memory == Size.mib(1256)
    assert found["02-info"].moves_pv_live
    assert not found["stock-info"].moves_pv_live


def test_info_without_its_memory_is_an_error() -> None:
    stdout = recording("02-info").output.stdout
    without = "".join(line for line in stdout.splitlines(True) if "free_memory" not in line)

    with pytest.raises(DeviceError, match="no free_memory"):
        read_info(Output(without))


def test_the_names_in_the_configuration_files_are_read() -> None:
    stdout = (
        "/etc/xen/vm.cfg:name = 'vm'\n"
        '/etc/xen/zamok.cfg:name   = "zamok"   # the mail host\n'
        "/etc/xen/old/zamok.cfg:  name='zamok';\n"
    )

    assert read_definitions(Output(stdout)) == ("vm", "zamok")
    assert read_definitions(Output("", "", 1)) == ()


@pytest.mark.parametrize(
    "output",
    [
        Output("/etc/xen/a.cfg:name = vm + 'x'\n"),
        Output("/etc/xen/a.cfg:name = 'vm'", "grep: /etc/xen/b.cfg: Permission denied", 2),
        Output("", "grep: /etc/xen: No such file or directory", 2),
        Output("", "sh: grep: not found", 1),
    ],
)
def test_a_configuration_file_that_cannot_be_read_is_an_error(output: Output) -> None:
    with pytest.raises(DeviceError):
        read_definitions(output)


def test_reads_are_marked_as_reads() -> None:
    assert not list_domains().changes
    assert not list_definitions().changes


def test_the_migrate_command_takes_names_only() -> None:
    xl = XlToolstack("fy", ScriptedSession({}))

    assert xl.migrate_words("vm", "fz") == ("sudo", "xl", "migrate", "vm", "fz")
    for guest, target in (("-rf", "fz"), ("vm", "--debug"), ("vm;x", "fz"), ("a" * 200, "fz")):
        with pytest.raises(Refused):
            xl.migrate_words(guest, target)
