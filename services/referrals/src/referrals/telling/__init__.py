"""Everything that the referrals service sends out: messages, webhooks, feed, work lists, trails, stored responses and
batches.

Contents: channels (e-mail, push, SMS), webhooks, feed, todo, trail, bulk, the stored responses to repeated commands,
and `followers_service.py`, which defines the subscribers of each domain event and their order. This package decides
nothing about a person: it checks whether the receiver may still read, and its messages contain no facts. Begin with
`readable_queries.py` (who may still read) and `channels/messages.py`.
"""
