"""A task with a schedule, imported only by the processes that shall serve it."""

from campaign.shapes import note
from taskkit import ScheduledPayload, schedules


@schedules.task(id="tick", cron="* * * * *")
async def tick(payload: ScheduledPayload) -> str:
    """Each minute."""
    note("tick", payload.timestamp.isoformat())
    return payload.timestamp.isoformat()
