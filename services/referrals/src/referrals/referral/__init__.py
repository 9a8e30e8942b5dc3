"""Referrals between organisations: drafting, sending, responding, escalating.

Contents: referrals with their lifecycle, escalations, response links for recipients without an account, FHIR. This
package writes notices without knowing their readers or channels; the package `telling` delivers them. Begin with
`referrals/lifecycle.py` (the state table) and `referrals/drafts.py` (the use case).
"""
