"""Everything a command module imports."""

from bot.core.audit import Entry
from bot.core.audit_text import row as record_row
from bot.core.audit_text import story as record_story
from bot.core.chat import Proof
from bot.core.command import Command, command
from bot.core.jobs import State, in_words
from bot.core.plan import Line, Plan, PlannedStep, Verdict
from bot.core.render import Lines, Reply, Table, Terms, duration
from bot.core.text import clean, clean_lines
from bot.core.units import Size
from bot.devices.host import Detached, Host, Link, Phase
from bot.devices.storage import Volume
from bot.devices.xen import Disk, Domain, DomainConfig, HostInfo, Kind
from bot.engine import answering
from bot.engine.census import Census, settle, state_in_words, take
from bot.engine.context import Context, Requeue
from bot.engine.jobs import Job
from bot.engine.pins import Pinned
from bot.engine.pipeline import settle_job
from bot.engine.preflight import Facts, examine, verify_links
from bot.engine.release import release_jobs
from bot.engine.transfer import Move, conclude, follow
from bot.engine.volumes import by_name as volumes_by_name
from bot.errors import (
    BotError,
    Denied,
    DeviceError,
    Failed,
    OutcomeUnknown,
    Refused,
    Unreachable,
    UsageError,
)
from bot.i18n import _, ngettext
from bot.params import Count, Dom0, DomU, JobNumber, Word

__all__ = [
    "BotError",
    "Census",
    "Command",
    "Context",
    "Count",
    "Denied",
    "Detached",
    "DeviceError",
    "Disk",
    "Dom0",
    "DomU",
    "Domain",
    "DomainConfig",
    "Entry",
    "Facts",
    "Failed",
    "Host",
    "HostInfo",
    "Job",
    "JobNumber",
    "Kind",
    "Line",
    "Lines",
    "Link",
    "Move",
    "OutcomeUnknown",
    "Phase",
    "Pinned",
    "Plan",
    "PlannedStep",
    "Proof",
    "Refused",
    "Reply",
    "Requeue",
    "Size",
    "State",
    "Table",
    "Terms",
    "Unreachable",
    "UsageError",
    "Verdict",
    "Volume",
    "Word",
    "_",
    "answering",
    "clean",
    "clean_lines",
    "command",
    "conclude",
    "duration",
    "examine",
    "follow",
    "in_words",
    "ngettext",
    "record_row",
    "record_story",
    "release_jobs",
    "settle",
    "settle_job",
    "state_in_words",
    "take",
    "verify_links",
    "volumes_by_name",
]
