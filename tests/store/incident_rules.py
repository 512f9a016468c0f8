"""Rules of incidents for tests."""

from domain.incidents import IncidentRule

RULE = IncidentRule(
    share=0.3,
    building_homes=3,
    substation_homes=6,
    settle_s=120,
    recovered_share=0.8,
    rest_for_s=3600,
    quiet_for_s=1200,
)
# No flag that is open and not its own case or part of an open incident; no part of a closed one.
SWALLOWED = """
SELECT f.flag_id FROM flag AS f JOIN ticket AS t USING (ticket_id)
WHERE f.cleared_at IS NULL AND (
  t.state = 'closed'
  OR EXISTS (
    SELECT FROM incident_ticket AS k JOIN incident AS i USING (incident_id)
    WHERE k.ticket_id = f.ticket_id AND k.left_at IS NULL AND i.closed_at IS NOT NULL
  )
  OR (
    EXISTS (SELECT FROM incident_ticket AS k WHERE k.ticket_id = f.ticket_id)
    AND NOT EXISTS (SELECT FROM incident_ticket AS k WHERE k.ticket_id = f.ticket_id AND k.left_at IS NULL)
    AND NOT EXISTS (SELECT FROM outbox AS o WHERE o.ticket_id = f.ticket_id AND o.kind = 'home_stayed_cold')
  )
)
"""
