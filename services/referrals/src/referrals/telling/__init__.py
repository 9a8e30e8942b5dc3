"""Everything that leaves referrals: messages, webhooks, feed, work lists, trails, stored answers and batches.

Contents: channels (e-mail, push, SMS), webhooks, feed, todo, trail, bulk, the stored answers of repeated commands,
and `followers_service.py`: which capability subscribes to which happening, in which order. This wing decides nothing
about a person: it checks whether the receiver may still read, and its messages contain no facts. Begin with
`readable_queries.py` (who may still read) and `channels/messages.py`.
"""
