"""What leaves referrals: messages, webhooks, feed, work lists, trails, stored answers and batches.

Contents: channels (e-mail, push, SMS), webhooks, feed, todo, trail, bulk, the answers kept for repeated commands, and
`followers_service.py`: which capability follows which happening, in which order.

It decides nothing about a person: it asks whether the receiver may still read, and says nothing about anybody.
Begin with `readable_queries.py` (who may still read) and `channels/messages.py`.
"""
