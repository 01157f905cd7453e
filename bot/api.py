"""Everything a command module imports."""

from bot.core import (
    clock_alerts,
    clock_causes,
    clock_mending,
    clock_reference,
    clock_text,
    console_alerts,
)
from bot.core.alert_text import line as alert_line
from bot.core.alert_text import stands as alert_stands
from bot.core.alerts import Alert, AlertState, Finding, Severity, Sight
from bot.core.audit import Entry
from bot.core.audit_text import row as record_row
from bot.core.audit_text import story as record_story
from bot.core.chat import VOUCHED, Proof
from bot.core.clock_account import Account
from bot.core.clock_course import Course
from bot.core.clock_sweep import Measured, Sweep
from bot.core.clocks import Reading, Role, Whose
from bot.core.command import Command, command
from bot.core.console import Condition, Notice
from bot.core.console_text import headline as console_headline
from bot.core.events import Asking
from bot.core.holds import Aim, Hold, HoldKind
from bot.core.incident_text import heading as incident_heading
from bot.core.incident_text import line as incident_line
from bot.core.incidents import EntryKind, Incident
from bot.core.jobs import State, in_words
from bot.core.keys import Keystroke
from bot.core.plan import Line, Plan, PlannedStep, Thing, Verdict
from bot.core.render import Lines, Reply, Table, Terms, duration
from bot.core.risk import Risk
from bot.core.sysrq import DESTROYING as sysrq_destroys
from bot.core.sysrq import keys as sysrq_keys
from bot.core.terms import Limits, reason, time_and_reason
from bot.core.text import clean, clean_lines
from bot.core.units import Size, moment, span
from bot.core.watch import watch
from bot.devices.console import ConsoleHeld
from bot.devices.host import Detached, Host, Link, Phase
from bot.devices.power import Power, PowerChange, Server
from bot.devices.storage import Volume
from bot.devices.xen import Disk, Domain, DomainConfig, HostInfo, Kind
from bot.engine import (
    answering,
    at_console,
    breaking,
    clock_fix,
    clock_graph,
    console_watch,
    errands,
    granting,
    handling,
    power_card,
    power_change,
    reload,
    reports,
    serial_port,
    why,
)
from bot.engine.at_console import Seat, Typing
from bot.engine.census import Census, Sighting, settle, state_in_words, take
from bot.engine.clock_fix_card import Mending, plan_fix
from bot.engine.clock_graph import History
from bot.engine.clock_step import clock_after, clock_before
from bot.engine.consoles import Shot
from bot.engine.context import Context, Requeue
from bot.engine.destroy_card import plan_destruction
from bot.engine.destroying import (
    Destruction,
    conclude_destruction,
    demand_present,
)
from bot.engine.following import Errand
from bot.engine.glass import Broken
from bot.engine.grants import Grant
from bot.engine.handling import Act
from bot.engine.incident_rows import Timeline
from bot.engine.jobs import Job
from bot.engine.look import Look
from bot.engine.machines import find_machine
from bot.engine.pins import Pinned
from bot.engine.pipeline import settle_job
from bot.engine.power_card import Powering, lights_out
from bot.engine.preflight import Facts, examine, verify_links
from bot.engine.release import release_jobs
from bot.engine.roll import Roll
from bot.engine.snapshots import Snapshot
from bot.engine.snapshots import changed as changed_on_console
from bot.engine.snapshots import shown as pictures_of
from bot.engine.sought import Found, Sought, find, several
from bot.engine.transfer import Move, conclude
from bot.engine.volumes import by_name as volumes_by_name
from bot.engine.volumes import prove as prove_links
from bot.engine.volumes import wrong as wrong_link
from bot.engine.which_alerts import alerts_meant, leading_numbers, may_on_alert
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
from bot.params import (
    AlertNumber,
    CommandWord,
    Count,
    Dom0,
    DomU,
    Holdable,
    JobNumber,
    Keys,
    LightsOutAction,
    LineCount,
    Machine,
    Number,
    Person,
    Said,
    Secret,
    Span,
    Switch,
    SysrqKey,
    Word,
)

__all__ = [
    "VOUCHED",
    "Account",
    "Act",
    "Aim",
    "Alert",
    "AlertNumber",
    "AlertState",
    "Asking",
    "BotError",
    "Broken",
    "Census",
    "Command",
    "CommandWord",
    "Condition",
    "ConsoleHeld",
    "Context",
    "Count",
    "Course",
    "Denied",
    "Destruction",
    "Detached",
    "DeviceError",
    "Disk",
    "Dom0",
    "DomU",
    "Domain",
    "DomainConfig",
    "Entry",
    "EntryKind",
    "Errand",
    "Facts",
    "Failed",
    "Finding",
    "Found",
    "Grant",
    "History",
    "Hold",
    "HoldKind",
    "Holdable",
    "Host",
    "HostInfo",
    "Incident",
    "Job",
    "JobNumber",
    "Keys",
    "Keystroke",
    "Kind",
    "LightsOutAction",
    "Limits",
    "Line",
    "LineCount",
    "Lines",
    "Link",
    "Look",
    "Machine",
    "Measured",
    "Mending",
    "Move",
    "Notice",
    "Number",
    "OutcomeUnknown",
    "Person",
    "Phase",
    "Pinned",
    "Plan",
    "PlannedStep",
    "Power",
    "PowerChange",
    "Powering",
    "Proof",
    "Reading",
    "Refused",
    "Reply",
    "Requeue",
    "Risk",
    "Role",
    "Roll",
    "Said",
    "Seat",
    "Secret",
    "Server",
    "Severity",
    "Shot",
    "Sight",
    "Sighting",
    "Size",
    "Snapshot",
    "Sought",
    "Span",
    "State",
    "Sweep",
    "Switch",
    "SysrqKey",
    "Table",
    "Terms",
    "Thing",
    "Timeline",
    "Typing",
    "Unreachable",
    "UsageError",
    "Verdict",
    "Volume",
    "Whose",
    "Word",
    "_",
    "alert_line",
    "alert_stands",
    "alerts_meant",
    "answering",
    "at_console",
    "breaking",
    "changed_on_console",
    "clean",
    "clean_lines",
    "clock_after",
    "clock_alerts",
    "clock_before",
    "clock_causes",
    "clock_fix",
    "clock_graph",
    "clock_mending",
    "clock_reference",
    "clock_text",
    "command",
    "conclude",
    "conclude_destruction",
    "console_alerts",
    "console_headline",
    "console_watch",
    "demand_present",
    "duration",
    "errands",
    "examine",
    "find",
    "find_machine",
    "granting",
    "handling",
    "in_words",
    "incident_heading",
    "incident_line",
    "leading_numbers",
    "lights_out",
    "may_on_alert",
    "moment",
    "ngettext",
    "pictures_of",
    "plan_destruction",
    "plan_fix",
    "power_card",
    "power_change",
    "prove_links",
    "reason",
    "record_row",
    "record_story",
    "release_jobs",
    "reload",
    "reports",
    "serial_port",
    "settle",
    "settle_job",
    "several",
    "span",
    "state_in_words",
    "sysrq_destroys",
    "sysrq_keys",
    "take",
    "time_and_reason",
    "verify_links",
    "volumes_by_name",
    "watch",
    "why",
    "wrong_link",
]
