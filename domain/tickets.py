"""Nouns of the repair desk."""

from enum import StrEnum


class EventKind(StrEnum):
    """What can happen to a ticket."""

    OPENED = "opened"
    FLAG_JOINED = "flag_joined"  # another flag of the same home while the ticket is open
    SEVERE = "severe"
    RECOVERED = "recovered"  # the flag cleared: the home is warm again
    FLAG_ENDED = "flag_ended"  # the flag ended for another reason
    FLAG_CORRECTED = "flag_corrected"  # late data moved its beginning, end or depth
    RETROSPECTIVE = "retrospective"  # found after it was over
    HEALED = "healed"  # what was wrong with a sensor has been gone for long enough
    JOB_ENDED = "job_ended"  # a device job ended for another reason
    INCIDENT_JOINED = "incident_joined"  # one fault behind many cold homes: the crew is sent once for all
    INCIDENT_MOVED = "incident_moved"  # the incident has become part of a wider one
    INCIDENT_LEFT = "incident_left"  # it stands for itself again
    INCIDENT_CLOSED = "incident_closed"  # on the ticket of the crew


PRIORITY_SEVERE = 1
PRIORITY_COLD = 2
PRIORITY_DEVICE = 3
