"""Whether the record of what was done is whole."""

from __future__ import annotations

from bot.api import Finding, Look, Severity, Sight, _, watch

#: entries that are verified in each look, from the end
LAST = 1000


@watch("record", every=300.0)
async def record(look: Look) -> Sight:
    """The end of the audit record, which must follow from what is before it."""
    verdict = await look.records.audit_verify_end(LAST)
    if verdict.ok:
        return Sight()
    return Sight(
        (
            Finding(
                "end",
                Severity.CRITICAL,
                _("The audit record is not whole."),
                details=verdict.sentence,
                hint=_("Change nothing. {prefix}audit verify reads all of it; keep a copy."),
                loud=True,
            ),
        )
    )
