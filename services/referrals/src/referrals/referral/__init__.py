"""Referrals between organisations: drafting, sending, answering, escalating.

Contents: referrals with their lifecycle, escalations, answer links for recipients without an account, FHIR. This wing
writes notices without knowing their readers or channels; the wing `telling` delivers them. Begin with
`referrals/lifecycle.py` (the table of states) and `referrals/drafts.py` (the use case).
"""
