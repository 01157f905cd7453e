"""The tables of the store.  No statement here or elsewhere that PostgreSQL would refuse."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData()

#: schema version, site id, sync token, head of the audit chain
meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

#: every chat event that was taken in, so that none is taken in twice
handled = Table(
    "handled",
    metadata,
    Column("event_id", String(255), primary_key=True),
    Column("at", Float, nullable=False),
)
Index("handled_by_age", handled.c.at)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("event_id", String(255), nullable=False, unique=True),
    Column("room", String(255), nullable=False),
    Column("sender", String(255), nullable=False),
    Column("person", String(255), nullable=False),
    Column("line", Text, nullable=False),
    Column("cut", Boolean, nullable=False),
    Column("state", String(24), nullable=False),
    Column("code", String(24), nullable=False),
    Column("result", Text, nullable=False),
    Column("risk", Integer, nullable=False),
    Column("no_return", Boolean, nullable=False),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("touched", Float, nullable=False),
    Column("ended", Float),
    #: what was known of the device that it was typed on, as `bot.core.chat.Proof`
    Column("proof", String(12), nullable=False, server_default="plain"),
    #: as `bot.core.chat.Message` has them
    Column("thread", String(255), nullable=False, server_default=""),
    Column("answers", String(255), nullable=False, server_default=""),
    sqlite_autoincrement=True,
)
Index("jobs_by_state", jobs.c.state)

#: the journal: each step before it starts and after it ended
steps = Table(
    "steps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job", Integer, ForeignKey("jobs.id"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("changes", Boolean, nullable=False),
    Column("started", Float, nullable=False),
    Column("ended", Float),
    Column("ok", Boolean),
    sqlite_autoincrement=True,
)

#: what a job must find again after a crash
notes = Table(
    "notes",
    metadata,
    Column("job", Integer, ForeignKey("jobs.id"), nullable=False),
    Column("key", String(64), nullable=False),
    Column("value", Text, nullable=False),
    UniqueConstraint("job", "key"),
)

locks = Table(
    "locks",
    metadata,
    Column("job", Integer, ForeignKey("jobs.id"), nullable=False),
    Column("key", String(255), nullable=False),
    Column("state", String(24), nullable=False),
    UniqueConstraint("job", "key"),
)
#: two jobs that hold one lock are impossible, even if the code is wrong
_held = text("state IN ('running', 'undetermined')")
Index("one_holder", locks.c.key, unique=True, sqlite_where=_held, postgresql_where=_held)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("data", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

#: denials of one sender that wait for their counting record
denials = Table(
    "denials",
    metadata,
    Column("sender", String(255), primary_key=True),
    Column("since", Float, nullable=False),
    Column("more", Integer, nullable=False),
    #: whose they were, where that is known
    Column("person", String(255), nullable=False, server_default=""),
    #: the first of the jobs that were denied, as JSON
    Column("jobs", Text, nullable=False, server_default="[]"),
)

#: the master key that each chat id signs its devices with, as it was seen first or confirmed since
pins = Table(
    "pins",
    metadata,
    Column("user", String(255), primary_key=True),
    Column("key", String(64), nullable=False),
    Column("since", Float, nullable=False),
    #: who confirmed it; empty for the key that was seen first
    Column("confirmed_by", String(255), nullable=False),
    #: another key that was seen since, which nobody has confirmed
    Column("offered", String(64)),
)

#: what waits for somebody's word, and what came of it; a row is used once, by its own job
requests = Table(
    "requests",
    metadata,
    Column("code", String(12), primary_key=True),
    Column("job", Integer, ForeignKey("jobs.id"), nullable=False, index=True),
    #: as `bot.core.approvals.Need`
    Column("need", Integer, nullable=False),
    Column("risk", Integer, nullable=False),
    #: of the plan that was shown
    Column("digest", String(64), nullable=False),
    #: open, approved, used, denied, withdrawn, expired or changed
    Column("state", String(12), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    #: whether a sign on the plan can be an answer
    Column("reacts", Boolean, nullable=False, server_default=false()),
    #: who approved or confirmed it, and how their message was proven
    Column("by", String(255), nullable=False, server_default=""),
    Column("proof", String(12), nullable=False, server_default=""),
    #: why it was denied
    Column("why", Text, nullable=False, server_default=""),
)
_waiting = text("state IN ('open', 'approved')")
Index("one_request", requests.c.job, unique=True, sqlite_where=_waiting, postgresql_where=_waiting)

#: rights that somebody got for a time
grants = Table(
    "grants",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person", String(255), nullable=False),
    #: as the config writes one
    Column("right", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(255), nullable=False),
    Column("job", Integer, nullable=False, unique=True),
    Column("since", Float, nullable=False),
    Column("until", Float, nullable=False),
    #: active, ended or revoked
    Column("state", String(12), nullable=False),
    sqlite_autoincrement=True,
)

#: times in which somebody went without the second person
glass = Table(
    "glass",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("job", Integer, nullable=False, unique=True),
    Column("since", Float, nullable=False),
    Column("until", Float, nullable=False),
    #: active or ended
    Column("state", String(12), nullable=False),
    sqlite_autoincrement=True,
)

#: what nobody's job may touch, and hosts that take no guest in
holds = Table(
    "holds",
    metadata,
    Column("id", Integer, primary_key=True),
    #: as `bot.core.plan.Thing`, or maintenance
    Column("kind", String(16), nullable=False),
    Column("name", String(255), nullable=False),
    #: the UUID or WWN that it had then; empty where none is known
    Column("identity", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(255), nullable=False),
    Column("job", Integer, nullable=False, unique=True),
    Column("since", Float, nullable=False),
    #: null: until somebody releases it
    Column("until", Float),
    #: active, ended or released
    Column("state", String(12), nullable=False),
    sqlite_autoincrement=True,
)

#: one message in the room each, about one alert or several of one group
alert_posts = Table(
    "alert_posts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("grp", String(255), nullable=False),
    Column("opened", Float, nullable=False),
    #: set once all its alerts are over
    Column("closed", Float),
    #: whether it says less than is known
    Column("stale", Boolean, nullable=False),
    #: when people were last called, and how often for the alert that is worst
    Column("called", Float),
    Column("calls", Integer, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)
_current = text("closed IS NULL")
Index(
    "one_post_a_group",
    alert_posts.c.grp,
    unique=True,
    sqlite_where=_current,
    postgresql_where=_current,
)

#: what the bot noticed, or was told of by another program
alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, primary_key=True),
    #: the watch or the program that says so, and by which key it is known there
    Column("source", String(64), nullable=False),
    Column("key", String(255), nullable=False),
    Column("post", Integer, ForeignKey("alert_posts.id"), nullable=False, index=True),
    #: as `bot.core.alerts.Finding`; objects as JSON
    Column("severity", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("hint", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("objects", Text, nullable=False),
    Column("loud", Boolean, nullable=False),
    #: as `bot.core.alerts.AlertState`
    Column("state", String(12), nullable=False),
    Column("since", Float, nullable=False),
    #: when it was last said to be so
    Column("seen", Float, nullable=False),
    Column("ended", Float),
    Column("times", Integer, nullable=False),
    #: who acknowledged or closed it
    Column("by", String(255), nullable=False, server_default=""),
    Column("acked", Float),
    sqlite_autoincrement=True,
)
_open = text("state IN ('firing', 'acknowledged', 'closed')")
Index(
    "one_alert",
    alerts.c.source,
    alerts.c.key,
    unique=True,
    sqlite_where=_open,
    postgresql_where=_open,
)
Index("alerts_by_key", alerts.c.source, alerts.c.key)

#: alerts of which nobody is called for a time
silences = Table(
    "silences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String(64), nullable=False),
    Column("key", String(255), nullable=False),
    Column("reason", Text, nullable=False),
    Column("person", String(255), nullable=False),
    Column("job", Integer, nullable=False),
    Column("since", Float, nullable=False),
    Column("until", Float, nullable=False),
    #: active, ended or lifted
    Column("state", String(12), nullable=False),
    sqlite_autoincrement=True,
)

#: what each watch remembers from one look to the next, as JSON
sights = Table(
    "sights",
    metadata,
    Column("watch", String(64), primary_key=True),
    Column("memory", Text, nullable=False),
)

#: incidents; everything else about one is on its timeline
incidents = Table(
    "incidents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("title", Text, nullable=False),
    Column("room", String(255), nullable=False),
    #: open or resolved
    Column("state", String(12), nullable=False),
    Column("opened", Float, nullable=False),
    #: whether its pinned message says less than is known
    Column("stale", Boolean, nullable=False),
    #: the entry of the record up to which its timeline was looked for
    Column("heard", Integer, nullable=False),
    sqlite_autoincrement=True,
)

#: what happened in each, in order; only ever added to
incident_entries = Table(
    "incident_entries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("incident", Integer, ForeignKey("incidents.id"), nullable=False, index=True),
    Column("at", Float, nullable=False),
    #: as `bot.core.incidents.EntryKind`
    Column("kind", String(16), nullable=False),
    Column("person", String(255), nullable=False),
    Column("text", Text, nullable=False),
    #: what the kind needs besides, as JSON
    Column("data", Text, nullable=False),
    #: the entry of the record that it comes from; null where it comes from none
    Column("audit", Integer),
    #: the job that added it; null where none did
    Column("job", Integer),
    UniqueConstraint("incident", "audit"),
    sqlite_autoincrement=True,
)

#: what a console showed before and after something was done to its guest, kept for a time
snapshots = Table(
    "snapshots",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job", Integer, ForeignKey("jobs.id"), nullable=False, index=True),
    Column("guest", String(255), nullable=False),
    Column("host", String(255), nullable=False),
    Column("moment", String(12), nullable=False),
    Column("at", Float, nullable=False),
    Column("condition", String(24), nullable=False),
    #: what was seen, as people read it: conditions with their evidence, then the screen
    Column("text", Text, nullable=False),
    Column("png", LargeBinary),
    Column("sha256", String(64), nullable=False),
    Column("expires", Float, nullable=False),
    sqlite_autoincrement=True,
)

#: what is still to be said, in order; a txn that was sent keeps its event id, for edits
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("room", String(255), nullable=False),
    Column("txn", String(128), nullable=False, unique=True),
    Column("plain", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("about", String(255)),
    Column("threaded", Boolean, nullable=False),
    Column("edits", String(128)),
    Column("status", Text),
    Column("state", String(12), nullable=False),
    Column("event_id", String(255)),
    #: as `bot.core.chat.PostKind`
    Column("kind", String(12), nullable=False, server_default="text"),
    #: chat ids of persons to call, as JSON; null for none
    Column("mentions", Text),
    Column("to_unsigned", Boolean, nullable=False, server_default=false()),
    #: as `bot.core.chat.Post.file`
    Column("file", String(64), nullable=False, server_default=""),
    Column("attachment", Text, nullable=False, server_default=""),
    #: the txn of the message in whose thread this belongs
    Column("under", String(128)),
    #: as `bot.core.chat.Picture`; null once it was sent
    Column("picture", LargeBinary),
    #: when it is taken back again; null for never, and once that was asked for
    Column("expires", Float),
    sqlite_autoincrement=True,
)
Index("outbox_by_state", outbox.c.state, outbox.c.id)
